import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import { type Job, logFailure, startJob } from './jobs.ts';
import { fromNow, type Lease, type Leased, Lost, takeDue } from './leases.ts';

export type Workers<Row> = {
  /** Names the work in the log. */
  name: string;
  lease: Lease<Row>;
  /** How often to look for what is due. */
  everyMs: number;
  /** For how long a row is taken: longer than any work on it may take. */
  leaseMs: number;
  /** How many rows one server works on at once, and how many of them may be of one holder. */
  atOnce: number;
  share?: number;
  work(row: Leased<Row>): Promise<unknown>;
};

/**
 * Goes on with the rows of a lease as they become due. A slot that comes free is filled at once, so work that takes long
 * holds up nothing but its own slot. A row whose work fails is taken again when its lease has run out.
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
    const rows = await takeDue(db, lease, fromNow(leaseMs), { free, share, underWay: underWay.values() });
    for (const row of rows) begin(row);
  }

  function begin(row: Leased<Row>) {
    const working = goOn(row).finally(() => {
      underWay.delete(working);
      job.wake();
    });
    underWay.set(working, row);
  }

  async function goOn(row: Leased<Row>) {
    try {
      await work(row);
    } catch (error) {
      if (!(error instanceof Lost)) logFailure(log, error, `${name} was broken off`, { id: row.id });
    }
  }

  return job;
}
