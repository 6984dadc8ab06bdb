import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../../carriers/sandbox/store.ts';
import type { Caller } from '../../access/caller.ts';
import { check } from '../../check/check.ts';
import {
  newCarrierAccount,
  newCarrierNumbers,
  readBook,
  runCaller,
  setFaults,
} from '../../testing/carrier-numbers.ts';
import { newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
let key: string;
let caller: Caller;
let from: string;
let to: string;
let account: string;
let number: string;
let path: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  from = await newOrganization(server, key);
  to = await newOrganization(server, key);
  caller = await runCaller(server.database.db, from);
  account = await newCarrierAccount(server.database.db, caller);
  number = uniqueNumber();
  path = `/v1/sms/phone-numbers/${number}`;
});
after(async () => {
  const { findings } = await check(server.database);
  await server.stop();
  assert.deepEqual(findings, []);
});

const call = (method: string, at: string, body?: object) =>
  server.call(method, at, { key, ...(body && { body }) });
const shown = async () => (await call('GET', path)).body.phone_number;
const status = async () => (await shown()).status;
const register = (organization: string, campaign_id: string | null) =>
  call('PATCH', `/v1/organizations/${organization}`, { campaign_id });
const rest = (seconds: number) => call('PATCH', '/v1/tenant', { transfer_cool_down_seconds: seconds });
const faults = (...given: Fault[]) => setFaults(server.database.db, account, given);
const numbersThere = async () => (await readBook(server.database.db, account)).numbers;
const campaignThere = async () => (await numbersThere()).at(-1)!.attachment?.campaign;
const transfer = (organization = to) =>
  call('POST', `${path}/transfer`, { to_organization_id: organization, end_assignment: true });
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
/** The number of the first organization, attached to its campaign. */
async function arrive(): Promise<void> {
  const { db } = server.database;
  await newCarrierNumbers(db, caller, from, account, [number], { pending: true });
  await until(async () => (await status()) === 'available');
}
const isDue = async () => {
  const { rows } = await server.database.pool.query(
    'select attach_due_at from phone_numbers where phone_number = $1 and released_at is null',
    [number],
  );
  return rows[0].attach_due_at !== null;
};
const hanging: Fault = { call: 'attach', kind: 'transient', times: 100_000 };

test('a number that moves is pending until it is in the campaign of its new organization', async () => {
  await rest(0);
  await register(from, 'campaign-a');
  await register(to, 'campaign-b');
  await arrive();
  assert.equal(await campaignThere(), 'campaign-a');
  await faults(hanging);
  const moved = await transfer();
  assert.deepEqual([moved.status, moved.body.phone_number.status], [200, 'pending']);
  const user = await newUser(server, to, key);
  assert.equal((await call('POST', `${path}/assign`, { user_id: user })).status, 400);
  await faults();
  await until(async () => (await status()) === 'available');
  assert.equal(await campaignThere(), 'campaign-b');
  // And back, in bulk.
  const items = [{ action: 'transfer', phone_number: number, to_organization_id: from }];
  await faults(hanging);
  assert.equal((await call('POST', '/v1/sms/phone-numbers/bulk', { items })).body.done, 1);
  assert.equal(await status(), 'pending');
  await faults();
  await until(async () => (await status()) === 'available');
  assert.equal(await campaignThere(), 'campaign-a');
});

test('a number that moves to an organization without a registration is taken off its campaign first', async () => {
  await rest(0);
  await register(from, 'campaign-a');
  await arrive();
  await faults(hanging);
  await transfer();
  assert.equal(await status(), 'pending');
  await faults();
  await until(async () => (await status()) === 'available');
  assert.equal(await campaignThere(), undefined);
});

test('a number that keeps its campaign, or never had one, is available at once', async () => {
  await rest(0);
  await newCarrierNumbers(server.database.db, caller, from, account, [number]);
  await transfer();
  assert.deepEqual([await status(), await isDue()], ['available', false]);
  await register(from, 'shared');
  await register(to, 'shared');
  await until(async () => !(await isDue()));
  assert.equal(await campaignThere(), 'shared');
  await transfer(from);
  assert.deepEqual([await status(), await isDue()], ['available', false]);
});

