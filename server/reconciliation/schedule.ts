import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { systemCaller } from '../access/caller.ts';
import { type Db, transact } from '../db/database.ts';
import { type Job, startJob } from '../work/jobs.ts';
import { type Lease, leaseDue } from '../work/leases.ts';
import { comparison, insertRun } from './runs.ts';

/** accounts/accounts.ts sets the due time only for carriers that can list numbers. */
const comparisons: Lease<unknown> = {
  table: 'carrier_accounts',
  due: 'compare_due_at',
  version: 'compare_due_at',
  columns: sql`id`,
};
const nextTime = sql<Date>`clock_timestamp() + make_interval(secs => compare_every_seconds)`;

/**
 * Starts due comparisons and sets the next due times. An account with a running run is skipped. After an outage each
 * account is compared once, not once per missed time.
 */
export const startComparisons = (db: Db, log: Logger): Job =>
  startJob(log, { name: 'scheduled comparisons', everyMs: 1000, round: () => beginComparison(db) });

/** @returns whether a comparison was due */
export const beginComparison = (db: Db): Promise<boolean> =>
  transact(db, async tx => {
    const [account] = await leaseDue(tx, comparisons, nextTime, { free: 1 });
    if (!account) return false;
    const caller = systemCaller(account.tenant_id, 'comparison');
    await insertRun(tx, caller, randomUUIDv7(), account.id, comparison)
      .onConflict(conflict => conflict.doNothing())
      .execute();
    return true;
  });
