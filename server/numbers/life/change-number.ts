import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { invalid, Problem } from '../../errors.ts';
import { type Revision, revise } from '../../revisions/revise.ts';
import { readPhoneNumber } from '../phone-number.ts';
import { applyChanges, loadStates } from './changes.ts';
import type { NumberState, Step } from './rules.ts';

/** A number as a client names it. */
export type Target = { phone_number: string; default_country: string; organization_id?: string | undefined };

type LocatedNumber = { id: string; organization_id: string };

const lookUpsMax = 3;

/**
 * Finds the live number that a target names, and passes it to `work`. A target with an organization finds no number of
 * another one. The number may leave its organization before `work` has locked it; then it is looked up again.
 * @param work returns undefined if the number has left the organization
 * @throws Problem `number_not_found`, `invalid_request`
 */
export async function withNumber<T>(
  db: Db,
  caller: Caller,
  target: Target,
  work: (number: LocatedNumber) => Promise<T | undefined>,
): Promise<T> {
  for (let lookUp = 0; lookUp < lookUpsMax; lookUp++) {
    const number = await findNumber(db, caller, target);
    const result = number && (await work(number));
    if (result !== undefined) return result;
    if (!number) break;
  }
  throw new Problem('number_not_found');
}

async function findNumber(db: Db, caller: Caller, target: Target): Promise<LocatedNumber | undefined> {
  const number = readPhoneNumber(target.phone_number, target.default_country);
  if (typeof number === 'string') throw invalid(`phone_number ${number}`);
  const within = target.organization_id ?? null;
  const { rows } = await sql<LocatedNumber>`
    select n.id, n.organization_id
    from phone_numbers n join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
    where n.tenant_id = ${caller.tenantId} and n.phone_number = ${number.e164} and n.released_at is null
      and (${caller.organizationId}::uuid is null or o.id = ${caller.organizationId})
      and (${within}::text is null or o.unique_id = ${within})`.execute(db);
  return rows[0];
}

/**
 * Takes one number one step further, in one revision of its organization.
 * @returns the number's new state
 */
export function changeNumber(
  db: Db,
  caller: Caller,
  target: Target,
  rule: (number: NumberState, revision: Revision) => Step | Promise<Step>,
): Promise<{ number: NumberState; at: Date }> {
  return withNumber(db, caller, target, ({ id, organization_id }) =>
    revise(db, caller, { id: organization_id }, async revision => {
      const [number] = await loadStates(revision, caller, [id]);
      if (!number) return undefined;
      const step = await rule(number, revision);
      await applyChanges(revision, caller, [{ number, step }]);
      return { number: { ...number, ...step.set }, at: revision.at };
    }),
  );
}
