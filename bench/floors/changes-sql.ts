// The statements of a claim and of an assignment, without anything else: the floor for both.
import { randomUUIDv7 } from 'node:crypto';
import type pg from 'pg';
import { stateNames } from '../../server/numbers/state.ts';

export const state = `select n.id, n.phone_number, ${stateNames.map(name => `n.${name}`).join(', ')},
    n.release_due_at is not null as leaving, a.user_id as user_record_id, u.unique_id as user_id
  from phone_numbers n
  left join assignments a on a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.ended_at is null
  left join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
  where n.tenant_id = $1 and n.organization_id = $2 and n.released_at is null`;

export const lockStatement = (by: 'unique_id' | 'id') => `
  select o.id, o.revision, clock_timestamp() as now, t.cool_down_seconds
  from organizations o join tenants t on t.id = o.tenant_id
  where o.tenant_id = $1 and o.${by} = $2 for no key update of o`;

export const userStatement = `select id, unique_id from users
  where tenant_id = $1 and organization_id = $2 and unique_id = 'user' and status = 'active'`;

export const pickStatement = `${state} and n.status = 'available' and n.release_due_at is null
  order by n.available_since, n.phone_number limit 1`;

/** $1 tenant, $2 number, $3 revision, $4 moment, $5 organization, $6 assignment, $7 user */
export const writeStatement = `
  with kept as (
    insert into number_versions (tenant_id, organization_id, phone_number_id, from_revision, to_revision, from_at, to_at,
      phone_number, pretty_phone_number, created_at, ${stateNames.join(', ')})
    select tenant_id, organization_id, id, since_revision, $3, modified_at, $4,
      phone_number, pretty_phone_number, created_at, ${stateNames.join(', ')}
    from phone_numbers where tenant_id = $1 and id = $2),
  opened as (
    insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
    values ($1, $5, $6, $2, $7, $4, $3))
  update phone_numbers set status = 'assigned', available_since = null, since_revision = $3, modified_at = $4
  where tenant_id = $1 and id = $2`;

/** $1 tenant, $2 organization, $3 revision, $4 moment */
export const logStatement = `
  with revised as (update organizations set revision = $3, revised_at = $4 where tenant_id = $1 and id = $2)
  insert into events (tenant_id, organization_id, revision, type, at, actor_type, actor_id, data)
  values ($1, $2, $3, 'number.claimed', $4, 'key', 'bench', '{}')`;

type Query = (name: string, text: string, values: unknown[]) => Promise<pg.QueryResult>;

export const claimInSql = (pool: pg.Pool, tenant: string, organization: string): Promise<void> =>
  inTransaction(pool, async query => {
    const locked = (await query('lock by name', lockStatement('unique_id'), [tenant, organization])).rows[0];
    const user = (await query('user', userStatement, [tenant, locked.id])).rows[0].id;
    const picked = await query('pick', pickStatement, [tenant, locked.id]);
    await write(query, tenant, locked, picked.rows[0].id, user);
  });

export async function assignInSql(pool: pg.Pool, tenant: string, number: string): Promise<void> {
  const text = `select n.id, n.organization_id from phone_numbers n
    join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
    where n.tenant_id = $1 and n.phone_number = $2 and n.released_at is null`;
  const { rows } = await pool.query({ name: 'find', text, values: [tenant, number] });
  const { id, organization_id } = rows[0];
  await inTransaction(pool, async query => {
    const locked = (await query('lock by id', lockStatement('id'), [tenant, organization_id])).rows[0];
    await query('load', `${state} and n.id = $3`, [tenant, organization_id, id]);
    const user = (await query('user', userStatement, [tenant, organization_id])).rows[0].id;
    await write(query, tenant, locked, id, user);
  });
}

async function inTransaction(pool: pg.Pool, work: (query: Query) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  await client.query('begin');
  await work((name, text, values) => client.query({ name, text, values }));
  await client.query('commit');
  client.release();
}

type Locked = { id: string; revision: number; now: Date };

async function write(query: Query, tenant: string, locked: Locked, number: string, user: string) {
  const revision = locked.revision + 1;
  await query('write', writeStatement, [
    tenant,
    number,
    revision,
    locked.now,
    locked.id,
    randomUUIDv7(),
    user,
  ]);
  await query('log', logStatement, [tenant, locked.id, revision, locked.now]);
}
