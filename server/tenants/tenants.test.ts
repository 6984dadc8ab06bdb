import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { newAccount, newNumbers, newOrganization, newUser } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
let key: string;
let organization: string;
let user: string;
let path: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
  user = await newUser(server, organization, key);
  path = `/v1/sms/phone-numbers/${(await newNumbers(server, organization, undefined, key))[0]!.phone_number}`;
});
after(() => server.stop());

const call = (method: string, to: string, body?: object) =>
  server.call(method, to, { key, ...(body && { body }) });
const settings = async () => (await call('GET', '/v1/tenant')).body.tenant;
const secondsUntil = (moment: string) => (Date.parse(moment) - Date.now()) / 1000;
/** What was left of it a while ago, which on a slow machine may be long. */
const near = (actual: number, wanted: number) =>
  assert.ok(actual <= wanted + 1 && actual > wanted - 3600, `${actual} is not near ${wanted}`);

test('a tenant starts with default settings and can change them', async () => {
  const { id, name, ...first } = await settings();
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(name, 'Test');
  assert.deepEqual(first, {
    cool_down_seconds: 0,
    transfer_cool_down_seconds: 45 * 86_400,
    release_undo_seconds: 0,
    low_stock_threshold: null,
    time_zone: 'UTC',
    purchases_enabled: false,
    max_numbers_per_organization: 0,
    purchase_fee: 0,
    weekly_price: 0,
    weekly_fee_for: 'carrier',
    monthly_spending_cap: null,
    carrier_account_id: null,
  });
  const edit = { name: 'Other', cool_down_seconds: 60, low_stock_threshold: 5 };
  const { status, body } = await call('PATCH', '/v1/tenant', edit);
  assert.deepEqual([status, body.tenant], [200, { id, ...first, ...edit }]);
  assert.deepEqual(await settings(), body.tenant);
  for (const wrong of [
    {},
    { cool_down_seconds: -1 },
    { cool_down_seconds: null },
    { low_stock_threshold: 0 },
    { id },
    { name: '' },
    { weekly_fee_for: 'some' },
    { weekly_fee_for: null },
  ])
    assert.equal((await call('PATCH', '/v1/tenant', wrong)).status, 400, JSON.stringify(wrong));
});

test('the tenant sets the terms of purchases, and everybody can read them', async () => {
  const config = async (more: object = { key }) => {
    const { success, powered_by, ...rest } = (await server.call('GET', '/v1/sms/phone-numbers/config', more))
      .body;
    assert.deepEqual([success, powered_by], [true, 'Teli']);
    return rest;
  };
  const buying = {
    purchases_enabled: true,
    max_numbers_per_organization: 10,
    purchase_fee: 1.15,
    weekly_price: 0.07,
    monthly_spending_cap: 1_000_000,
    carrier_account_id: await newAccount(server, key),
  };
  await call('PATCH', '/v1/tenant', { ...buying, purchases_enabled: false });
  assert.deepEqual(await config(), { enabled: false, max_per_org: 0, weekly_price: 0 });
  const { body } = await call('PATCH', '/v1/tenant', { purchases_enabled: true });
  assert.deepEqual({ ...body.tenant, ...buying }, body.tenant);
  const enabled = { enabled: true, max_per_org: 10, weekly_price: 0.07 };
  assert.deepEqual(await config(), enabled);
  const bound = await server.newKey({ organization_id: organization, permission: 'read' }, key);
  const token = await call('POST', `/v1/organizations/${organization}/users/${user}/tokens`, {
    expires_in: 3600,
  });
  assert.deepEqual(await config({ key: bound }), enabled);
  const headers = { authorization: `Bearer ${token.body.access_token}` };
  assert.deepEqual(await config({ key: '', headers }), enabled);
  const wrong: [object, RegExp][] = [
    [{ weekly_price: 0.00005 }, /^weekly_price must have at most 4 decimals$/],
    [{ purchase_fee: 1e-300 }, /^purchase_fee must have at most 4 decimals$/],
    [{ purchase_fee: 1e12 }, /^purchase_fee must be <= 1000000$/],
    [{ weekly_price: '0.5' }, /^weekly_price must be a number$/],
    [{ carrier_account_id: await newAccount(server) }, /^carrier_account_id must be the id of one of the/],
    [{ max_numbers_per_organization: 1.5 }, /^max_numbers_per_organization must be an integer$/],
  ];
  for (const [body, error] of wrong) {
    const reply = await call('PATCH', '/v1/tenant', body);
    assert.equal(reply.status, 400);
    assert.match(reply.body.error, error);
  }
});

