import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { newShop } from '../testing/shop.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

/** What the ninth migration has made, undone. */
const asBefore = `
  alter table orders drop column area_codes, drop column starts_with, drop column ends_with, drop column contains,
    drop column toll_free, add column area_code text;
  update orders set area_code = '415';
  alter table phone_numbers drop column transferred_at;
  create index phone_numbers_created_idx on phone_numbers (tenant_id, organization_id, created_at, phone_number)
    where released_at is null;
  alter table tenants drop column weekly_fee_for, drop column fees_for_all_from, drop column fees_for_all_to,
    drop column fees_begun_after`;

test('what was there before has its first number and its area code after the upgrade', async () => {
  const shop = await newShop(server);
  const { key, organization } = shop;
  const call = (method: string, path: string, body?: object) =>
    server.call(method, path, { key, ...(body && { body }) });
  const other = await newOrganization(server, key);
  const add = (to: string, phone_number: string) => newNumbers(server, to, [{ phone_number }], key);
  await add(other, '+14155550150');
  await add(organization, '+14155550151');
  const path = '/v1/sms/phone-numbers/+14155550150/transfer';
  await call('POST', path, { to_organization_id: organization });
  await add(organization, '+14155550100');
  const bought = await call('POST', '/v1/sms/phone-numbers/purchase', {
    organization_id: organization,
    area_code: '415',
  });
  const first = async () =>
    (await call('GET', `/v1/organizations/${organization}`)).body.organization.teli_sms_number;
  const { pool } = server.database;
  await pool.query(asBefore);
  await pool.query(
    await readFile(new URL('./migrations/0008_wishes_first_number_fees.sql', import.meta.url), 'utf8'),
  );
  const { order } = (await call('GET', bought.headers.get('location')!)).body;
  assert.deepEqual([order.area_code, order.area_codes, order.toll_free], ['415', ['415'], false]);
  assert.equal((await call('GET', '/v1/tenant')).body.tenant.weekly_fee_for, 'carrier');
  assert.equal(await first(), '+14155550151');
  await call('DELETE', '/v1/sms/phone-numbers/+14155550151');
  assert.equal(await first(), '+14155550150');
});
