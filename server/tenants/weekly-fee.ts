import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Tx } from '../db/database.ts';

/** The numbers that the weekly price is charged for: those that come from a carrier account, or all. */
export const weeklyFeeFor = ['carrier', 'all'] as const;

export type WeeklyFeeFor = (typeof weeklyFeeFor)[number];

/** Not `7 days`: daylight saving time makes some weeks an hour longer or shorter. */
export const weekHours = 168;
export const week = sql`make_interval(hours => ${sql.lit(weekHours)})`;

/**
 * Sets which numbers are charged, from this moment on. If it is `all`, the first week of every live number without a fee
 * begins now, or when the last week that it was charged for ends. If it is `carrier`, no week that begins from now on is
 * charged for the others; the job in charges/weekly.ts then ends their fees.
 */
export async function setWeeklyFeeFor(tx: Tx, caller: Caller, to: WeeklyFeeFor): Promise<void> {
  await sql`select pg_advisory_xact_lock(${lockId(caller)})`.execute(tx);
  if ((await weeklyFeeOf(tx, caller)) === to) return;
  const now = caller.at ? sql`${caller.at}::timestamptz` : sql`date_trunc('milliseconds', clock_timestamp())`;
  // A clock that was set back makes no two periods overlap.
  const period =
    to === 'all'
      ? sql`fees_for_all_from = greatest(${now}, fees_for_all_to), fees_for_all_to = null`
      : sql`fees_for_all_to = greatest(${now}, fees_for_all_from)`;
  await sql`update tenants set weekly_fee_for = ${to}, ${period} where id = ${caller.tenantId}`.execute(tx);
  if (to === 'carrier') return;
  // Every live number is locked, also those with a fee: the job may be about to end it.
  await sql`
    update phone_numbers n set next_fee_at = coalesce(n.next_fee_at, greatest(t.fees_for_all_from, (
      select max(c.period_start) + ${week} from charges c
      where c.tenant_id = n.tenant_id and c.phone_number_id = n.id and c.type = 'number.weekly_fee')))
    from tenants t
    where t.id = ${caller.tenantId} and n.tenant_id = t.id and n.released_at is null`.execute(tx);
}

/**
 * Whether the weekly price is charged for numbers without a carrier account that come in now. The setting stays as it is
 * until the transaction ends: a number comes in before a change of it, which then sees the number, or after it.
 */
export async function chargesAll(tx: Tx, caller: Caller): Promise<boolean> {
  await sql`select pg_advisory_xact_lock_shared(${lockId(caller)})`.execute(tx);
  return (await weeklyFeeOf(tx, caller)) === 'all';
}

/** A lock of its own. One on the tenant's row would let every change of its settings wait for each import. */
const lockId = ({ tenantId }: Caller) => sql`hashtextextended(${`weekly fees of ${tenantId}`}, 0)`;

/** Read after the lock is taken, so that the statement sees what was committed before. */
async function weeklyFeeOf(tx: Tx, { tenantId }: Caller): Promise<WeeklyFeeFor> {
  const query = tx.selectFrom('tenants').select('weekly_fee_for').where('id', '=', tenantId);
  return (await query.executeTakeFirstOrThrow()).weekly_fee_for;
}
