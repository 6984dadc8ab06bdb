import assert from 'node:assert/strict';
import { test } from 'node:test';
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
