import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { findOrganization } from '../../organizations/organizations.ts';

export type Summary = {
  total: number;
  by_status: { status: string; count: number }[];
  by_area_code: { area_code: string | null; count: number; available: number }[];
  by_user: { user_id: string; name: string; email: string; count: number }[];
  stock: { available: number; threshold: number | null; low: boolean };
};

/**
 * How many numbers an organization has, by status, area code and user, and whether its stock is low. Triggers keep the
 * counts.
 */
export async function summarize(db: Db, caller: Caller, organizationId: string): Promise<Summary> {
  const { id } = await findOrganization(db, caller, organizationId);
  const { rows } = await sql<Omit<Summary, 'stock'> & { available: number; threshold: number | null }>`
    with mine as materialized (
      select area_code, status, count from number_counts
      where tenant_id = ${caller.tenantId} and organization_id = ${id} and count > 0)
    select
      (select coalesce(sum(count), 0)::bigint from mine) as total,
      (select coalesce(sum(count), 0)::bigint from mine where status = 'available') as available,
      (select low_stock_threshold from tenants where id = ${caller.tenantId}) as threshold,
      (select coalesce(json_agg(s order by count desc, status), '[]')
        from (select status, sum(count)::bigint as count from mine group by status) s) as by_status,
      (select coalesce(json_agg(c order by count desc, area_code), '[]')
        from (
          select nullif(area_code, '') as area_code, sum(count)::bigint as count, coalesce(sum(count) filter (where status = 'available'), 0)::bigint as available
          from mine group by area_code) c
      ) as by_area_code,
      (select coalesce(json_agg(h order by count desc, user_id), '[]')
        from (
          select u.unique_id as user_id, u.name, u.email, c.count
          from holder_counts c
          join users u on u.tenant_id = c.tenant_id and u.organization_id = c.organization_id and u.id = c.user_id
          where c.tenant_id = ${caller.tenantId} and c.organization_id = ${id} and c.count > 0) h
      ) as by_user`.execute(db);
  const { available, threshold, ...counts } = rows[0]!;
  return { ...counts, stock: { available, threshold, low: threshold !== null && available < threshold } };
}
