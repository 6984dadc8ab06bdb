import { randomUUIDv7 } from 'node:crypto';
import type { Db } from '../db/database.ts';
import { createKey } from '../keys/keys.ts';
import type { Who } from '../keys/who.ts';

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
