import { type RawBuilder, sql } from 'kysely';
import type { Logger } from 'pino';
import { type Caller, systemCaller } from '../../access/caller.ts';
import type { Carriers } from '../../accounts/open.ts';
import type { Db } from '../../db/database.ts';
import { backOffMs } from '../../work/back-off.ts';
import type { Job } from '../../work/jobs.ts';
import { fromNow, type Lease, type Leased, leaseOne, overwrite } from '../../work/leases.ts';
import { startWorkers, type Workers } from '../../work/workers.ts';
import type { NumberStatus } from '../state.ts';

/*
 * Numbers are released and attached at their carrier outside any transaction, under a lease. `release_due_at` and
 * `attach_due_at` serve as both due time and version.
 */

type NumberAtCarrier = {
  organization_id: string;
  phone_number: string;
  status: NumberStatus;
  carrier_account_id: string | null;
  carrier_number_id: string | null;
  /** The registrations that it may still be attached to, and is not to be. Null: none. */
  left_registrations: string[] | null;
  /** Consecutive attempts, including this one. */
  attempts: number;
};

/** A number that this process has leased to release or attach it. */
export type LeasedNumber = Leased<NumberAtCarrier>;

const columns = (attempts: string) => sql<NumberAtCarrier>`
  organization_id, phone_number, status, carrier_account_id, carrier_number_id, left_registrations, ${sql.ref(attempts)} as attempts`;

export const releases: Lease<NumberAtCarrier> = {
  table: 'phone_numbers',
  due: 'release_due_at',
  version: 'release_due_at',
  holder: 'carrier_account_id',
  onLease: sql`release_attempts = release_attempts + 1, release_problem = null`,
  columns: columns('release_attempts'),
};

/** The condition excludes numbers that are being released. */
export const attachments: Lease<NumberAtCarrier> = {
  table: 'phone_numbers',
  due: 'attach_due_at',
  version: 'attach_due_at',
  condition: sql`release_due_at is null and status <> 'releasing'`,
  holder: 'carrier_account_id',
  onLease: sql`attach_attempts = attach_attempts + 1`,
  columns: columns('attach_attempts'),
};

/**
 * Leases the release of a number that has not begun, is due, or waits for a retry.
 * @returns undefined if another worker has the lease
 */
export function leaseRelease(
  db: Db,
  { tenantId: tenant_id }: Caller,
  id: string,
  leaseMs: number,
): Promise<LeasedNumber | undefined> {
  const isIdle = sql`
    (release_due_at is null or release_due_at <= clock_timestamp() or release_problem is not null)`;
  return leaseOne(db, releases, { tenant_id, id }, isIdle, fromNow(leaseMs));
}

/** Ends the lease and backs off until the next attempt. @throws LeaseLost */
export async function backOff(
  db: Db,
  lease: Lease<NumberAtCarrier>,
  number: LeasedNumber,
  firstMs: number,
  changes: { release_problem?: string } = {},
): Promise<void> {
  const ahead: RawBuilder<Date> = fromNow(backOffMs(firstMs, number.attempts));
  await overwrite(db, lease, number, { [lease.due]: ahead, ...changes });
}

export const carrierCaller = (tenantId: string): Caller => systemCaller(tenantId, 'carrier');

/** Starts workers. One account gets at most half as many numbers as concurrent calls, so requests keep their share. */
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
