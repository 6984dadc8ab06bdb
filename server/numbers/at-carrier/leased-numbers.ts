import { type RawBuilder, sql } from 'kysely';
import type { Logger } from 'pino';
import { type Caller, systemCaller } from '../../access/caller.ts';
import type { Carriers } from '../../accounts/open.ts';
import type { Db } from '../../db/database.ts';
import { backOffMs } from '../../work/back-off.ts';
import type { Job } from '../../work/jobs.ts';
import { fromNow, type Lease, type Leased, overwrite, takeOne } from '../../work/leases.ts';
import { startWorkers, type Workers } from '../../work/workers.ts';
import type { NumberStatus } from '../state.ts';

/*
 * A number is released and attached at its carrier outside of any transaction, under a lease: `release_due_at` and
 * `attach_due_at` are moment and version in one.
 */

type NumberAtCarrier = {
  organization_id: string;
  phone_number: string;
  status: NumberStatus;
  carrier_account_id: string | null;
  carrier_number_id: string | null;
  /** How often in a row this has been tried, this time included. */
  attempts: number;
};

/** A number that somebody releases or attaches. */
export type LeasedNumber = Leased<NumberAtCarrier>;

const columns = (attempts: string) => sql<NumberAtCarrier>`
  organization_id, phone_number, status, carrier_account_id, carrier_number_id, ${sql.ref(attempts)} as attempts`;

export const releases: Lease<NumberAtCarrier> = {
  table: 'phone_numbers',
  due: 'release_due_at',
  version: 'release_due_at',
  holder: 'carrier_account_id',
  taking: sql`release_attempts = release_attempts + 1, release_problem = null`,
  columns: columns('release_attempts'),
};

/** One that is on its way out is attached to nothing more. */
export const attachments: Lease<NumberAtCarrier> = {
  table: 'phone_numbers',
  due: 'attach_due_at',
  version: 'attach_due_at',
  condition: sql`release_due_at is null`,
  holder: 'carrier_account_id',
  taking: sql`attach_attempts = attach_attempts + 1`,
  columns: columns('attach_attempts'),
};

/**
 * Takes one number's release, where nobody is at it: it has not begun, it is due, or it only waits for another attempt.
 * @returns undefined when somebody is at it
 */
export function takeRelease(
  db: Db,
  { tenantId: tenant_id }: Caller,
  id: string,
  leaseMs: number,
): Promise<LeasedNumber | undefined> {
  const isIdle = sql`
    (release_due_at is null or release_due_at <= clock_timestamp() or release_problem is not null)`;
  return takeOne(db, releases, { tenant_id, id }, isIdle, fromNow(leaseMs));
}

/** Leaves it for another attempt: later, the more of them there were. @throws Lost */
export async function putOff(
  db: Db,
  lease: Lease<NumberAtCarrier>,
  number: LeasedNumber,
  firstMs: number,
  changes: { release_problem?: string } = {},
): Promise<void> {
  const ahead: RawBuilder<Date> = fromNow(backOffMs(firstMs, number.attempts));
  await overwrite(db, lease, number, { [lease.due]: ahead, ...changes });
}

/** Carries on with what somebody has asked for. */
export const carrierCaller = (tenantId: string): Caller => systemCaller(tenantId, 'carrier');

/** Every server does it. An account has no more numbers under way than half of its calls. */
export const startAtCarriers = (
  db: Db,
  { settings }: Carriers,
  log: Logger,
  work: Pick<Workers<NumberAtCarrier>, 'name' | 'lease' | 'work'>,
): Job =>
  startWorkers(db, log, {
    ...work,
    everyMs: settings.pollMs,
    leaseMs: settings.settleMs,
    atOnce: 16,
    share: Math.ceil(settings.concurrency / 2),
  });
