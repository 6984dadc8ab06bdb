import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { type Db, transact } from '../db/database.ts';
import { invalid, Problem } from '../errors.ts';
import {
  type KeyLimits,
  type KeyLimitsEdit,
  RateNames,
  type TenantLimits,
  type TenantLimitsEdit,
  withEdit,
} from './limits.ts';
import { limitNumbers } from './numbers.ts';

/** The limits of all tenants that have any, and their version. */
export async function readTenantLimits(
  db: Db,
): Promise<{ version: number; limits: Map<string, TenantLimits> }> {
  const { rows } = await sql<{ version: number; id: string | null; limits: TenantLimits }>`
    select v.version, t.id, t.limits from limits_version v left join tenants t on t.limits <> '{}'`.execute(
    db,
  );
  const set = rows.flatMap(({ id, limits }) => (id === null ? [] : [[id, limits] as const]));
  return { version: rows[0]!.version, limits: new Map(set) };
}

export async function getTenantLimits(db: Db, tenantId: string): Promise<TenantLimits | undefined> {
  const found = await db.selectFrom('tenants').select('limits').where('id', '=', tenantId).executeTakeFirst();
  return found?.limits;
}

/** Changes the given limits of a tenant. Only the operator can do this. The next request of the tenant meets them. */
export function editTenantLimits(db: Db, tenantId: string, edit: TenantLimitsEdit): Promise<TenantLimits> {
  return transact(db, async tx => {
    const { limits: before } = await tx
      .selectFrom('tenants')
      .select('limits')
      .where('id', '=', tenantId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const limits = withEdit(before, edit);
    await tx
      .updateTable('tenants')
      .set({ limits: JSON.stringify(limits) })
      .where('id', '=', tenantId)
      .execute();
    if (edit.numbers !== undefined) await limitNumbers(tx, tenantId, edit.numbers);
    // The last statement: those who set limits of other tenants wait for this row.
    await tx.updateTable('limits_version').set({ version: sql`version + 1` }).execute();
    return limits;
  });
}

/**
 * Changes the given limits of a key, and of all that count towards them.
 * @throws Problem invalid_request, key_not_found, key_shares_limits
 */
export function editKeyLimits(db: Db, caller: Caller, id: string, edit: KeyLimitsEdit): Promise<KeyLimits> {
  return transact(db, async tx => {
    const key = await tx
      .selectFrom('api_keys')
      .select(['limits', 'limits_of'])
      .where('tenant_id', '=', caller.tenantId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (!key) throw new Problem('key_not_found');
    if (key.limits_of !== null)
      throw new Problem('key_shares_limits', undefined, `Change the limits of the key ${key.limits_of}`);
    const limits = withEdit(key.limits ?? {}, edit);
    await assertWithin(tx, caller, limits);
    const text = keyLimitsText(limits);
    await tx
      .updateTable('api_keys')
      .set({ limits: text })
      .where('tenant_id', '=', caller.tenantId)
      .where(eb => eb.or([eb('id', '=', id), eb('limits_of', '=', id)]))
      .execute();
    await tx
      .updateTable('user_tokens')
      .set({ limits: text })
      .where('tenant_id', '=', caller.tenantId)
      .where('limits_of', '=', id)
      .execute();
    return limits;
  });
}

/** As the column has it: null if there is none, so that the look-up has nothing to read. */
export const keyLimitsText = (limits: KeyLimits): string | null =>
  Object.keys(limits).length === 0 ? null : JSON.stringify(limits);

/** @throws Problem invalid_request if a limit of a key is above that of its tenant */
export async function assertWithin(db: Db, caller: Caller, limits: KeyLimits): Promise<void> {
  const tenant = (await getTenantLimits(db, caller.tenantId)) ?? {};
  for (const name of RateNames) {
    const most = tenant[name];
    if (most !== undefined && (limits[name] ?? 0) > most)
      throw invalid(`limits.${name} must be at most ${most}: that is the limit of the tenant`);
  }
}

/**
 * The limits of what the caller creates. A bound key cannot get around its own: they hold for all that it creates, also
 * if they are set later.
 */
export async function inheritedLimits(
  db: Db,
  caller: Caller,
): Promise<{ limits: string | null; limits_of: string | null }> {
  if (caller.organizationId === null || caller.actor.type !== 'key') return { limits: null, limits_of: null };
  const { rows } = await sql<{ id: string; limits: KeyLimits | null }>`
    select root.id, root.limits from api_keys k
    join api_keys root on root.tenant_id = k.tenant_id and root.id = coalesce(k.limits_of, k.id)
    where k.tenant_id = ${caller.tenantId} and k.id = ${caller.actor.id}
    -- Waits for those who change the limits, who then find what is created here.
    for share of root`.execute(db);
  const root = rows[0]!;
  return { limits: keyLimitsText(root.limits ?? {}), limits_of: root.id };
}

/** What a tenant or a key has used on a day. */
export type DailyUse = {
  tenantId: string;
  keyId: string | null;
  day: string;
  requests: number;
  importBytes: number;
};

/** Adds to what was used. @returns the sums, which have what other servers added */
export async function addDailyUse(db: Db, uses: DailyUse[]): Promise<DailyUse[]> {
  const column = <Name extends keyof DailyUse>(name: Name) => uses.map(use => use[name]);
  // In order, so that two servers do not wait for each other.
  const { rows } = await sql<DailyUse>`
    insert into daily_use (tenant_id, key_id, day, requests, import_bytes)
    select * from unnest(${column('tenantId')}::uuid[], ${column('keyId')}::uuid[], ${column('day')}::date[],
      ${column('requests')}::int8[], ${column('importBytes')}::int8[]) as q (tenant_id, key_id, day, requests, import_bytes)
    order by 1, 2, 3
    on conflict on constraint daily_use_key do update
      set requests = daily_use.requests + excluded.requests, import_bytes = daily_use.import_bytes + excluded.import_bytes
    returning tenant_id as "tenantId", key_id as "keyId", day::text, requests, import_bytes as "importBytes"`.execute(
    db,
  );
  return rows;
}

/** Old days are of use to nobody here. */
const daysKept = 40;

export const forgetDailyUse = (db: Db) =>
  sql`delete from daily_use where day < (now() at time zone 'UTC')::date - ${sql.lit(daysKept)}`.execute(db);