test('an unassigned number cools down until its time is over or the cool-down is ended', async () => {
  await call('PATCH', '/v1/tenant', { cool_down_seconds: 7200 });
  await call('POST', `${path}/assign`, { user_id: user });
  const { body } = await call('DELETE', `${path}/assign`);
  assert.equal(body.status, 'cooling_down');
  near(secondsUntil(body.available_at), 7200);
  const refused = await call('POST', `${path}/assign`, { user_id: user });
  assert.equal(
    refused.body.error,
    `Phone number is not available: it is cooling down until ${body.available_at}`,
  );

  const ended = await call('POST', `${path}/end-cool-down`);
  assert.deepEqual(
    [ended.status, ended.body.phone_number.status, ended.body.phone_number.until],
    [200, 'available', null],
  );
  const { events } = (await call('GET', `/v1/events?organization_id=${organization}`)).body;
  assert.deepEqual([events.at(-1).type, events.at(-1).data.early], ['number.cool_down_ended', true]);
  const again = await call('POST', `${path}/end-cool-down`);
  assert.deepEqual([again.status, again.body.code], [400, 'number_not_cooling_down']);
});

test('a cool-down that has begun keeps its time', async () => {
  await call('PATCH', '/v1/tenant', { cool_down_seconds: 7200 });
  await call('POST', `${path}/assign`, { user_id: user });
  const { body } = await call('DELETE', `${path}/assign`);
  await call('PATCH', '/v1/tenant', { cool_down_seconds: 0 });
  assert.equal((await call('GET', path)).body.phone_number.until, body.available_at);
});

test('a transferred number cools down for 45 days, or for the time that is set', async () => {
  const other = await newOrganization(server, key);
  const transfer = (to_organization_id: string) => call('POST', `${path}/transfer`, { to_organization_id });
  const long = (await transfer(other)).body.phone_number;
  assert.deepEqual([long.status, long.organization_id], ['cooling_down', other]);
  near(secondsUntil(long.until), 45 * 86_400);
  await call('PATCH', '/v1/tenant', { transfer_cool_down_seconds: 7200 });
  assert.equal((await transfer(organization)).body.phone_number.until, long.until); // a longer rest goes on
  await call('POST', `${path}/end-cool-down`);
  near(secondsUntil((await transfer(other)).body.phone_number.until), 7200);
  await call('POST', `${path}/end-cool-down`);
  await call('PATCH', '/v1/tenant', { transfer_cool_down_seconds: 0 });
  assert.equal((await transfer(organization)).body.phone_number.status, 'available');
  assert.deepEqual((await transfer(organization)).body.code, 'already_there');
  assert.equal((await transfer('org_none')).status, 404);
});

test('a transfer ends an assignment only when told to', async () => {
  const other = await newOrganization(server, key);
  await call('POST', `${path}/assign`, { user_id: user });
  const refused = await call('POST', `${path}/transfer`, { to_organization_id: other });
  assert.deepEqual([refused.status, refused.body.code], [400, 'number_assigned']);
  const moved = await call('POST', `${path}/transfer`, { to_organization_id: other, end_assignment: true });
  assert.deepEqual([moved.status, moved.body.phone_number.assigned_to], [200, null]);
});

test('the stock is low below the threshold', async () => {
  const stock = async () =>
    (await call('GET', `/v1/sms/phone-numbers/summary?organization_id=${organization}`)).body.stock;
  assert.deepEqual(await stock(), { available: 1, threshold: null, low: false });
  for (const [threshold, low] of [
    [1, false],
    [2, true],
  ] as const) {
    await call('PATCH', '/v1/tenant', { low_stock_threshold: threshold });
    assert.deepEqual(await stock(), { available: 1, threshold, low });
  }
});

test('bound keys and read keys see the settings but cannot change them', async () => {
  for (const [input, code] of [
    [{ organization_id: organization }, 'key_bound'],
    [{ permission: 'read' as const }, 'admin_required'],
  ] as const) {
    const other = await server.newKey(input, key);
    assert.equal((await server.call('GET', '/v1/tenant', { key: other })).status, 200);
    const { status, body } = await server.call('PATCH', '/v1/tenant', {
      key: other,
      body: { cool_down_seconds: 1 },
    });
    assert.deepEqual([status, body.code], [403, code]);
  }
  assert.equal((await settings()).cool_down_seconds, 0);
});
