import { randomUUIDv7 } from 'node:crypto';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { createKey } from '../keys/keys.ts';
import type { Who } from '../keys/who.ts';
import type { TenantEdit } from './routes.ts';

/** Creates a tenant with its first admin key, which is shown this once. Not in the API: tenants are the operator's. */
export async function createTenant(
  db: Db,
  name: string,
  creator: string,
  createdAt = new Date(),
): Promise<{ id: string; secret: string; who: Who }> {
  const id = randomUUIDv7();
  await db.insertInto('tenants').values({ id, name, created_at: createdAt }).execute();
  const who: Who = {
    tenantId: id,
    organizationId: null,
    permission: 'admin',
    actor: { type: 'system', id: creator },
    requestId: null,
  };
  const { secret } = await createKey(db, who, { name: 'first admin key', permission: 'admin' });
  return { id, secret, who };
}

const settings = [
  'id',
  'name',
  'cool_down_seconds',
  'transfer_cool_down_seconds',
  'release_undo_seconds',
  'low_stock_threshold',
] as const;

export function getTenant(db: Db, who: Who) {
  return db.selectFrom('tenants').select(settings).where('id', '=', who.tenantId).executeTakeFirstOrThrow();
}

/** Changes the tenant's settings; what rests or waits already keeps the time that it was given. */
export async function editTenant(db: Db, who: Who, edit: TenantEdit) {
  if (who.organizationId !== null) throw new Problem('key_bound');
  await db.updateTable('tenants').set(edit).where('id', '=', who.tenantId).execute();
  return getTenant(db, who);
}
