import { sql, type UpdateObject } from 'kysely';
import { CarrierError, type Outcome } from '../../carriers/errors.ts';
import type { RunStatus } from '../db/carrier-tables.ts';
import { type Db, transact } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem, type ProblemCode } from '../errors.ts';
import { backOffMs } from '../work/back-off.ts';
import { clock, fromNow, overwrite } from '../work/leases.ts';
import { type Counts, type LeasedRun, type PlanPart, type Run, runLease } from './runs.ts';
import { deleteListed } from './stock.ts';

export type Progress = {
  status?: RunStatus;
  next_page?: string | null;
  counts?: Counts;
  plan?: PlanPart[];
};

/** The number of runs per account whose drift is kept. */
const runsWithDrift = 5;
/** With back-off, about an hour of attempts. */
const attemptsMax = 20;

/** Saves the progress. Call it in the transaction that makes the step's changes. @throws LeaseLost */
export const save = (db: Db, run: LeasedRun, progress: Progress, pauseMs = 0): Promise<void> =>
  write(db, run, { ...columns(run, progress), attempts: 0, problem: null, next_at: fromNow(pauseMs) });

/** Ends the run and deletes its list and old drift. @param problem why its result is limited or missing */
export async function finish(
  db: Db,
  run: LeasedRun,
  status: 'done' | 'doubtful' | 'failed',
  { problem, ...progress }: Progress & { problem?: string | undefined } = {},
): Promise<void> {
  await transact(db, async tx => {
    await write(tx, run, {
      ...columns(run, progress),
      status,
      problem: problem ?? remark(run.counts),
      next_page: null,
      map: '{}',
      next_at: null,
      finished_at: clock,
    });
    await deleteListed(tx, run);
    await sql`
      delete from carrier_drift where tenant_id = ${run.tenant_id} and run_id in (
        select id from carrier_runs where tenant_id = ${run.tenant_id} and carrier_account_id = ${run.carrier_account_id}
        order by id desc offset ${runsWithDrift})`.execute(tx);
  });
}

/** A remark on a list that was accepted although its count was off. */
const remark = ({ off_by }: Counts): string | null =>
  off_by
    ? `The account changed during the run: its list differs by ${off_by} from the carrier's count`
    : null;

/** A retry cannot fix these. */
const finalProblems: ProblemCode[] = [
  'carrier_account_not_found',
  'secret_key_missing',
  'tenant_limit_reached',
];
const finalOutcomes: Outcome[] = [
  'authentication_failed',
  'unavailable',
  'not_found',
  'needs_compliance',
  'out_of_funds',
];

/** Backs off after a failed step, or ends the run if a retry cannot help. */
export async function recordFailure(db: Db, run: LeasedRun, error: unknown, pollMs: number): Promise<void> {
  const known = error instanceof CarrierError || error instanceof Problem;
  const problem = known ? error.message : 'Internal error; see the log of the server';
  const hopeless =
    (error instanceof Problem && finalProblems.includes(error.code)) ||
    (error instanceof CarrierError && finalOutcomes.includes(error.outcome));
  const attempts = run.attempts + 1;
  if (hopeless || attempts >= attemptsMax) return finish(db, run, 'failed', { problem });
  const asked = error instanceof CarrierError ? (error.retryAfterMs ?? 0) : 0;
  await write(db, run, { attempts, problem, next_at: fromNow(backOffMs(pollMs, attempts, asked)) });
}

const columns = (run: Run, { counts, plan, ...set }: Progress) => ({
  ...set,
  ...(counts && { counts: JSON.stringify({ ...run.counts, ...counts }) }),
  ...(plan && { plan: JSON.stringify(plan) }),
});

async function write(db: Db, run: LeasedRun, set: UpdateObject<Tables, 'carrier_runs'>): Promise<void> {
  await overwrite(db, runLease, run, set);
}
