import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { check } from '../check/check.ts';
import { newNumbers, newOrganization, uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { openShop } from '../testing/shop.ts';
import { chargeWeeks } from './weekly.ts';

let server: TestServer;
let key: string;
let organization: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
});
after(async () => {
  assert.deepEqual((await check(server.database)).findings, []);
  await server.stop();
});

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  server.call(method, path, { key, ...(body !== undefined && { body }), headers });
const set = (settings: object) => call('PATCH', '/v1/tenant', settings);
const add = async (number = uniqueNumber()) =>
  (await newNumbers(server, organization, [{ phone_number: number }], key))[0]!.phone_number;

/** What the job has charged by now, by number. */
async function charged(): Promise<[number: string, type: string, amount: number][]> {
  await chargeWeeks(server.database.db);
  const { body } = await call('GET', `/v1/usage?organization_id=${organization}`);
  return body.charges
    .map(({ phone_number, type, amount }: Record<string, unknown>) => [phone_number, type, amount])
    .sort();
}

const fee = (number: string): [string, string, number] => [number, 'number.weekly_fee', 1.25];

test('numbers that were added or imported cost the weekly price if the tenant says so', async () => {
  await set({ weekly_price: 1.25 });
  const before = await add();
  assert.deepEqual(await charged(), []);
  const { status, body } = await set({ weekly_fee_for: 'all' });
  assert.deepEqual([status, body.tenant.weekly_fee_for], [200, 'all']);
  const [added, imported] = [await add(), uniqueNumber()];
  const path = `/v1/sms/phone-numbers/import?organization_id=${organization}`;
  const file = await call('POST', path, `phone_number\n${imported}\n`, { 'content-type': 'text/csv' });
  assert.equal(file.body.imported, 1, file.text);
  const all = [before, added, imported].sort();
  assert.deepEqual(await charged(), all.map(fee));
  assert.deepEqual(await charged(), all.map(fee), 'each week once');
  assert.equal((await set({ weekly_fee_for: 'carrier' })).body.tenant.weekly_fee_for, 'carrier');
  await add();
  await set({ weekly_price: 9 });
  assert.deepEqual(await charged(), all.map(fee));
});

test('the end of a number ends its fee, and usage says so', async () => {
  await set({ weekly_price: 1.25, weekly_fee_for: 'all', release_undo_seconds: 3600 });
  const [number, other] = [await add(), await add()];
  const first = await call('DELETE', `/v1/sms/phone-numbers/${number}`);
  assert.equal(first.body.billing_stopped, false, 'while it can be undone');
  await set({ release_undo_seconds: 0 });
  const second = await call('DELETE', `/v1/sms/phone-numbers/${other}`);
  assert.equal(second.body.billing_stopped, true);
  assert.deepEqual(
    (await charged()).filter(([of]) => of === other),
    [[other, 'number.released', 0], fee(other)],
  );
});

test('the fees of all numbers count towards the spending cap', async () => {
  await openShop(server, key, organization, { fee: 1, weekly: 1.25, cap: 4 });
  await set({ weekly_fee_for: 'all' });
  await add();
  const dry = { organization_id: organization, area_code: '415', dry_run: true };
  const { body } = await call('POST', '/v1/sms/phone-numbers/purchase', dry);
  assert.equal(body.price.spent, 1.25);
  await add();
  const refused = await call('POST', '/v1/sms/phone-numbers/purchase', dry);
  assert.equal(refused.body.code, 'spending_cap_reached');
});

test('two who change the setting at once, and one who says it again with the same key', async () => {
  await set({ weekly_price: 1.25 });
  const number = await add();
  const headers = { 'idempotency-key': 'all-1' };
  const replies = await Promise.all([
    set({ weekly_fee_for: 'all' }),
    call('PATCH', '/v1/tenant', { weekly_fee_for: 'all' }, headers),
    add(),
  ]);
  assert.equal((replies[0] as { status: number }).status, 200);
  await call('PATCH', '/v1/tenant', { weekly_fee_for: 'all' }, headers);
  const fees = await charged();
  assert.equal(fees.length, 2);
  assert.equal(fees.filter(([of]) => of === number).length, 1);
});
