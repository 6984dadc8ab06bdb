import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Tx } from '../db/database.ts';

/** The numbers that the weekly price is charged for: those that come from a carrier account, or all. */
export const weeklyFeeFor = ['carrier', 'all'] as const;

export type WeeklyFeeFor = (typeof weeklyFeeFor)[number];

/** Not `7 days`: daylight saving time makes some weeks an hour longer or shorter. */
export const weekHours = 168;
export const week = sql`make_interval(hours => ${sql.lit(weekHours)})`;

/** Before the first number. */
export const noNumber = '00000000-0000-0000-0000-000000000000';

/**
 * Sets which numbers are charged, from this moment on. If it is `all`, charges/begin.ts gives the numbers without a fee
 * their first week, which begins now. If it is `carrier`, no week of those that begins from now on is charged, and the job
 * in charges/weekly.ts ends their fees.
 */
export async function setWeeklyFeeFor(tx: Tx, caller: Caller, to: WeeklyFeeFor): Promise<void> {
  const now = caller.at ? sql`${caller.at}::timestamptz` : sql`date_trunc('milliseconds', clock_timestamp())`;
  // A clock that was set back makes no two periods overlap.
  const period =
    to === 'all'
      ? sql`fees_for_all_from = greatest(${now}, fees_for_all_to), fees_for_all_to = null, fees_begun_after = ${noNumber}`
      : sql`fees_for_all_to = greatest(${now}, fees_for_all_from)`;
  await sql`
    update tenants set weekly_fee_for = ${to}, ${period}
    where id = ${caller.tenantId} and weekly_fee_for <> ${to}`.execute(tx);
}

/**
 * Whether the weekly price is charged for numbers without a carrier account that come in now. The transaction holds the
 * lock until its end, which tells noneComesIn() of it.
 */
export async function chargesAll(tx: Tx, { tenantId }: Caller): Promise<boolean> {
  await sql`select pg_advisory_xact_lock_shared(${lockId(tenantId)})`.execute(tx);
  // Read after the lock is taken, so that the statement sees what was committed before.
  const query = tx.selectFrom('tenants').select('weekly_fee_for').where('id', '=', tenantId);
  return (await query.executeTakeFirstOrThrow()).weekly_fee_for === 'all';
}

/** Whether no transaction is under way that brings numbers in and may have read an older setting. */
export async function noneComesIn(tx: Tx, tenantId: string): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(${lockId(tenantId)}) as locked`.execute(tx);
  return rows[0]!.locked;
}

/** A lock of its own. One on the tenant's row would let every change of its settings wait for each import. */
const lockId = (tenantId: string) => sql`hashtextextended(${`weekly fees of ${tenantId}`}, 0)`;
