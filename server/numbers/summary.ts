import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import type { Who } from '../keys/who.ts';
import { findOrganization } from '../organizations/organizations.ts';

export type Summary = {
  total: number;
  by_status: { status: string; count: number }[];
  by_area_code: { area_code: string | null; count: number; available: number }[];
  by_user: { user_id: string; name: string; email: string; count: number }[];
  stock: { available: number; threshold: number | null; low: boolean };
};

/** How many numbers an organization has, of each status, in each area code, with each user; and whether few are left. */
export async function summarize(db: Db, who: Who, organizationId: string): Promise<Summary> {
  const { id } = await findOrganization(db, who, organizationId);
  const { rows } = await sql<Omit<Summary, 'stock'> & { available: number; threshold: number | null }>`
    with mine as materialized (
      select id, status, area_code from phone_numbers
      where tenant_id = ${who.tenantId} and organization_id = ${id} and released_at is null)
    select
      (select count(*) from mine) as total,
      (select count(*) from mine where status = 'available') as available,
      (select low_stock_threshold from tenants where id = ${who.tenantId}) as threshold,
      (select coalesce(json_agg(s order by count desc, status), '[]')
        from (select status, count(*) from mine group by status) s) as by_status,
      (select coalesce(json_agg(c order by count desc, area_code), '[]')
        from (select area_code, count(*), count(*) filter (where status = 'available') as available from mine group by area_code) c
      ) as by_area_code,
      (select coalesce(json_agg(h order by count desc, user_id), '[]')
        from (
          select u.unique_id as user_id, u.name, u.email, count(*)
          from mine m
          join assignments a on a.tenant_id = ${who.tenantId} and a.phone_number_id = m.id and a.ended_at is null
          join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
          group by u.unique_id, u.name, u.email) h
      ) as by_user`.execute(db);
  const { available, threshold, ...counts } = rows[0]!;
  return { ...counts, stock: { available, threshold, low: threshold !== null && available < threshold } };
}
