import { sql } from 'kysely';
import type { Logger } from 'pino';
import { type Caller, systemCaller } from '../../access/caller.ts';
import type { CarrierSettings } from '../../accounts/open.ts';
import type { Db } from '../../db/database.ts';
import { backOffMs } from '../../work/back-off.ts';
import { type Job, repeat } from '../../work/jobs.ts';
import type { NumberStatus } from '../state.ts';

/*
 * What is done to a number at its carrier takes longer than any transaction may, and may be cut short anywhere. So
 * there is a moment in the number's row when somebody is to go on with it, `release_due_at` or `attach_due_at`. Whoever
 * does so sets it ahead first, and works alone until then; what comes of it they write only while that very moment
 * still stands there. A server that dies leaves a moment that passes, and the next one to look goes on.
 */

export type Errand = 'release' | 'attach';

/** A number in the hands of whoever holds its lease. */
export type Leased = {
  tenant_id: string;
  organization_id: string;
  id: string;
  phone_number: string;
  status: NumberStatus;
  carrier_account_id: string | null;
  carrier_number_id: string | null;
  /** How often in a row this has been tried, this time included. */
  attempts: number;
  lease: Date;
};

const due = (errand: Errand) => sql.ref(`${errand}_due_at`);
const attempts = (errand: Errand) => sql.ref(`${errand}_attempts`);
const leased = (errand: Errand) => sql`
  tenant_id, organization_id, id, phone_number, status, carrier_account_id, carrier_number_id,
  ${attempts(errand)} as attempts, ${due(errand)} as lease`;

/** To the millisecond, which is what a Date holds: it is compared with later. */
const fromNow = (ms: number) =>
  sql`date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => ${ms / 1000})`;
const taken = (errand: Errand, leaseMs: number) => sql`
  ${due(errand)} = ${fromNow(leaseMs)}, ${attempts(errand)} = ${attempts(errand)} + 1`;

/**
 * Takes one number's release, where nobody is at it: it has not begun, it is due, or it only waits for another attempt.
 * @returns undefined when somebody is at it
 */
export async function takeRelease(
  db: Db,
  caller: Caller,
  id: string,
  leaseMs: number,
): Promise<Leased | undefined> {
  const { rows } = await sql<Leased>`
    update phone_numbers set ${taken('release', leaseMs)}, release_problem = null
    where tenant_id = ${caller.tenantId} and id = ${id}
      and (release_due_at is null or release_due_at <= clock_timestamp() or release_problem is not null)
    returning ${leased('release')}`.execute(db);
  return rows[0];
}

/** The number that somebody has this lease of; undefined when it has passed to somebody else. */
export async function findLeased(
  db: Db,
  errand: Errand,
  key: Pick<Leased, 'tenant_id' | 'id' | 'lease'>,
): Promise<Leased | undefined> {
  const { rows } = await sql<Leased>`
    select ${leased(errand)} from phone_numbers where ${isHeld(errand, key)}`.execute(db);
  return rows[0];
}

/** More at once would leave requests without a connection. */
const atOnce = 10;

/** Takes some of what is due: something of each account, so that a slow one holds up no other. */
async function takeDue(
  db: Db,
  errand: Errand,
  { settleMs, concurrency }: CarrierSettings,
): Promise<Leased[]> {
  const isRelease = errand === 'release';
  const { rows } = await sql<Leased>`
    update phone_numbers set ${taken(errand, settleMs)}${isRelease ? sql`, release_problem = null` : sql``}
    where (tenant_id, id) in (
      select tenant_id, id from phone_numbers n
      join (
        select tenant_id, id, row_number() over (partition by tenant_id, carrier_account_id order by ${due(errand)}) as place
        from phone_numbers
        where ${due(errand)} <= clock_timestamp() ${isRelease ? sql`` : sql`and release_due_at is null`}) of_account
      using (tenant_id, id)
      where n.${due(errand)} <= clock_timestamp() and place <= ${concurrency}
      order by place limit ${atOnce}
      for no key update of n skip locked)
    returning ${leased(errand)}`.execute(db);
  return rows;
}

/** Whether the number is still in the hands of whoever has this lease. */
export const isHeld = (
  errand: Errand,
  { tenant_id, id, lease }: Pick<Leased, 'tenant_id' | 'id' | 'lease'>,
) => sql`tenant_id = ${tenant_id} and id = ${id} and ${due(errand)} = ${lease}`;

/** Leaves it for another attempt: later, the more of them there were. */
export async function putOff(db: Db, errand: Errand, number: Leased, firstPauseMs: number, problem?: string) {
  const pauseMs = backOffMs(firstPauseMs, number.attempts);
  await sql`
    update phone_numbers set ${due(errand)} = ${fromNow(pauseMs)}
      ${problem === undefined ? sql`` : sql`, release_problem = ${problem}`}
    where ${isHeld(errand, number)}`.execute(db);
}

/** Carries on with what somebody has asked for. */
export const carrierCaller = (tenantId: string): Caller => systemCaller(tenantId, 'carrier');

/** Goes on with everything that is due until there is nothing. @returns how much it was */
export async function runErrands(
  db: Db,
  errand: Errand,
  settings: CarrierSettings,
  run: (number: Leased) => Promise<void>,
  isStopping = () => false,
): Promise<number> {
  let count = 0;
  while (!isStopping()) {
    const numbers = await takeDue(db, errand, settings);
    if (numbers.length === 0) break;
    count += numbers.length;
    // One that fails here, the database being gone, is due again when its lease has run out.
    const results = await Promise.allSettled(numbers.map(run));
    const failed = results.find(result => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
  return count;
}

/** Every server does so again and again. */
export function repeatErrands(
  everyMs: number,
  log: Logger,
  what: string,
  work: (isStopping: () => boolean) => Promise<unknown>,
): Job {
  let stopping = false;
  const repeated = repeat(everyMs, log, what, async () => {
    await work(() => stopping);
  });
  return {
    ...repeated,
    stop() {
      stopping = true;
      return repeated.stop();
    },
  };
}
