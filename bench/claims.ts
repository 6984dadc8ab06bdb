// `npm run bench`: how many claims and assignments a second, in one organization and across many, over HTTP with
// everything that belongs to it, and as bare SQL: the same statements, on the same database, from a loop over the same
// driver.
import { spawn } from 'node:child_process';
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';

// As the server reads them.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const connections = 16;
const organizations = 64;
/** All of them together have to fit into one area code. */
const numbersEach = 1000;
const changesPerRound = Number(process.env.BENCH_CLAIMS ?? 1500);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

/** What is measured, and who does it: each takes from organizations of its own, so that none empties another's pool. */
type Operation = 'claim' | 'assign';
type Side = 'http' | 'sql';

const state = `select n.id, n.phone_number, n.status, n.nickname, n.tags, n.locked, n.metadata, n.until, n.reservation_id,
    n.reservation_note, n.carrier_account_id, n.carrier_number_id, n.pending_reason, n.release_due_at is not null as leaving,
    a.user_id as user_record_id, u.unique_id as user_id
  from phone_numbers n
  left join assignments a on a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.ended_at is null
  left join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
  where n.tenant_id = $1 and n.organization_id = $2 and n.released_at is null`;

const agent = new Agent({ keepAlive: true, maxSockets: connections });
const home = await mkdtemp(join(tmpdir(), 'lk-bench-'));
const environment = {
  ...process.env,
  LINEKEEPER_HOME: home,
  PORT: '0',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  LINEKEEPER_DEMO: '1',
};
const server = spawn(process.execPath, [join(import.meta.dirname, '..', 'cli', 'main.ts'), 'serve'], {
  env: environment,
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const { url, key } = await announced();
  const connection = { host: join(home, 'run'), user: 'linekeeper', database: 'linekeeper' };
  const pool = new pg.Pool({ ...connection, max: connections });
  pool.on('error', () => {}); // when the server takes its PostgreSQL down with it
  const { tenant, free } = await fill(pool);
  const work: Record<Operation, Record<Side, (organization: string) => Promise<void>>> = {
    claim: {
      http: organization_id =>
        change(`${url}/v1/sms/phone-numbers/claim`, key, { organization_id, user_id: 'user' }),
      sql: organization => inTransaction(pool, query => claimInSql(query, tenant, organization)),
    },
    assign: {
      http: organization =>
        change(`${url}/v1/sms/phone-numbers/${free.get(organization)!.pop()}/assign`, key, {
          user_id: 'user',
        }),
      sql: organization => assignInSql(pool, tenant, free.get(organization)!.pop()!),
    },
  };
  const table = [['', 'organizations', 'HTTP, a second', 'bare SQL, a second', 'ratio']];
  for (const operation of ['claim', 'assign'] as const) {
    for (const spread of [1, organizations]) {
      const measured: Record<Side, number>[] = [];
      for (let round = 0; round < rounds; round++) {
        const run = (side: Side) => measure(i => work[operation][side](nameOf(operation, side, i % spread)));
        measured.push({ http: await run('http'), sql: await run('sql') });
      }
      const ratios = measured.map(({ http, sql }) => http / sql);
      const speeds = [range(measured.map(m => m.http)), range(measured.map(m => m.sql))];
      table.push([operation, String(spread), ...speeds, range(ratios, 2)]);
    }
  }
  console.log(
    `${connections} connections, ${changesPerRound} changes a round, median of ${rounds} rounds (least to most)\n`,
  );
  for (const [operation, spread, ...cells] of table)
    console.log(
      [operation!.padEnd(8), spread!.padEnd(15), ...cells.map(cell => cell.padEnd(22))].join('').trimEnd(),
    );
  await pool.end();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  server.kill('SIGTERM');
  if (server.exitCode === null) await once(server, 'exit');
  await rm(home, { recursive: true, force: true });
}

async function announced(): Promise<{ url: string; key: string }> {
  for await (const line of createInterface({ input: server.stdout! })) {
    const match = /^curl "(http:[^/]*\/\/[^/]+)\/.*X-API-Key: ([^"]+)"/.exec(line);
    if (match) return { url: match[1]!, key: match[2]! };
  }
  throw new Error('the server ended before it listened');
}

function nameOf(operation: Operation, side: Side, index: number): string {
  return `${operation}_${side}_${index}`;
}

