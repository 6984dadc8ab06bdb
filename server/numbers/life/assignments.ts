import { sql } from 'kysely';
import { readBeginning } from '../../../phone-numbers/beginnings.ts';
import { nearbyAreaCodes } from '../../../phone-numbers/regions.ts';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { assertActive, type Revision, revise } from '../../revisions/revise.ts';
import { findAssignee } from '../../users/references.ts';
import { changeNumber, type Target } from './change-number.ts';
import { applyChanges, findStates } from './changes.ts';
import { assign, type NumberState, unassign } from './rules.ts';

export type Assigned = { phone_number: string; user_id: string; assigned_at: Date };

/** Gives an available number to an active user of its organization. */
export async function assignNumber(
  db: Db,
  caller: Caller,
  target: Target,
  reference: string,
): Promise<Assigned> {
  const { number, at } = await changeNumber(db, caller, target, async (number, revision) => {
    assertActive(revision);
    // Errors of the number come before errors of the user, so the rule is tried before the user is looked up.
    assign(number, { id: '', unique_id: reference });
    return assign(number, await findAssignee(revision.tx, caller, revision.organization.id, reference));
  }).catch(as400);
  return { phone_number: number.phone_number, user_id: number.user_id!, assigned_at: at };
}

/** Returns an assigned number to the available pool, at once or after the tenant's cool-down. */
export async function unassignNumber(db: Db, caller: Caller, target: Target) {
  let user_id = '';
  const { number } = await changeNumber(db, caller, target, (number, { policy, now }) => {
    user_id = number.user_id ?? '';
    return unassign(number, policy, now);
  }).catch(as400);
  return { phone_number: number.phone_number, user_id, status: number.status, available_at: number.until };
}

/** The published API answers 400, not 404, if these two calls name an unknown number. */
function as400(error: unknown): never {
  throw error instanceof Problem && error.code === 'number_not_found'
    ? new Problem('number_to_assign_not_found')
    : error;
}

/** Who claims a number, and which numbers will do. */
export type Claim = {
  organization_id: string;
  user_id: string;
  /** In order of preference. */
  area_codes?: string[] | undefined;
  /** Whether the other area codes of the same state or province will do too, in ascending order. */
  nearby?: boolean | undefined;
  /** The first digits, in any formatting. */
  starts_with?: string | undefined;
  /** The country of first digits that are given without `+`. */
  default_country?: string | undefined;
  /** The number must have all of them. */
  tags?: string[] | undefined;
  /** The name of the carrier that the number comes from. */
  carrier?: string | undefined;
};

/**
 * Assigns any available number that fits: from the first area code that has one, the number that has been available the
 * longest.
 */
export function claimNumber(db: Db, caller: Caller, claim: Claim): Promise<Assigned> {
  return revise(db, caller, { unique_id: claim.organization_id }, async revision => {
    assertActive(revision);
    const user = await findAssignee(revision.tx, caller, revision.organization.id, claim.user_id);
    const number = await pickNumber(revision, caller, claim);
    if (!number) throw await noneAvailable(revision, caller, claim);
    await applyChanges(revision, caller, [{ number, step: assign(number, user, 'number.claimed') }]);
    return { phone_number: number.phone_number, user_id: user.unique_id, assigned_at: revision.at };
  });
}

/** Locks no rows: only the holder of the organization's lock, which is held here, assigns its numbers. */
async function pickNumber(
  revision: Revision,
  caller: Caller,
  claim: Claim,
): Promise<NumberState | undefined> {
  const { tags, carrier } = claim;
  const begins = beginningsOf(claim);
  // One area code per query: each query walks the index of available numbers and stops at the first match.
  for (const areaCode of areaCodesToTry(claim) ?? [undefined]) {
    const conditions = [
      sql`n.status = 'available' and n.release_due_at is null`,
      ...(areaCode !== undefined ? [sql`n.area_code = ${areaCode}`] : []),
      ...(begins !== undefined
        ? [sql`n.phone_number like any(${begins.map(digits => `+${digits}%`)}::text[])`]
        : []),
      ...(tags !== undefined ? [sql`n.tags @> ${tags}::text[]`] : []),
      ...(carrier !== undefined ? [isFrom(carrier)] : []),
    ];
    const longestAvailable = sql`${sql.join(conditions, sql` and `)} order by n.available_since, n.phone_number limit 1`;
    const [number] = await findStates(revision, caller, longestAvailable);
    if (number) return number;
  }
  return undefined;
}

const beginningsOf = ({ starts_with, default_country }: Claim): string[] | undefined =>
  starts_with === undefined ? undefined : readBeginning(starts_with, default_country);

const isFrom = (carrier: string) => sql`exists (
  select from carrier_accounts account
  where account.tenant_id = n.tenant_id and account.id = n.carrier_account_id and account.carrier = ${carrier})`;

function areaCodesToTry({ area_codes, nearby }: Claim): string[] | undefined {
  if (!area_codes || !nearby) return area_codes;
  return [...new Set([...area_codes, ...area_codes.flatMap(nearbyAreaCodes)])];
}

/** An error that says which numbers were tried, and which are available. */
async function noneAvailable({ tx, organization }: Revision, caller: Caller, claim: Claim): Promise<Problem> {
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
    ...(claim.area_codes ? [`area code ${areaCodesToTry(claim)!.join(', then ')}`] : []),
    ...(claim.starts_with !== undefined ? [`starting with ${beginningsOf(claim)!.join(' or ')}`] : []),
    ...(claim.tags ? [`tagged ${claim.tags.join(' and ')}`] : []),
    ...(claim.carrier !== undefined ? [`from ${claim.carrier}`] : []),
  ];
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  const most = rows.slice(0, 10).map(row => `${row.area_code ?? 'no area code'}: ${row.count}`);
  const available =
    total === 0
      ? 'The organization has no available number'
      : `Available: ${total} (${most.join(', ')}${rows.length > 10 ? ', …' : ''})`;
  return new Problem('none_available', undefined, `Tried: ${tried.join('; ') || 'any number'}. ${available}`);
}
