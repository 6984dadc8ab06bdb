// `npm run bench`: how many claims a second, in one organization and across many, over HTTP with everything that
// belongs to it, and as bare SQL: the same statements, on the same database, from a loop over the same driver.
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
const numbersEach = 1500;
const claimsPerRound = Number(process.env.BENCH_CLAIMS ?? 1500);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

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
  const tenant = await fill(pool);
  const table: Record<string, string[]> = {
    organizations: ['claims/s, HTTP', 'claims/s, bare SQL', 'ratio'],
  };
  for (const spread of [1, organizations]) {
    const measured: { http: number; sql: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      // Each side takes from organizations of its own half, so that neither finds a pool that the other has emptied.
      const http = await measure(i => claimOverHttp(url, key, `bench_${i % spread}`));
      const sql = await measure(i => claimInSql(pool, tenant, `bench_${(i % spread) + organizations}`));
      measured.push({ http, sql });
    }
    const ratios = measured.map(({ http, sql }) => http / sql);
    table[spread] = [range(measured.map(m => m.http)), range(measured.map(m => m.sql)), range(ratios, 2)];
  }
  console.log(
    `${connections} connections, ${claimsPerRound} claims a round, median of ${rounds} rounds (least to most)\n`,
  );
  for (const [name, cells] of Object.entries(table))
    console.log([name.padEnd(14), ...cells.map(cell => cell.padEnd(26))].join(''));
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

/** Organizations with one user and a pool each, in the demonstration's tenant. */
async function fill(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query('select tenant_id as id from organizations limit 1');
  const tenant: string = rows[0].id;
  await pool.query(
    `insert into organizations (tenant_id, id, unique_id, name)
     select $1, gen_random_uuid(), 'bench_' || i, 'Bench' from generate_series(0, $2::int - 1) i`,
    [tenant, 2 * organizations],
  );
  await pool.query(
    `insert into users (tenant_id, organization_id, id, unique_id, name, email)
     select tenant_id, id, gen_random_uuid(), 'user', 'User', 'user@example.com' from organizations where unique_id like 'bench_%'`,
  );
  await pool.query(
    `insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, available_since, since_revision)
     select o.tenant_id, o.id, gen_random_uuid(), '+1' || (2000000000 + row_number() over ())::text, 'x', 'US', now(), 1
     from organizations o, generate_series(1, $1::int) where o.unique_id like 'bench_%'`,
    [numbersEach],
  );
  // The first organization of each half has to serve a whole measurement alone.
  await pool.query(
    `insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, available_since, since_revision)
     select o.tenant_id, o.id, gen_random_uuid(), '+1' || (5000000000 + row_number() over ())::text, 'x', 'US', now(), 1
     from organizations o, generate_series(1, $1::int) where o.unique_id in ('bench_0', 'bench_' || $2::int)`,
    [claimsPerRound * rounds, organizations],
  );
  await pool.query('vacuum analyze');
  return tenant;
}

/** @returns how often a second */
async function measure(once: (index: number) => Promise<void>): Promise<number> {
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < claimsPerRound) await once(next++);
    }),
  );
  return claimsPerRound / ((performance.now() - begun) / 1000);
}

async function claimOverHttp(url: string, key: string, organization_id: string): Promise<void> {
  const headers = { 'x-api-key': key, 'content-type': 'application/json' };
  const call = request(`${url}/v1/sms/phone-numbers/claim`, { method: 'POST', agent, headers });
  call.end(JSON.stringify({ organization_id, user_id: 'user' }));
  const [response] = await once(call, 'response');
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`a claim was answered with ${response.statusCode}`);
}

/** What a claim asks of the database, and nothing else. */
async function claimInSql(pool: pg.Pool, tenant: string, organization: string): Promise<void> {
  const client = await pool.connect();
  const query = (name: string, text: string, values: unknown[]) => client.query({ name, text, values });
  await client.query('begin');
  const locked = await query(
    'lock',
    `select o.id, o.revision, clock_timestamp() as now from organizations o join tenants t on t.id = o.tenant_id
     where o.tenant_id = $1 and o.unique_id = $2 for no key update of o`,
    [tenant, organization],
  );
  const { id, revision, now } = locked.rows[0];
  const user = await query(
    'user',
    `select id from users where tenant_id = $1 and organization_id = $2 and unique_id = 'user'`,
    [tenant, id],
  );
  const picked = await query(
    'pick',
    `select id from phone_numbers where tenant_id = $1 and organization_id = $2 and status = 'available'
     order by available_since, phone_number limit 1`,
    [tenant, id],
  );
  const number = picked.rows[0].id;
  await query('load', `select * from phone_numbers where tenant_id = $1 and id = $2`, [tenant, number]);
  await query(
    'keep',
    `insert into number_versions (tenant_id, organization_id, phone_number_id, from_revision, to_revision, from_at, to_at,
       phone_number, pretty_phone_number, nickname, status, tags, locked, metadata, until, reservation_id, reservation_note, created_at)
     select tenant_id, organization_id, id, since_revision, $3, modified_at, $4, phone_number, pretty_phone_number, nickname, status,
       tags, locked, metadata, until, reservation_id, reservation_note, created_at
     from phone_numbers where tenant_id = $1 and id = $2`,
    [tenant, number, revision + 1, now],
  );
  await query(
    'take',
    `update phone_numbers set status = 'assigned', available_since = null, since_revision = $3, modified_at = $4 where tenant_id = $1 and id = $2`,
    [tenant, number, revision + 1, now],
  );
  await query(
    'assign',
    `insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [tenant, id, randomUUIDv7(), number, user.rows[0].id, now, revision + 1],
  );
  await query(
    'log',
    `with revised as (update organizations set revision = $3, revised_at = $4 where tenant_id = $1 and id = $2)
     insert into events (tenant_id, organization_id, revision, type, at, actor_type, actor_id, data)
     values ($1, $2, $3, 'number.claimed', $4, 'key', 'bench', '{}')`,
    [tenant, id, revision + 1, now],
  );
  await client.query('commit');
  client.release();
}

function range(values: number[], digits = 0): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, most] = [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}
