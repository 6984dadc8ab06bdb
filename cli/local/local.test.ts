import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createTestDatabase, testPostgres } from '../../server/testing/database.ts';
import { linekeeper } from '../testing/command-line.ts';

test('with DATABASE_URL: migrated once, then a tenant with an admin key', async () => {
  const database = await createTestDatabase('template1');
  try {
    const { host, user } = testPostgres();
    const name = database.connection.database;
    const env = { DATABASE_URL: `postgresql://${user}@/${name}?host=${encodeURIComponent(host!)}` };
    const first = await linekeeper(['migrate'], env);
    assert.match(first.stdout, /^Applied 0001_\w+\.sql\n/);
    assert.deepEqual([first.code, first.stderr], [0, '']);
    const again = await linekeeper(['migrate', '--json'], env);
    assert.deepEqual(again, { code: 0, stdout: '{"applied":[]}\n', stderr: '' });

    const { code, stdout, stderr } = await linekeeper(['tenants', 'create', 'Acme', '--json'], env);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const { tenant, api_key } = JSON.parse(stdout);
    assert.match(api_key, /^lk_live_\w{38}$/);
    const rows = await database.db.selectFrom('tenants').select(['id', 'name']).execute();
    assert.deepEqual(rows, [tenant]);
    const keys = await database.db.selectFrom('api_keys').select(['tenant_id', 'permission']).execute();
    assert.deepEqual(keys, [{ tenant_id: tenant.id, permission: 'admin' }]);
  } finally {
    await database.drop();
  }
});

test('an unreachable database and a wrong setting are one sentence without a stack', async () => {
  const url = 'postgresql://nobody:secret@127.0.0.1:1/none';
  for (const args of [['migrate'], ['serve'], ['tenants', 'create', 'Acme']]) {
    const away = await linekeeper(args, { DATABASE_URL: url });
    const sentence =
      'error: The database of DATABASE_URL cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n';
    assert.deepEqual(away, { code: 1, stdout: '', stderr: sentence });
  }
  const wrong = await linekeeper(['serve'], { PORT: 'x' });
  assert.deepEqual(wrong, {
    code: 1,
    stdout: '',
    stderr: 'error: PORT must be a whole number from 0 to 65535\n',
  });
  const traced = await linekeeper(['serve'], { PORT: 'x', LOG_LEVEL: 'debug' });
  assert.match(traced.stderr, /\n {4}at readConfig /);
});

/** Refuses everybody with one error, as PostgreSQL does. */
async function refusingServer(t: TestContext, fields: Record<string, string>): Promise<number> {
  const text = Object.entries(fields)
    .map(([name, value]) => `${name}${value}\0`)
    .join('');
  const body = Buffer.from(`${text}\0`);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  const server = createServer(socket => {
    socket
      .on('error', () => {})
      .once('data', () => socket.end(Buffer.concat([Buffer.from('E'), length, body])));
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('what is wrong with DATABASE_URL is one line that says what to do', async t => {
  const { host, user } = testPostgres();
  const at = `host=${encodeURIComponent(host!)}`;
  const fatal = { S: 'FATAL', V: 'FATAL', C: '28P01', M: 'password authentication failed for user "ann"' };
  const port = await refusingServer(t, fatal);
  for (const [url, expected] of [
    [
      `postgresql://ann:wrong@127.0.0.1:${port}/lines`,
      /^error: DATABASE_URL: password authentication failed for user "ann"\. Correct the user or the password; .*%40 and %2F$/,
    ],
    [
      `postgresql://nobody-here@/postgres?${at}`,
      /^error: DATABASE_URL: role "nobody-here" does not exist\. Correct the user, or let .*$/,
    ],
    [
      `postgresql://${user}@/nothing_here?${at}`,
      /^error: DATABASE_URL: database "nothing_here" does not exist\. Correct the name of the database, or create it: createdb .*$/,
    ],
    [
      `postgresql://${user}@/postgres?${at}&options=-cbogus%3D1`,
      /^error: DATABASE_URL: unrecognized configuration parameter "bogus"\. Correct options=… or the other parameters$/,
    ],
    [
      `postgresql://${user}@/postgres?${at}&sslmode=verify-full`,
      /^error: DATABASE_URL: The server does not support SSL connections\. Take sslmode away, or switch SSL on in PostgreSQL$/,
    ],
    [
      `postgresql://${user}@/postgres?${at}&sslmod=require`,
      /^error: DATABASE_URL: the parameter sslmod is not known here: take it away, or correct its name$/,
    ],
    [
      `postgresql://${user}@one/postgres?target_session_attrs=bogus`,
      /^error: DATABASE_URL: target_session_attrs must be read-write, primary or any, and is bogus/,
    ],
  ] as const)
    for (const command of ['migrate', 'serve']) {
      const { code, stdout, stderr } = await linekeeper([command], {
        DATABASE_URL: url,
        PORT: '0',
        LOG_LEVEL: 'error',
      });
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr.trimEnd(), expected);
    }
});
