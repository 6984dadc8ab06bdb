import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import { type Db, type Tx, transact } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { endOfLease, fromNow } from '../../work/leases.ts';
import type { Run } from '../runs.ts';

/*
 * A number that is not here is given back to its carrier under a lease, like a number that is here (decision 14): the
 * intention is written before the carrier is asked. Nobody adopts the number while the lease runs.
 */

type DriftName = { run_id: string; phone_number: string };

/**
 * Takes the lease. A repeat takes it again: a number may be given back twice.
 * @param assertUnowned checks that no organization has the number
 * @returns the lease, for assertLeased()
 * @throws Problem `drift_resolved` if the difference is resolved already
 */
export async function claimRelease(
  db: Db,
  caller: Caller,
  run: Run,
  phone_number: string,
  leaseMs: number,
  assertUnowned: (tx: Tx) => Promise<void>,
): Promise<{ until: ReturnType<typeof endOfLease> }> {
  const until = endOfLease(leaseMs);
  await transact(db, async tx => {
    const { numUpdatedRows } = await driftRow(tx, caller, { run_id: run.id, phone_number })
      .set({ releasing_until: fromNow(leaseMs) })
      .where('resolved_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new Problem('drift_resolved');
    await accountOf(tx, run).forUpdate().execute();
    await assertUnowned(tx);
  });
  return { until };
}

/** Ends the lease: the carrier has certainly not taken the number back. */
export async function dropRelease(db: Db, caller: Caller, name: DriftName): Promise<void> {
  await driftRow(db, caller, name).set({ releasing_until: null }).execute();
}

const driftRow = (db: Db, { tenantId }: Caller, { run_id, phone_number }: DriftName) =>
  db
    .updateTable('carrier_drift')
    .where('tenant_id', '=', tenantId)
    .where('run_id', '=', run_id)
    .where('phone_number', '=', phone_number);

/**
 * The numbers, of those given, that may be on their way back to the account's carrier. No release begins until the
 * transaction ends: claimRelease() waits for the lock. Locks go from the difference to the account.
 */
export async function readReleasing(tx: Tx, run: Run, numbers: string[]): Promise<Set<string>> {
  await accountOf(tx, run).forKeyShare().execute();
  const rows = await tx
    .selectFrom('carrier_drift as d')
    .innerJoin('carrier_runs as r', join =>
      join.onRef('r.tenant_id', '=', 'd.tenant_id').onRef('r.id', '=', 'd.run_id'),
    )
    .select('d.phone_number')
    .where('d.tenant_id', '=', run.tenant_id)
    .where('d.phone_number', '=', sql<string>`any(${numbers}::text[])`)
    .where('d.releasing_until', '>', sql<Date>`clock_timestamp()`)
    .where('r.carrier_account_id', '=', run.carrier_account_id)
    .execute();
  return new Set(rows.map(row => row.phone_number));
}

const accountOf = (tx: Tx, { tenant_id, carrier_account_id }: Run) =>
  tx
    .selectFrom('carrier_accounts')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', carrier_account_id);
