import type { Db } from '../db/database.ts';
import { associatedData } from './open.ts';
import type { Vault } from './vault.ts';

/**
 * Seals with the newest key whatever was sealed with an older one, so that the older one can be dropped. What is changed
 * meanwhile is left as it is, and so is what no key opens.
 * @returns how many accounts were sealed anew
 */
export async function reseal(db: Db, vault: Vault): Promise<number> {
  const accounts = await db
    .selectFrom('carrier_accounts')
    .select(['tenant_id', 'id', 'credentials'])
    .execute();
  let count = 0;
  for (const { tenant_id, id, credentials } of accounts) {
    const sealed = vault.reseal(credentials, associatedData(tenant_id, id));
    if (!sealed) continue;
    const { numUpdatedRows } = await db
      .updateTable('carrier_accounts')
      .set({ credentials: sealed })
      .where('tenant_id', '=', tenant_id)
      .where('id', '=', id)
      .where('credentials', '=', credentials)
      .executeTakeFirst();
    count += Number(numUpdatedRows);
  }
  return count;
}
