import { type RawBuilder, sql, type UpdateObject } from 'kysely';
import { CarrierError, type Outcome } from '../../carriers/errors.ts';
import type { RunStatus } from '../db/carrier-tables.ts';
import { type Db, transact } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem, type ProblemCode } from '../errors.ts';
import type { Counts, PlanPart, Run } from './runs.ts';
import { forgetStock } from './stock.ts';

/** Another server has taken the run over: what this step has done is undone. */
export class TakenOver extends Error {}

export type Progress = {
  status?: RunStatus;
  next_page?: string | null;
  counts?: Counts;
  plan?: PlanPart[];
};

/** How many runs of an account keep what they found. */
const runsWithDrift = 5;
const attemptsMax = 20;
const restMsMax = 300_000;

/** From now on whoever comes first goes on with the run; `restMs`: not before that time has passed. */
const after = (restMs: number): RawBuilder<Date> =>
  sql<Date>`clock_timestamp() + make_interval(secs => ${restMs / 1000}::float8)`;

/** Writes down what a step has come to, in the transaction of what it has done. @throws TakenOver */
export const save = (db: Db, run: Run, progress: Progress, restMs = 0): Promise<void> =>
  write(db, run, { ...columns(run, progress), attempts: 0, problem: null, next_at: after(restMs) });

/** Ends the run, and forgets what it was kept for. @param problem what there is to say against what it found */
export async function finish(
  db: Db,
  run: Run,
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
      finished_at: sql<Date>`clock_timestamp()`,
    });
    await forgetStock(tx, run);
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
export async function setBack(db: Db, run: Run, error: unknown, pollMs: number): Promise<void> {
  const known = error instanceof CarrierError || error instanceof Problem;
  const problem = known ? error.message : 'Something went wrong in the server, whose log says what';
  const hopeless =
    (error instanceof Problem && finalProblems.includes(error.code)) ||
    (error instanceof CarrierError && finalOutcomes.includes(error.outcome));
  const attempts = run.attempts + 1;
  if (hopeless || attempts >= attemptsMax) return finish(db, run, 'failed', { problem });
  const asked = error instanceof CarrierError ? (error.retryAfterMs ?? 0) : 0;
  const restMs = Math.max(pauseMs(pollMs, attempts), asked);
  await write(db, run, { attempts, problem, next_at: after(restMs) });
}

/** Twice as long each time, and spread, so that those who were turned away together do not come back together. */
export const pauseMs = (pollMs: number, times: number): number =>
  Math.min(pollMs * 2 ** times, restMsMax) * (0.5 + Math.random() / 2);

const columns = (run: Run, { counts, plan, ...set }: Progress) => ({
  ...set,
  ...(counts && { counts: JSON.stringify({ ...run.counts, ...counts }) }),
  ...(plan && { plan: JSON.stringify(plan) }),
});

async function write(db: Db, run: Run, set: UpdateObject<Tables, 'carrier_runs'>): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('carrier_runs')
    .set({ ...set, version: run.version + 1 })
    .where('tenant_id', '=', run.tenant_id)
    .where('id', '=', run.id)
    .where('version', '=', run.version)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new TakenOver();
}
