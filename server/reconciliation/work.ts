import type { Logger } from 'pino';
import { CarrierError } from '../../carriers/errors.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { isUnavailable, Problem } from '../errors.ts';
import type { Job } from '../work/jobs.ts';
import { LeaseLost } from '../work/leases.ts';
import { startWorkers } from '../work/workers.ts';
import { adoptBatch } from './adoption/adopt.ts';
import { compareBooks } from './compare.ts';
import { takePage } from './listing.ts';
import { recordFailure } from './progress.ts';
import { type LeasedRun, runLease } from './runs.ts';

/** A carrier call takes at most twice its time-out. The rest is for the database. */
export const runLeaseMs = ({ settings }: Carriers): number => 2 * settings.timeoutMs + 60_000;

/**
 * Starts the workers for due runs. A lease covers one step. The step's changes, its progress and the version check
 * commit together, so a step that was killed or too slow changes nothing. An account has one run at a time, and each
 * step moves it to the end of the queue, so the lease needs no fair share.
 */
export const startRuns = (db: Db, carriers: Carriers, log: Logger): Job =>
  startWorkers(db, log, {
    name: 'reconciliation runs',
    lease: runLease,
    everyMs: 500,
    leaseMs: runLeaseMs(carriers),
    atOnce: 8,
    work: run => advanceRun(db, carriers, log, run),
  });

/** @throws LeaseLost */
export async function advanceRun(db: Db, carriers: Carriers, log: Logger, run: LeasedRun): Promise<void> {
  try {
    await listCompareOrAdopt(db, carriers, run);
  } catch (error) {
    if (error instanceof LeaseLost || isUnavailable(error)) throw error;
    const expected = error instanceof CarrierError || error instanceof Problem;
    log[expected ? 'debug' : 'error']({ err: error, run: run.id }, 'a step of a reconciliation run failed');
    await recordFailure(db, run, error, carriers.settings.pollMs);
  }
}

async function listCompareOrAdopt(db: Db, carriers: Carriers, run: LeasedRun): Promise<void> {
  if (run.status === 'adopting') return adoptBatch(db, run);
  const carrier = await carriers.open(db, run.tenant_id, run.carrier_account_id);
  if (run.status === 'listing') return takePage(db, carrier, run, carriers.settings.pollMs);
  return compareBooks(db, carrier, run);
}
