import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import { carriers } from '../../carriers/carriers.ts';
import { systemCaller } from '../access/caller.ts';
import { type Db, transact } from '../db/database.ts';
import { comparison, insertRun } from './runs.ts';

/**
 * Begins the comparisons whose time has come, and sets the next ones. An account that is being gone through already is
 * not gone through twice; after a time without any server, it is compared once and not once for each time missed.
 */
export async function startDueComparisons(db: Db): Promise<void> {
  const kinds = Object.entries(carriers).flatMap(([name, kind]) => (kind.can.buy ? [name] : []));
  const due = await db
    .selectFrom('carrier_accounts')
    .select(['tenant_id', 'id'])
    .where('compare_due_at', '<=', sql<Date>`clock_timestamp()`)
    .where('carrier', '=', sql<string>`any(${kinds}::text[])`)
    .limit(100)
    .execute();
  for (const account of due) await transact(db, tx => startComparison(tx, account.tenant_id, account.id));
}

async function startComparison(db: Db, tenantId: string, id: string): Promise<void> {
  // Another server may have been here since.
  const { numUpdatedRows } = await db
    .updateTable('carrier_accounts')
    .set({ compare_due_at: sql`clock_timestamp() + make_interval(secs => compare_every_seconds)` })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('compare_due_at', '<=', sql<Date>`clock_timestamp()`)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return;
  const caller = systemCaller(tenantId, 'comparison');
  await insertRun(db, caller, randomUUIDv7(), id, comparison)
    .onConflict(conflict => conflict.doNothing())
    .execute();
}
