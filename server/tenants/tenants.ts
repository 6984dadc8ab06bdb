import { randomUUIDv7 } from 'node:crypto';
import { type Caller, systemCaller } from '../access/caller.ts';
import { noSuchAccount } from '../accounts/reference.ts';
import { type Db, transact } from '../db/database.ts';
import { invalid, Problem, translateViolations } from '../errors.ts';
import { isTimeZone } from '../http/moments.ts';
import { assertDollars } from '../http/money.ts';
import { createKey } from '../keys/keys.ts';
import type { TenantEdit } from './schemas.ts';
import { setWeeklyFeeFor } from './weekly-fee.ts';

/** Creates a tenant with its first admin key, and returns the key's secret this once. Only the operator can do this. */
export async function createTenant(
  db: Db,
  name: string,
  creator: string,
  createdAt = new Date(),
): Promise<{ id: string; secret: string; caller: Caller }> {
  const id = randomUUIDv7();
  await db.insertInto('tenants').values({ id, name, created_at: createdAt }).execute();
  const caller = systemCaller(id, creator);
  const { secret } = await createKey(db, caller, { name: 'first admin key', permission: 'admin' });
  return { id, secret, caller };
}

/** All tenants, for the operator. */
export const listTenants = (db: Db) =>
  db.selectFrom('tenants').select(['id', 'name', 'limits']).orderBy('created_at').orderBy('id').execute();

const settings = [
  'id',
  'name',
  'cool_down_seconds',
  'transfer_cool_down_seconds',
  'release_undo_seconds',
  'low_stock_threshold',
  'time_zone',
  'purchases_enabled',
  'max_numbers_per_organization',
  'purchase_fee',
  'weekly_price',
  'weekly_fee_for',
  'monthly_spending_cap',
  'carrier_account_id',
] as const;

export function getTenant(db: Db, caller: Caller) {
  return db
    .selectFrom('tenants')
    .select(settings)
    .where('id', '=', caller.tenantId)
    .executeTakeFirstOrThrow();
}

/** Changes the tenant's settings. Cool-downs, releases and weeks that have begun stay as they are. */
export async function editTenant(db: Db, caller: Caller, edit: TenantEdit) {
  if (caller.organizationId !== null) throw new Problem('key_bound');
  for (const field of ['purchase_fee', 'weekly_price', 'monthly_spending_cap'] as const)
    assertDollars(edit[field], field);
  if (edit.time_zone !== undefined && !isTimeZone(edit.time_zone))
    throw invalid('time_zone must be the name of a time zone, such as Europe/Berlin');
  const { weekly_fee_for, ...others } = edit;
  return transact(db, async tx => {
    if (weekly_fee_for !== undefined) await setWeeklyFeeFor(tx, caller, weekly_fee_for);
    if (Object.values(others).some(value => value !== undefined)) {
      const update = tx.updateTable('tenants').set(others).where('id', '=', caller.tenantId);
      await translateViolations({ tenants_carrier_account_fkey: noSuchAccount }, update.execute());
    }
    return getTenant(tx, caller);
  });
}

/** The purchase settings for clients. Price and limit are 0 unless purchases are enabled. */
export async function numbersConfig(db: Db, caller: Caller) {
  const tenant = await getTenant(db, caller);
  if (!tenant.purchases_enabled) return { enabled: false, max_per_org: 0, weekly_price: 0 };
  return {
    enabled: true,
    max_per_org: tenant.max_numbers_per_organization,
    weekly_price: tenant.weekly_price,
  };
}
