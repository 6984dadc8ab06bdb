import { availableParallelism } from 'node:os';
import type pg from 'pg';
import { holdersCounted, numbersCounted } from '../server/numbers/counts.ts';
import { numberInSql, prettyInSql, ranges } from './numbers.ts';

export const numbersEach = 100;
const usersEach = 3;

export const organizationAt = (index: number): string => `bench_${index}`;

/**
 * Adds the organizations from `from` up to, but not including, `to`. Each has three users and 100 numbers: half of them
 * are assigned, a third has a nickname. The numbers of one organization are scattered over the table, as after years of
 * business.
 */
export async function addOrganizations(pool: pg.Pool, tenant: string, from: number, to: number) {
  const count = to - from;
  await insertOrganizations(
    pool,
    tenant,
    `select 'bench_' || i as unique_id, 'Company ' || i as name
    from generate_series(${from}, ${to - 1}) i`,
  );
  await insertNumbers(
    pool,
    tenant,
    `select k, k / ${count} as nth, 'bench_' || ${from} + k % ${count} as organization
     from generate_series(0, ${count * numbersEach - 1}) k`,
    ranges.organizations + from * numbersEach,
  );
}

/** Adds one organization with many numbers. Their rows are contiguous. */
export async function addLong(pool: pg.Pool, tenant: string, unique_id: string, numbers: number) {
  await insertOrganizations(
    pool,
    tenant,
    `select '${unique_id}' as unique_id, 'Company of many numbers' as name`,
  );
  await insertNumbers(
    pool,
    tenant,
    `select k, k as nth, '${unique_id}' as organization from generate_series(0, ${numbers - 1}) k`,
    ranges.long,
  );
}

/** Updates statistics and visibility, as the database does within minutes, and leaves no dirty pages behind. */
export async function settle(pool: pg.Pool): Promise<void> {
  await pool.query('vacuum analyze');
  await pool.query('checkpoint');
}

async function insertOrganizations(pool: pg.Pool, tenant: string, rows: string): Promise<void> {
  await pool.query(
    `with added as (
       insert into organizations (tenant_id, id, unique_id, name, revision, revised_at)
       select $1, uuidv7(), unique_id, name, 1, now() from (${rows}) rows
       returning tenant_id, id, name)
     insert into users (tenant_id, organization_id, id, unique_id, name, email)
     select tenant_id, id, uuidv7(), 'user_' || i, 'Person ' || i || ' of ' || name,
       'person' || i || '@' || replace(lower(name), ' ', '-') || '.example'
     from added, generate_series(0, ${usersEach - 1}) i`,
    [tenant],
  );
}

/**
 * Several connections share the work. Each inserts the same share of every organization.
 *
 * @param rows of k, nth (the count within the organization) and organization
 */
async function insertNumbers(pool: pg.Pool, tenant: string, rows: string, start: number): Promise<void> {
  await pool.query('analyze organizations, users');
  const shares = Math.min(4, availableParallelism());
  await Promise.all(
    Array.from({ length: shares }, (_, share) =>
      insertShare(pool, tenant, `select * from (${rows}) r where nth % ${shares} = ${share}`, start),
    ),
  );
  // insertShare() lets no trigger keep the counts.
  await pool.query(`truncate number_counts, holder_counts;
    insert into number_counts ${numbersCounted}; insert into holder_counts ${holdersCounted}`);
}

async function insertShare(pool: pg.Pool, tenant: string, rows: string, start: number): Promise<void> {
  const client = await pool.connect();
  try {
    // The references are right by construction. To check each would double the time.
    await client.query("begin; set local work_mem = '256MB'; set local session_replication_role = replica");
    await client.query(
      `with added as (
         insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, nickname,
           status, available_since, since_revision, created_at, modified_at)
         select $1, organization_id, uuidv7(), phone_number, ${prettyInSql('phone_number')}, 'US',
           case when nth % 3 = 0 then (array['Front desk', 'Spring open house', 'Lead follow-up'])[1 + nth / 3 % 3] || ' ' || nth end,
           case when nth % 4 < 2 then 'assigned' else 'available' end, case when nth % 4 >= 2 then created_at end,
           1, created_at, created_at
         from (
           select o.id as organization_id, r.nth, ${numberInSql(`${start} + r.k`)} as phone_number,
             timestamptz '2024-01-01' + r.k * interval '1 second' as created_at
           from (${rows}) r join organizations o on o.tenant_id = $1 and o.unique_id = r.organization
           order by r.k) ordered
         returning organization_id, id, status, created_at, right(phone_number, 3)::int as digits)
       insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
       select u.tenant_id, n.organization_id, uuidv7(), n.id, u.id, n.created_at + interval '1 day', 1
       from added n
       join users u on u.tenant_id = $1 and u.organization_id = n.organization_id and u.unique_id = 'user_' || n.digits % ${usersEach}
       where n.status = 'assigned'`,
      [tenant],
    );
    await client.query('commit');
  } finally {
    client.release();
  }
}