test('a number that rests is attached meanwhile; if it cannot be, it is pending after its rest', async () => {
  await rest(3600);
  await register(from, 'campaign-a');
  await register(to, 'campaign-b');
  await arrive();
  await transfer();
  assert.equal(await status(), 'cooling_down');
  await until(async () => (await campaignThere()) === 'campaign-b' && !(await isDue()));
  assert.equal(await status(), 'cooling_down');
  await call('POST', `${path}/end-cool-down`);
  assert.equal(await status(), 'available');

  await register(from, 'rejected-campaign');
  await transfer(from);
  await until(async () => (await numbersThere()).at(-1)!.attachment?.state === 'failed');
  assert.equal((await shown()).pending_reason, null);
  await call('POST', `${path}/end-cool-down`);
  assert.equal(await status(), 'pending');
});

test('a number that has moved is not given to whom it was bought for', async () => {
  await rest(0);
  await register(from, 'campaign-a');
  await register(to, 'campaign-b');
  await call('PATCH', `/v1/organizations/${from}`, { sms_active: true, carrier_account_id: account });
  await call('PATCH', '/v1/tenant', { purchases_enabled: true, max_numbers_per_organization: 5 });
  const user = await newUser(server, from, key);
  const bought = await call('POST', '/v1/sms/phone-numbers/purchase', {
    ...{ organization_id: from, area_code: '415', user_id: user },
  });
  number = bought.body.phone_number;
  path = `/v1/sms/phone-numbers/${number}`;
  await until(async () => (await status()) === 'assigned');
  for (const organization of [to, from]) {
    await transfer(organization);
    await until(async () => (await status()) !== 'pending');
    assert.equal(await status(), 'available');
  }
});

test('an organization that changes its registration keeps its numbers in use, and they are attached anew', async () => {
  await register(from, 'campaign-a');
  await arrive();
  const user = await newUser(server, from, key);
  await call('POST', `${path}/assign`, { user_id: user });
  const revision = async () =>
    (await call('GET', `/v1/events?organization_id=${from}&limit=1`)).body.revision;
  const before = await revision();
  await register(from, 'campaign-b');
  await until(async () => (await campaignThere()) === 'campaign-b' && !(await isDue()));
  assert.deepEqual([await status(), await revision()], ['assigned', before + 1]);
  await register(from, null);
  await until(async () => (await campaignThere()) === undefined);
  assert.equal(await status(), 'assigned');
});

test('a number that moves on before it is attached ends up in the last campaign', async () => {
  await rest(0);
  await register(from, 'campaign-a');
  await register(to, 'campaign-b');
  await arrive();
  await faults(hanging);
  const third = await newOrganization(server, key);
  await register(third, 'campaign-c');
  const items = [to, third].map(to_organization_id => ({
    ...{ action: 'transfer', phone_number: number, to_organization_id },
  }));
  const { body } = await call('POST', '/v1/sms/phone-numbers/bulk', { items });
  assert.deepEqual([body.done, body.results[1].code], [1, 'number_not_available']);
  await faults();
  await until(async () => (await status()) === 'available');
  assert.equal(await campaignThere(), 'campaign-b');
});

test('a number whose new attachment is due is pending again when its release is undone', async () => {
  await rest(3600);
  await call('PATCH', '/v1/tenant', { release_undo_seconds: 3600 });
  await register(from, 'campaign-a');
  await register(to, 'campaign-b');
  await arrive();
  await faults(hanging);
  await transfer();
  await call('DELETE', path);
  assert.equal(await status(), 'releasing');
  assert.equal((await call('POST', `${path}/restore`)).body.phone_number.status, 'pending');
  await faults();
  await until(async () => (await status()) === 'available');
  assert.equal(await campaignThere(), 'campaign-b');
});
