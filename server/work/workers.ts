import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import { type Job, logFailure, startJob } from './jobs.ts';
import { fromNow, type Lease, type Leased, LeaseLost, leaseDue } from './leases.ts';

export type Workers<Row> = {
  /** Names the work in the log. */
  name: string;
  lease: Lease<Row>;
  /** The pause between searches for due rows. */
  everyMs: number;
  /** The length of a lease. Must exceed the longest time that work on a row can take. */
  leaseMs: number;
  /** The maximum of rows per server at a time. */
  atOnce: number;
  /** The maximum of those rows per holder. */
  share?: number;
  work(row: Leased<Row>): Promise<unknown>;
};

/**
 * Leases due rows and works on them concurrently. A free slot is refilled at once, so slow work blocks only its own
 * slot. A row whose work fails is retried when its lease expires.
 */
export function startWorkers<Row>(
  db: Db,
  log: Logger,
  { name, lease, everyMs, leaseMs, atOnce, share = atOnce, work }: Workers<Row>,
): Job {
  const underWay = new Map<Promise<void>, Leased<Row>>();
  const job = startJob(log, { name, everyMs, round, settled: () => Promise.all(underWay.keys()) });

  async function round() {
    const free = atOnce - underWay.size;
    if (free === 0) return;
    const rows = await leaseDue(db, lease, fromNow(leaseMs), { free, share, underWay: underWay.values() });
    for (const row of rows) begin(row);
  }

  function begin(row: Leased<Row>) {
    const working = workOn(row).finally(() => {
      underWay.delete(working);
      job.wake();
    });
    underWay.set(working, row);
  }

  async function workOn(row: Leased<Row>) {
    try {
      await work(row);
    } catch (error) {
      if (!(error instanceof LeaseLost))
        logFailure(log, error, `${name}: work on a row failed`, { id: row.id });
    }
  }

  return job;
}
