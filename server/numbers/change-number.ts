import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import type { Who } from '../keys/who.ts';
import { type Revision, revise } from '../revisions/revise.ts';
import { applyChanges, loadStates } from './changes.ts';
import type { NumberState, Step } from './life.ts';
import { getNumber } from './numbers.ts';

/** A number as a caller names it. */
export type Target = { phone_number: string; default_country: string; organization_id?: string | undefined };

/** The live number that a target means; outside the organization that it is narrowed to, there is none. */
export async function locateNumber(db: Db, who: Who, target: Target) {
  const found = await getNumber(db, who, target.phone_number, target.default_country);
  if (target.organization_id !== undefined && found.organization_unique_id !== target.organization_id) {
    throw new Problem('number_not_found');
  }
  return found;
}

/**
 * Takes one number of the tenant one step further, in one revision of the organization that has it.
 * @returns the number as it is then
 */
export async function changeNumber(
  db: Db,
  who: Who,
  target: Target,
  rule: (number: NumberState, revision: Revision) => Step | Promise<Step>,
): Promise<{ number: NumberState; at: Date }> {
  const found = await locateNumber(db, who, target);
  return revise(db, who, { id: found.organization_id }, async revision => {
    const [number] = await loadStates(revision, who, [found.id]);
    // It may have moved on since it was looked up.
    if (!number) throw new Problem('number_not_found');
    const step = await rule(number, revision);
    await applyChanges(revision, who, [{ number, step }]);
    return { number: { ...number, ...step.set }, at: revision.at };
  });
}
