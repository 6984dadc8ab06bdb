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

/** A call to the carrier is over within twice its time-out; the rest is for the database. */
export const runLeaseMs = ({ settings }: Carriers): number => 2 * settings.timeoutMs + 60_000;

/**
 * Goes on with the runs that are due. A run is taken for one step. What the step has done is written together with
 * where to go on, over the version that was read: so a step that was killed, or took too long, leaves nothing. An
 * account has one run at a time, and each step sends it to the end of the line, so no account needs a share.
 */
export const startRuns = (db: Db, carriers: Carriers, log: Logger): Job =>
  startWorkers(db, log, {
    name: 'going through the carriers',
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
    log[expected ? 'debug' : 'error']({ err: error, run: run.id }, 'a run could not go on');
    await recordFailure(db, run, error, carriers.settings.pollMs);
  }
}

async function listCompareOrAdopt(db: Db, carriers: Carriers, run: LeasedRun): Promise<void> {
  if (run.status === 'adopting') return adoptBatch(db, run);
  const carrier = await carriers.open(db, run.tenant_id, run.carrier_account_id);
  if (run.status === 'listing') return takePage(db, carrier, run, carriers.settings.pollMs);
  return compareBooks(db, carrier, run);
}
