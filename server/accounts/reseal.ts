import type { Db } from '../db/database.ts';
import { associatedData } from './open.ts';
import type { Vault } from './vault.ts';

/**
 * Reseals with the newest key all credentials that an older key sealed, so that the older key can be dropped. Skips
 * credentials that change meanwhile and those that no key opens.
 * @returns how many accounts were resealed
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
