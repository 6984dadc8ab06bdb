import { sql } from 'kysely';
import type { Logger } from 'pino';
import { CarrierError } from '../../carriers/errors.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { isUnavailable, Problem } from '../errors.ts';
import { type Job, repeat } from '../work/jobs.ts';
import { adoptSome } from './adopt.ts';
import { compareBooks } from './compare.ts';
import { setBack, TakenOver } from './progress.ts';
import { type Run, runFields } from './runs.ts';
import { startDueComparisons } from './schedule.ts';
import { takePage } from './take-stock.ts';

const everyMs = 500;
const runsAtOnce = 4;

/**
 * Goes on with the runs that are due, and begins the comparisons that are. Every server does it: a run is taken for one
 * step by counting its version up, and set ahead by longer than the step may take. What the step has done is written
 * under that version, together with where to go on, so a step that was killed, or that took too long, leaves nothing.
 */
export function startRuns(db: Db, carriers: Carriers, log: Logger): Job {
  let stopping = false;
  const repeated = repeat(everyMs, log, 'going through the carriers', async () => {
    await startDueComparisons(db);
    while (!stopping && (await stepDueRuns(db, carriers, log)) > 0);
  });
  return {
    wake: repeated.wake,
    stop() {
      stopping = true;
      return repeated.stop();
    },
  };
}

/** Does one step of each run that is due, of a few at once. @returns how many were due */
export async function stepDueRuns(db: Db, carriers: Carriers, log: Logger): Promise<number> {
  const runs = await takeDueRuns(db, carriers);
  const steps = await Promise.allSettled(runs.map(run => step(db, carriers, log, run)));
  for (const { reason } of steps.filter(one => one.status === 'rejected')) throw reason;
  return runs.length;
}

async function takeDueRuns(db: Db, { settings }: Carriers): Promise<Run[]> {
  // A call to the carrier is over within twice its time-out; the rest is for the database.
  const ahead = (settings.timeoutMs * 2) / 1000 + 60;
  return (await db
    .updateTable('carrier_runs as r')
    .from(eb =>
      eb
        .selectFrom('carrier_runs')
        .select(['tenant_id', 'id', 'version'])
        .where('next_at', '<=', sql<Date>`clock_timestamp()`)
        .orderBy('next_at')
        .limit(runsAtOnce)
        .forUpdate()
        .skipLocked()
        .as('due'),
    )
    .set({
      version: sql`r.version + 1`,
      next_at: sql`clock_timestamp() + make_interval(secs => ${ahead}::float8)`,
    })
    .whereRef('r.tenant_id', '=', 'due.tenant_id')
    .whereRef('r.id', '=', 'due.id')
    .whereRef('r.version', '=', 'due.version')
    .returning(runFields.map(field => `r.${field}` as const))
    .execute()) as Run[];
}

async function step(db: Db, carriers: Carriers, log: Logger, run: Run): Promise<void> {
  try {
    await goOn(db, carriers, run).catch(async error => {
      if (error instanceof TakenOver || isUnavailable(error)) throw error;
      const expected = error instanceof CarrierError || error instanceof Problem;
      log[expected ? 'debug' : 'error']({ err: error, run: run.id }, 'a run could not go on');
      await setBack(db, run, error, carriers.settings.pollMs);
    });
  } catch (error) {
    // Whoever has the run now goes on with it.
    if (!(error instanceof TakenOver)) throw error;
  }
}

async function goOn(db: Db, carriers: Carriers, run: Run): Promise<void> {
  if (run.status === 'adopting') return adoptSome(db, run);
  const carrier = await carriers.open(db, run.tenant_id, run.carrier_account_id);
  if (run.status === 'listing') return takePage(db, carrier, run, carriers.settings.pollMs);
  return compareBooks(db, carrier, run);
}
