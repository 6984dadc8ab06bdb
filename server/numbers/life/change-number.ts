import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { invalid, Problem } from '../../errors.ts';
import { type Revision, revise } from '../../revisions/revise.ts';
import { readPhoneNumber } from '../phone-number.ts';
import { applyChanges, loadStates } from './changes.ts';
import type { NumberState, Step } from './rules.ts';

/** A number as a caller names it. */
export type Target = { phone_number: string; default_country: string; organization_id?: string | undefined };

type Found = { id: string; organization_id: string };

const lookUpsMax = 3;

/**
 * Finds the live number that a target means and does `work` with it; outside the organization that it is narrowed to,
 * there is none. A number that has moved on by the time that its organization is locked is looked up once more.
 * @param work returns undefined if the number is no longer there
 */
export async function withNumber<T>(
  db: Db,
  caller: Caller,
  target: Target,
  work: (found: Found) => Promise<T | undefined>,
): Promise<T> {
  for (let lookUp = 0; lookUp < lookUpsMax; lookUp++) {
    const found = await findNumber(db, caller, target);
    const result = found && (await work(found));
    if (result !== undefined) return result;
    if (!found) break;
  }
  throw new Problem('number_not_found');
}

async function findNumber(db: Db, caller: Caller, target: Target): Promise<Found | undefined> {
  const number = readPhoneNumber(target.phone_number, target.default_country);
  if (typeof number === 'string') throw invalid(`phone_number ${number}`);
  const within = target.organization_id ?? null;
  const { rows } = await sql<Found>`
    select n.id, n.organization_id
    from phone_numbers n join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
    where n.tenant_id = ${caller.tenantId} and n.phone_number = ${number.e164} and n.released_at is null
      and (${caller.organizationId}::uuid is null or o.id = ${caller.organizationId})
      and (${within}::text is null or o.unique_id = ${within})`.execute(db);
  return rows[0];
}

/**
 * Takes one number of the tenant one step further, in one revision of the organization that has it.
 * @returns the number as it is then
 */
export function changeNumber(
  db: Db,
  caller: Caller,
  target: Target,
  rule: (number: NumberState, revision: Revision) => Step | Promise<Step>,
): Promise<{ number: NumberState; at: Date }> {
  return withNumber(db, caller, target, found =>
    revise(db, caller, { id: found.organization_id }, async revision => {
      const [number] = await loadStates(revision, caller, [found.id]);
      if (!number) return undefined;
      const step = await rule(number, revision);
      await applyChanges(revision, caller, [{ number, step }]);
      return { number: { ...number, ...step.set }, at: revision.at };
    }),
  );
}
