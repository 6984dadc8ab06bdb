import { sql } from 'kysely';
import { nearbyAreaCodes } from '../../../phone-numbers/regions.ts';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { assertActive, type Revision, revise } from '../../revisions/revise.ts';
import { changeNumber, type Target } from './change-number.ts';
import { applyChanges, findAssignee, findStates } from './changes.ts';
import { assign, type NumberState, unassign } from './rules.ts';

export type Assigned = { phone_number: string; user_id: string; assigned_at: Date };

/** Gives an available number to an active user of its organization. */
export async function assignNumber(
  db: Db,
  caller: Caller,
  target: Target,
  userId: string,
): Promise<Assigned> {
  const { number, at } = await changeNumber(db, caller, target, async (number, revision) => {
    assertActive(revision);
    // What is wrong with the number is said before what is wrong with the user.
    assign(number, { id: '', unique_id: userId });
    return assign(number, await findAssignee(revision, caller, userId));
  }).catch(as400);
  return { phone_number: number.phone_number, user_id: userId, assigned_at: at };
}

/** Returns an assigned number to its organization, at once or after the cool-down that the tenant has set. */
export async function unassignNumber(db: Db, caller: Caller, target: Target) {
  let user_id = '';
  const { number } = await changeNumber(db, caller, target, (number, { policy, now }) => {
    user_id = number.user_id ?? '';
    return unassign(number, policy, now);
  }).catch(as400);
  return { phone_number: number.phone_number, user_id, status: number.status, available_at: number.until };
}

/** The contract of these two calls: a number that is not there is a 400 here. */
function as400(error: unknown): never {
  throw error instanceof Problem && error.code === 'number_not_found'
    ? new Problem('number_to_assign_not_found')
    : error;
}

export type Wish = {
  organization_id: string;
  user_id: string;
  /** In order of preference. */
  area_codes?: string[] | undefined;
  /** Whether the other area codes of the same state or province do too, in ascending order. */
  nearby?: boolean | undefined;
  /** Digits, `+` and formatting aside. */
  starts_with?: string | undefined;
  /** All of these. */
  tags?: string[] | undefined;
  /** Which carrier it comes from, as `carriers` names it. */
  carrier?: string | undefined;
};

/**
 * Gives the user any available number that fits: the first area code that has one, and of those the number that has
 * been free the longest.
 */
export function claimNumber(db: Db, caller: Caller, wish: Wish): Promise<Assigned> {
  return revise(db, caller, { unique_id: wish.organization_id }, async revision => {
    assertActive(revision);
    const user = await findAssignee(revision, caller, wish.user_id);
    const number = await pickNumber(revision, caller, wish);
    if (!number) throw await noneFits(revision, caller, wish);
    await applyChanges(revision, caller, [{ number, step: assign(number, user, 'number.claimed') }]);
    return { phone_number: number.phone_number, user_id: user.unique_id, assigned_at: revision.at };
  });
}

/** Nothing is locked here: the organization's lock is held, and only its holder hands its numbers out. */
async function pickNumber(revision: Revision, caller: Caller, wish: Wish): Promise<NumberState | undefined> {
  const { starts_with, tags, carrier } = wish;
  // One area code at a time, so that each is a walk along the index of the pool that stops at its first fit.
  for (const areaCode of areaCodesToTry(wish) ?? [undefined]) {
    const conditions = [
      sql`n.status = 'available' and n.release_due_at is null`,
      ...(areaCode !== undefined ? [sql`n.area_code = ${areaCode}`] : []),
      ...(starts_with !== undefined ? [sql`n.phone_number like ${`+${starts_with}%`}`] : []),
      ...(tags !== undefined ? [sql`n.tags @> ${tags}::text[]`] : []),
      ...(carrier !== undefined ? [isFrom(carrier)] : []),
    ];
    const longestFree = sql`${sql.join(conditions, sql` and `)} order by n.available_since, n.phone_number limit 1`;
    const [number] = await findStates(revision, caller, longestFree);
    if (number) return number;
  }
  return undefined;
}

const isFrom = (carrier: string) => sql`exists (
  select from carrier_accounts account
  where account.tenant_id = n.tenant_id and account.id = n.carrier_account_id and account.carrier = ${carrier})`;

function areaCodesToTry({ area_codes, nearby }: Wish): string[] | undefined {
  if (!area_codes || !nearby) return area_codes;
  return [...new Set([...area_codes, ...area_codes.flatMap(nearbyAreaCodes)])];
}

/** What was tried, and what there is instead. */
async function noneFits({ tx, organization }: Revision, caller: Caller, wish: Wish): Promise<Problem> {
  const rows = await tx
    .selectFrom('phone_numbers')
    .select(['area_code'])
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', caller.tenantId)
    .where('organization_id', '=', organization.id)
    .where('status', '=', 'available')
    .groupBy('area_code')
    .orderBy('count', 'desc')
    .orderBy('area_code')
    .execute();
  const tried = [
    ...(wish.area_codes ? [`area code ${areaCodesToTry(wish)!.join(', then ')}`] : []),
    ...(wish.starts_with !== undefined ? [`starting with ${wish.starts_with}`] : []),
    ...(wish.tags ? [`tagged ${wish.tags.join(' and ')}`] : []),
    ...(wish.carrier !== undefined ? [`from ${wish.carrier}`] : []),
  ];
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  const most = rows.slice(0, 10).map(row => `${row.area_code ?? 'no area code'}: ${row.count}`);
  const there =
    total === 0
      ? 'The organization has no available number'
      : `Available: ${total} (${most.join(', ')}${rows.length > 10 ? ', …' : ''})`;
  return new Problem('none_available', undefined, `Tried: ${tried.join('; ') || 'any number'}. ${there}`);
}
