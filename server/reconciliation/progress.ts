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

/** How many runs of an account keep what they found. */
const runsWithDrift = 5;
/** As many as take an hour or so. */
const attemptsMax = 20;

/** Writes down what a step has come to, in the transaction of what it has done. @throws LeaseLost */
export const save = (db: Db, run: LeasedRun, progress: Progress, restMs = 0): Promise<void> =>
  write(db, run, { ...columns(run, progress), attempts: 0, problem: null, next_at: fromNow(restMs) });

/** Ends the run, and forgets what it was kept for. @param problem what there is to say against what it found */
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

/** What is worth knowing of a list that was believed all the same. */
const remark = ({ off_by }: Counts): string | null =>
  off_by
    ? `The account changed while it was read: its list is off by ${off_by} from the carrier's own count`
    : null;

/** Asking again does not help against these. */
const finalProblems: ProblemCode[] = ['carrier_account_not_found', 'secret_key_missing'];
const finalOutcomes: Outcome[] = [
  'authentication_failed',
  'unavailable',
  'not_found',
  'needs_compliance',
  'out_of_funds',
];

/** A step could not be done: it is done again after a pause that grows, or that the carrier asks for, or never. */
export async function recordFailure(db: Db, run: LeasedRun, error: unknown, pollMs: number): Promise<void> {
  const known = error instanceof CarrierError || error instanceof Problem;
  const problem = known ? error.message : 'Something went wrong in the server, whose log says what';
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
