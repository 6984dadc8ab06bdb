import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testPostgres } from '../../server/testing/database.ts';
import { tenantOf } from '../../server/testing/limits.ts';
import { startTestServer, type TestServer } from '../../server/testing/server.ts';
import { linekeeper } from '../testing/command-line.ts';

let server: TestServer;
let operator: Record<string, string>;
before(async () => {
  server = await startTestServer();
  const { host, user } = testPostgres();
  const name = server.database.connection.database;
  operator = { DATABASE_URL: `postgresql://${user}@/${name}?host=${encodeURIComponent(host!)}` };
});
after(() => server.stop());
const run = (args: string[], key: string) =>
  linekeeper(args, { LINEKEEPER_URL: server.url, LINEKEEPER_API_KEY: key });

test('the operator limits a tenant, and the tenant sees it', async () => {
  const key = await server.newTenant();
  const id = await tenantOf(server, key);
  const shown = await linekeeper(['tenants', 'limit', id], operator);
  assert.deepEqual(shown, { code: 0, stdout: `Tenant ID  ${id}\nLimits     none\n`, stderr: '' });
  const limit = ['--requests-per-day', '1000', '--numbers', '5', '--imports', '1'];
  const { code, stdout } = await linekeeper(['tenants', 'limit', id, ...limit], operator);
  assert.deepEqual(
    [code, stdout.split('\n')[1]],
    [0, 'Limits     requests_per_day 1000, imports 1, numbers 5'],
  );
  const listed = await linekeeper(['tenants', 'list', '--json'], operator);
  const { tenants } = JSON.parse(listed.stdout);
  assert.deepEqual(
    tenants.find((tenant: { id: string }) => tenant.id === id),
    { id, name: 'Test', limits: { imports: 1, numbers: 5, requests_per_day: 1000 } },
  );
  const seen = await run(['limits', 'show'], key);
  assert.match(seen.stdout, /^OF +LIMIT +MAX +USED +RENEWS\n/);
  assert.match(seen.stdout, /\ntenant +requests_per_day +1000 +1 +\d{4}-\d\d-\d\dT\S+Z\n/);
  assert.match(seen.stdout, /\ntenant +imports +1 +0 +-\n/);
  assert.match(seen.stdout, /\ntenant +numbers +5 +0 +-\n/);
  await linekeeper(['tenants', 'limit', id, '--numbers', 'none'], operator);
  assert.match((await run(['limits', 'show'], key)).stdout, /\ntenant +numbers +none +0 +-\n/);
  for (const wrong of ['nobody', '0199f3a0-5f1b-7a11-8c0d-7a5e9b3c1d2e'])
    assert.deepEqual(await linekeeper(['tenants', 'limit', wrong, '--numbers', '1'], operator), {
      code: 1,
      stdout: '',
      stderr: `error: There is no tenant ${wrong}\n`,
    });
});

test('a tenant limits a key, which is told what it exceeded', async () => {
  const key = await server.newTenant();
  const create = [
    'keys',
    'create',
    'slow',
    '--permission',
    'read',
    '--requests-per-second',
    '0.001',
    '--json',
  ];
  const created = JSON.parse((await run(create, key)).stdout);
  assert.deepEqual(created.key.limits, { requests_per_second: 0.001 });
  assert.equal((await run(['organizations', 'list'], created.api_key)).code, 0);
  const refused = await run(['organizations', 'list'], created.api_key);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^error: The limit requests_per_second of this key is exceeded: it is 0\.001\n/,
  );
  const lift = [
    'keys',
    'limit',
    created.key.id,
    '--requests-per-second',
    'none',
    '--requests-per-day',
    '100',
  ];
  assert.match((await run(lift, key)).stdout, /\nLimits +requests_per_day 100\n/);
  assert.equal((await run(['organizations', 'list'], created.api_key)).code, 0);
});
