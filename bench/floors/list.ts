import type pg from 'pg';
import {
  type ListOptions,
  type Page,
  type PageEnd,
  pageStatement,
} from '../../server/numbers/list/statement.ts';

type Place = { tenant: string; organizationId: string };

/** Runs the server's own list statement, prepared as the server prepares it. */
export async function readList(
  client: pg.Pool | pg.PoolClient,
  { tenant, organizationId }: Place,
  limit: number,
  after?: PageEnd,
): Promise<Page> {
  const caller = {
    tenantId: tenant,
    organizationId: null,
    permission: 'admin' as const,
    actor: { type: 'key' as const, id: 'bench' },
    requestId: null,
  };
  const options: ListOptions = {
    organization_id: '',
    include_assigned: true,
    sort: 'phone_number',
    view: 'list',
    total: false,
  };
  const [text, values] = pageStatement(caller, organizationId, options, after, limit);
  const { rows } = await client.query<Page>({ name: after ? 'next' : 'first', text, values });
  return rows[0]!;
}

/** The database's ids of the organizations, in the order of the names. */
export async function organizationIds(pool: pg.Pool, tenant: string, names: string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from organizations where tenant_id = $1 and unique_id = any($2) order by array_position($2, unique_id)',
    [tenant, names],
  );
  return rows.map(({ id }) => id);
}
