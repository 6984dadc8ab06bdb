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

/** Counts an organization's numbers by status, area code and user, and says whether its stock is low. */
export async function summarize(db: Db, caller: Caller, organizationId: string): Promise<Summary> {
  const { id } = await findOrganization(db, caller, organizationId);
  const { rows } = await sql<Omit<Summary, 'stock'> & { available: number; threshold: number | null }>`
    with mine as materialized (
      select status, case when phone_number like '+1%' then substr(phone_number, 3, 3) end as area_code, count(*)
      from phone_numbers
      where tenant_id = ${caller.tenantId} and organization_id = ${id} and released_at is null
      group by 1, 2)
    select
      (select coalesce(sum(count), 0)::bigint from mine) as total,
      (select coalesce(sum(count), 0)::bigint from mine where status = 'available') as available,
      (select low_stock_threshold from tenants where id = ${caller.tenantId}) as threshold,
      (select coalesce(json_agg(s order by count desc, status), '[]')
        from (select status, sum(count)::bigint as count from mine group by status) s) as by_status,
      (select coalesce(json_agg(c order by count desc, area_code), '[]')
        from (
          select area_code, sum(count)::bigint as count, coalesce(sum(count) filter (where status = 'available'), 0)::bigint as available
          from mine group by area_code) c
      ) as by_area_code,
      (select coalesce(json_agg(h order by count desc, user_id), '[]')
        from (
          select u.unique_id as user_id, u.name, u.email, a.count
          from (
            select user_id, count(*) from assignments
            where tenant_id = ${caller.tenantId} and open_organization_id = ${id} and ended_at is null
            group by user_id) a
          join users u on u.tenant_id = ${caller.tenantId} and u.organization_id = ${id} and u.id = a.user_id) h
      ) as by_user`.execute(db);
  const { available, threshold, ...counts } = rows[0]!;
  return { ...counts, stock: { available, threshold, low: threshold !== null && available < threshold } };
}