/** Organizations with one user and a pool each, in the demonstration's tenant, and the numbers that are free in each. */
async function fill(pool: pg.Pool): Promise<{ tenant: string; free: Map<string, string[]> }> {
  const { rows } = await pool.query('select tenant_id as id from organizations limit 1');
  const tenant: string = rows[0].id;
  const operations = ['claim', 'assign'] as const;
  const names = operations.flatMap(operation =>
    (['http', 'sql'] as const).flatMap(side =>
      Array.from({ length: organizations }, (_, index) => nameOf(operation, side, index)),
    ),
  );
  await pool.query(
    `insert into organizations (tenant_id, id, unique_id, name) select $1, gen_random_uuid(), unnest($2::text[]), 'Bench'`,
    [tenant, names],
  );
  await pool.query(
    `insert into users (tenant_id, organization_id, id, unique_id, name, email)
     select tenant_id, id, gen_random_uuid(), 'user', 'User', 'user@example.com' from organizations where unique_id = any($1)`,
    [names],
  );
  // The first organization of each kind has to serve a whole measurement alone.
  const { rows: free } = await pool.query<{ organization: string; numbers: string[] }>(
    `with added as (
       insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, available_since, since_revision)
       select tenant_id, id, gen_random_uuid(), '+1220' || (220 + i / 10000)::text || lpad((i % 10000)::text, 4, '0'), 'x', 'US', now(), 1
       from (
         select o.tenant_id, o.id, row_number() over () as i
         from organizations o, generate_series(1, $2::int + case when o.unique_id like '%\\_0' then $3::int else 0 end)
         where o.unique_id = any($1)) free
       returning organization_id, phone_number)
     select o.unique_id as organization, array_agg(a.phone_number) as numbers
     from added a join organizations o on o.id = a.organization_id group by o.unique_id`,
    [names, numbersEach, changesPerRound * rounds],
  );
  await pool.query('vacuum analyze');
  return { tenant, free: new Map(free.map(row => [row.organization, row.numbers])) };
}

/** @returns how often a second */
async function measure(once: (index: number) => Promise<void>): Promise<number> {
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < changesPerRound) await once(next++);
    }),
  );
  return changesPerRound / ((performance.now() - begun) / 1000);
}

async function change(url: string, key: string, body: object): Promise<void> {
  const headers = { 'x-api-key': key, 'content-type': 'application/json' };
  const call = request(url, { method: 'POST', agent, headers });
  call.end(JSON.stringify(body));
  const [response] = await once(call, 'response');
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`a change was answered with ${response.statusCode}`);
}

type Query = (name: string, text: string, values: unknown[]) => Promise<pg.QueryResult>;

async function inTransaction(pool: pg.Pool, work: (query: Query) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  await client.query('begin');
  await work((name, text, values) => client.query({ name, text, values }));
  await client.query('commit');
  client.release();
}

/** What a claim asks of the database, and nothing else. */
async function claimInSql(query: Query, tenant: string, organization: string): Promise<void> {
  const locked = await lockInSql(query, tenant, 'o.unique_id', organization);
  const user = await userInSql(query, tenant, locked.id);
  const picked = await query(
    'pick',
    `${state} and n.status = 'available' and n.release_due_at is null order by n.available_since, n.phone_number limit 1`,
    [tenant, locked.id],
  );
  await writeInSql(query, tenant, locked, picked.rows[0].id, user);
}

/** What an assignment does. */
async function assignInSql(pool: pg.Pool, tenant: string, number: string): Promise<void> {
  const text = `select n.id, n.organization_id from phone_numbers n
    join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
    where n.tenant_id = $1 and n.phone_number = $2 and n.released_at is null`;
  const { rows } = await pool.query({ name: 'find', text, values: [tenant, number] });
  const { id, organization_id } = rows[0];
  await inTransaction(pool, async query => {
    const locked = await lockInSql(query, tenant, 'o.id', organization_id);
    await query('load', `${state} and n.id = $3`, [tenant, organization_id, id]);
    await writeInSql(query, tenant, locked, id, await userInSql(query, tenant, organization_id));
  });
}

type Locked = { id: string; revision: number; now: Date };

async function lockInSql(query: Query, tenant: string, by: string, name: string): Promise<Locked> {
  const text = `select o.id, o.revision, clock_timestamp() as now, t.cool_down_seconds
    from organizations o join tenants t on t.id = o.tenant_id
    where o.tenant_id = $1 and ${by} = $2 for no key update of o`;
  return (await query(`lock ${by}`, text, [tenant, name])).rows[0];
}

async function userInSql(query: Query, tenant: string, organization: string): Promise<string> {
  const text = `select id, unique_id from users
    where tenant_id = $1 and organization_id = $2 and unique_id = 'user' and status = 'active'`;
  return (await query('user', text, [tenant, organization])).rows[0].id;
}

async function writeInSql(
  query: Query,
  tenant: string,
  { id, revision, now }: Locked,
  number: string,
  user: string,
) {
  await query(
    'write',
    `with kept as (
       insert into number_versions (tenant_id, organization_id, phone_number_id, from_revision, to_revision, from_at, to_at,
         phone_number, pretty_phone_number, nickname, status, tags, locked, metadata, until, reservation_id, reservation_note, created_at)
       select tenant_id, organization_id, id, since_revision, $3, modified_at, $4, phone_number, pretty_phone_number, nickname, status,
         tags, locked, metadata, until, reservation_id, reservation_note, created_at
       from phone_numbers where tenant_id = $1 and id = $2),
     opened as (
       insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
       values ($1, $5, $6, $2, $7, $4, $3))
     update phone_numbers set status = 'assigned', available_since = null, since_revision = $3, modified_at = $4
     where tenant_id = $1 and id = $2`,
    [tenant, number, revision + 1, now, id, randomUUIDv7(), user],
  );
  await query(
    'log',
    `with revised as (update organizations set revision = $3, revised_at = $4 where tenant_id = $1 and id = $2)
     insert into events (tenant_id, organization_id, revision, type, at, actor_type, actor_id, data)
     values ($1, $2, $3, 'number.claimed', $4, 'key', 'bench', '{}')`,
    [tenant, id, revision + 1, now],
  );
}

function range(values: number[], digits = 0): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, most] = [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}
