import { sql } from 'kysely';
import type { Logger } from 'pino';
import { type Db, transact } from '../db/database.ts';
import { week } from '../tenants/weekly-fee.ts';
import { type Due, lockDue } from '../work/due.ts';
import { type Job, startJob } from '../work/jobs.ts';
import { beginBatch } from './begin.ts';
import { isOwed, nextOwed } from './charges.ts';

const everyMs = 60_000;
const numbersPerBatch = 500;

/** Has no holder: nobody waits for a fee, because spending() already counts uncharged weeks. */
const fees: Due = { table: 'phone_numbers', due: 'next_fee_at' };

/**
 * A number that has more weeks to be charged is not charged by the job. Either no server was running for as long, or a
 * clock is ahead, and nobody here can tell: charges are never taken back. The weeks stay owed until an operator says
 * that the clock is right.
 */
export const weeksAtOnce = 5;
/** The SQL condition for a number to have more weeks to be charged. */
export const isOverdue = sql`next_fee_at <= (select clock_timestamp()) - ${sql.lit(weeksAtOnce)} * ${week}`;
const feesAtOnce: Due = { ...fees, condition: sql`not (${isOverdue})` };
const warnedEveryMs = 3_600_000;

/** Starts the job that charges each number's week when it begins. Every server runs it; each week is charged once. */
export function startWeeklyFees(db: Db, log: Logger): Job {
  let warnedAt = Number.NEGATIVE_INFINITY;

  async function warn() {
    if (performance.now() - warnedAt < warnedEveryMs) return;
    const overdue = db.selectFrom('phone_numbers').select('next_fee_at').where(sql<boolean>`${isOverdue}`);
    const first = await overdue.orderBy('next_fee_at').limit(1).executeTakeFirst();
    if (!first) return;
    warnedAt = performance.now();
    log.warn(
      { since: first.next_fee_at },
      `weekly fees of more than ${weeksAtOnce} weeks are not charged: if the database's clock is right, run linekeeper charge-weeks`,
    );
  }

  return startJob(log, {
    name: 'weekly fees',
    everyMs,
    async round() {
      const { rows } = await chargeBatch(db, feesAtOnce);
      const more = (await beginBatch(db)) + rows > 0;
      if (!more) await warn();
      return more;
    },
  });
}

/**
 * Charges every week that has begun and is not charged yet, however many they are.
 * @param at the time, now by default
 * @returns how many weeks were charged
 */
export async function chargeWeeks(db: Db, at?: Date): Promise<number> {
  for (let total = 0; ; ) {
    const begun = await beginBatch(db);
    const { rows, charged } = await chargeBatch(db, fees, at);
    total += charged;
    if (begun + rows === 0) return total;
  }
}

/**
 * Charges one week for each of the numbers that have been due longest. A number with several missed weeks stays due.
 * A week is charged once because the row is locked, because `next_fee_at` advances in the same statement, and finally
 * because of charges_week_key. The batch skips locked rows until a later round. It never waits for a lock, so it cannot
 * deadlock with a revision.
 * @returns how many rows were locked and processed, and how many weeks were charged
 */
async function chargeBatch(db: Db, due: Due, at?: Date): Promise<{ rows: number; charged: number }> {
  const moment = at ? sql`${at}::timestamptz` : sql`(select clock_timestamp())`;
  return transact(db, async tx => {
    // A statement of its own: the next one then sees every change committed before the locks were taken.
    const rows = await lockDue(tx, due, numbersPerBatch, at);
    if (rows.length === 0) return { rows: 0, charged: 0 };
    const [tenants, ids] = [rows.map(row => row.tenant_id), rows.map(row => row.id)];
    const { numAffectedRows = 0n } = await sql`
      with due as (
        select n.*, t.weekly_price, ${isOwed(begin)} as owed, ${nextOwed(begin)} as next_owed_at
        from unnest(${tenants}::uuid[], ${ids}::uuid[]) as k (tenant_id, id)
        join phone_numbers n on n.tenant_id = k.tenant_id and n.id = k.id
        join tenants t on t.id = n.tenant_id
      ), moved as (
        update phone_numbers n set next_fee_at = case when due.owed then due.next_fee_at + ${week} else due.next_owed_at end
        from due where n.tenant_id = due.tenant_id and n.id = due.id
      )
      insert into charges (tenant_id, organization_id, id, type, phone_number_id, phone_number, amount, period_start, at)
      select due.tenant_id, coalesce(${organizationThen}, due.organization_id), gen_random_uuid(), 'number.weekly_fee',
             due.id, due.phone_number, due.weekly_price, due.next_fee_at, ${moment}
      from due where due.owed and due.weekly_price > 0
      on conflict (tenant_id, phone_number_id, period_start) where type = 'number.weekly_fee' do nothing`.execute(
      tx,
    );
    return { rows: rows.length, charged: Number(numAffectedRows) };
  });
}

const begin = sql.ref('n.next_fee_at');

/** The organization that had the number when the week began, if the number was transferred since. */
const organizationThen = sql`(
  select v.organization_id from number_versions v
  where v.tenant_id = due.tenant_id and v.phone_number_id = due.id
    and v.from_at <= due.next_fee_at and v.to_at > due.next_fee_at
  order by v.to_at desc limit 1)`;
