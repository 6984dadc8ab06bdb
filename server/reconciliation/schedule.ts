import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { systemCaller } from '../access/caller.ts';
import { type Db, transact } from '../db/database.ts';
import { type Job, startJob } from '../work/jobs.ts';
import { type Lease, takeDue } from '../work/leases.ts';
import { comparison, insertRun } from './runs.ts';

/** Only accounts whose carrier has a list are ever given a moment (accounts/accounts.ts). */
const comparisons: Lease<unknown> = {
  table: 'carrier_accounts',
  due: 'compare_due_at',
  version: 'compare_due_at',
  columns: sql`id`,
};
const nextTime = sql<Date>`clock_timestamp() + make_interval(secs => compare_every_seconds)`;

/**
 * Begins the comparisons whose time has come, and sets the next ones. An account that is being gone through already is
 * not gone through twice; after a time without any server, it is compared once and not once for each time missed.
 */
export const startComparisons = (db: Db, log: Logger): Job =>
  startJob(log, { name: 'beginning comparisons', everyMs: 1000, round: () => beginComparison(db) });

/** @returns whether there was one to begin */
export const beginComparison = (db: Db): Promise<boolean> =>
  transact(db, async tx => {
    const [account] = await takeDue(tx, comparisons, nextTime, { free: 1 });
    if (!account) return false;
    const caller = systemCaller(account.tenant_id, 'comparison');
    await insertRun(tx, caller, randomUUIDv7(), account.id, comparison)
      .onConflict(conflict => conflict.doNothing())
      .execute();
    return true;
  });
