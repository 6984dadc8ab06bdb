import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { carrierDefaults, createCarriers } from '../accounts/open.ts';
import { createTestDatabase } from '../testing/database.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { createDemo } from './demo.ts';

let server: TestServer;
let key: string;
before(async () => {
  const database = await createTestDatabase();
  await createDemo(database.db, async secret => {
    key = secret;
  });
  // No secret key: the demonstration must work without one.
  server = await startTestServer(database, { secretKeys: [] });
});
after(async () => {
  await server.stop();
  await server.database.drop();
});

const get = async (path: string) => (await server.call('GET', path, { key })).body;

test('the sandbox sells numbers from the first minute, and none that already exist', async () => {
  const { carrier_account_id } = (await get('/v1/tenant')).tenant;
  const { carrier_accounts } = await get('/v1/carrier-accounts');
  assert.deepEqual(
    carrier_accounts.map((account: { id: string; name: string }) => [account.id, account.name]),
    [[carrier_account_id, 'Sandbox']],
  );
  const { enabled, max_per_org, weekly_price } = await get('/v1/sms/phone-numbers/config');
  const there: { phone_number: string }[] = (
    await get('/v1/sms/phone-numbers?organization_id=org_brightpath')
  ).phone_numbers;
  assert.ok(enabled && max_per_org > there.length && weekly_price > 0);
  const tested = await server.call('POST', `/v1/carrier-accounts/${carrier_account_id}/test`, { key });
  assert.equal(tested.status, 200);

  const { rows } = await server.database.pool.query('select tenant_id from carrier_accounts where id = $1', [
    carrier_account_id,
  ]);
  const carriers = createCarriers(server.database.db, carrierDefaults);
  const carrier = await carriers.open(server.database.db, rows[0].tenant_id, carrier_account_id);
  const offers = await carrier.search({ country: 'US', area_code: '415', limit: 100 });
  const own = there.map(number => number.phone_number).filter(number => number.startsWith('+1415'));
  assert.deepEqual([own.length, offers.length], [16, 84]);
  for (const { phone_number } of offers) assert.ok(!own.includes(phone_number), phone_number);
  assert.deepEqual(await carrier.search({ country: 'US', area_code: '999', limit: 100 }), []);
});

test('of several servers that start on a new database, one creates the demonstration', async () => {
  const database = await createTestDatabase();
  const kept: string[] = [];
  const keep = async (secret: string) => void kept.push(secret);
  const created = await Promise.all(Array.from({ length: 5 }, () => createDemo(database.db, keep)));
  const { rows } = await database.pool.query('select name from tenants');
  await database.drop();
  assert.deepEqual([created.filter(Boolean).length, kept.length], [1, 1]);
  assert.deepEqual(rows, [{ name: 'Demonstration' }]);
});
