import { sql } from 'kysely';
import type { Logger } from 'pino';
import { type Db, transact } from '../db/database.ts';
import { type Due, lockDue } from '../work/due.ts';
import { type Job, startJob } from '../work/jobs.ts';
import { isOwed, week } from './charges.ts';

const everyMs = 60_000;
const numbersPerBatch = 500;

/** No organization needs a share: nobody waits for a fee, since spending() counts weeks that are not charged yet. */
const fees: Due = { table: 'phone_numbers', due: 'next_fee_at' };

/** Charges the weeks of numbers as they begin. Every server does it, and each week is charged once. */
export const startWeeklyFees = (db: Db, log: Logger): Job =>
  startJob(log, { name: 'weekly fees', everyMs, round: async () => (await chargeBatch(db)) > 0 });

/** Charges every week that has begun and is not charged yet. @param at now, unless told otherwise */
export async function chargeWeeks(db: Db, at?: Date): Promise<void> {
  while ((await chargeBatch(db, at)) > 0);
}

/**
 * One week of each of a number of numbers, those that have waited longest first. A number that has missed several is
 * due again right away. What keeps a week single is that the number's row is locked, that `next_fee_at` moves on from
 * its own value with the charge, and behind both charges_week_key. Nothing here waits for a lock that somebody in a
 * revision could hold, so it can be part of no deadlock; what is locked is charged a round later.
 * @returns how many numbers were due and not in somebody else's hands
 */
async function chargeBatch(db: Db, at?: Date): Promise<number> {
  const moment = at ? sql`${at}::timestamptz` : sql`(select clock_timestamp())`;
  return transact(db, async tx => {
    // By itself, so that the next statement sees what was committed before the last of these locks was had.
    const rows = await lockDue(tx, fees, numbersPerBatch, at);
    if (rows.length === 0) return 0;
    const [tenants, ids] = [rows.map(row => row.tenant_id), rows.map(row => row.id)];
    await sql`
      with due as (
        select n.*, ${isOwed(sql.ref('n.next_fee_at'))} as owed
        from unnest(${tenants}::uuid[], ${ids}::uuid[]) as k (tenant_id, id)
        join phone_numbers n on n.tenant_id = k.tenant_id and n.id = k.id
      ), moved as (
        update phone_numbers n set next_fee_at = case when due.owed then due.next_fee_at + ${week} end
        from due where n.tenant_id = due.tenant_id and n.id = due.id
      )
      insert into charges (tenant_id, organization_id, id, type, phone_number_id, phone_number, amount, period_start, at)
      select due.tenant_id, coalesce(${organizationThen}, due.organization_id), gen_random_uuid(), 'number.weekly_fee',
             due.id, due.phone_number, t.weekly_price, due.next_fee_at, ${moment}
      from due join tenants t on t.id = due.tenant_id
      where due.owed and t.weekly_price > 0
      on conflict (tenant_id, phone_number_id, period_start) where type = 'number.weekly_fee' do nothing`.execute(
      tx,
    );
    return rows.length;
  });
}

/** Who had the number when its week began, if somebody else has it by now. */
const organizationThen = sql`(
  select v.organization_id from number_versions v
  where v.tenant_id = due.tenant_id and v.phone_number_id = due.id
    and v.from_at <= due.next_fee_at and v.to_at > due.next_fee_at
  order by v.to_at desc limit 1)`;
