import type { Db } from '../db/database.ts';
import type { Caller } from './caller.ts';

/** Where the tenant's days begin: an IANA name. */
export async function timeZoneOf(db: Db, caller: Caller): Promise<string> {
  const { time_zone } = await db
    .selectFrom('tenants')
    .select('time_zone')
    .where('id', '=', caller.tenantId)
    .executeTakeFirstOrThrow();
  return time_zone;
}
