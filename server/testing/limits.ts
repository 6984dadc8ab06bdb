import { hashSecret } from '../access/secret.ts';
import type { TenantLimitsEdit } from '../limits/limits.ts';
import { editTenantLimits } from '../limits/stored.ts';
import type { TestServer } from './server.ts';

export async function tenantOf({ database: { db } }: TestServer, key: string): Promise<string> {
  const found = db.selectFrom('api_keys').select('tenant_id').where('hash', '=', hashSecret(key)!);
  return (await found.executeTakeFirstOrThrow()).tenant_id;
}

/** What the operator does on the command line. */
export const limitTenant = async (server: TestServer, key: string, edit: TenantLimitsEdit) =>
  editTenantLimits(server.database.db, await tenantOf(server, key), edit);
