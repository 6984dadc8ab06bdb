import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../../carriers/sandbox/store.ts';
import type { Caller } from '../../access/caller.ts';
import { kindOf } from '../../accounts/open.ts';
import { check } from '../../check/check.ts';
import { revise } from '../../revisions/revise.ts';
import {
  newCarrierAccount,
  newCarrierNumbers,
  readBook,
  registerOrganization,
  runCaller,
  setFaults,
} from '../../testing/carrier-numbers.ts';
import { newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { needsAttachment } from '../life/registration.ts';

let server: TestServer;
let key: string;
let caller: Caller;
let organization: string;
let account: string;
let number: string;
let path: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
  caller = await runCaller(server.database.db, organization);
  account = await newCarrierAccount(server.database.db, caller);
  number = uniqueNumber();
  path = `/v1/sms/phone-numbers/${number}`;
});
after(async () => {
  const { findings } = await check(server.database);
  await server.stop();
  assert.deepEqual(findings, []);
});

const call = (method: string, to: string, body?: object) =>
  server.call(method, to, { key, ...(body && { body }) });
const shown = async () => (await call('GET', path)).body.phone_number;
const register = (campaign: string | null) =>
  registerOrganization(server.database.db, caller, organization, campaign);
const faults = (...given: Fault[]) => setFaults(server.database.db, account, given);
const arrive = () =>
  newCarrierNumbers(server.database.db, caller, organization, account, [number], { pending: true });
const attachmentThere = async () => (await readBook(server.database.db, account)).numbers.at(-1)!.attachment;
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
const isFailed = async () => (await shown()).pending_reason !== null;
const isDue = async () =>
  (
    await server.database.pool.query('select attach_due_at from phone_numbers where phone_number = $1', [
      number,
    ])
  ).rows[0].attach_due_at !== null;
const isReady = async () => (await shown()).status !== 'pending';
const eventsOf = async () =>
  (await call('GET', `${path}/history`)).body.tenures[0].states.map(
    (state: { event: string }) => state.event,
  );

test('a number is pending until the carrier says that it is attached', async () => {
  await register('pending-campaign');
  await faults(
    { call: 'find', kind: 'transient', times: 2 },
    { call: 'attach', kind: 'timeout_before', times: 1 },
  );
  await arrive();
  const { status, is_available, pending_reason, carrier_account_id } = await shown();
  assert.deepEqual(
    [status, is_available, pending_reason, carrier_account_id],
    ['pending', false, null, account],
  );
  const user = await newUser(server, organization, key);
  const refused = await call('POST', `${path}/assign`, { user_id: user });
  assert.equal(refused.body.error, 'Phone number is not available: it is pending');
  await until(isReady);
  assert.deepEqual(await attachmentThere(), {
    service: null,
    campaign: 'pending-campaign',
    state: 'attached',
  });
  assert.deepEqual(await eventsOf(), ['number.ready', 'numbers.added']);
  assert.equal((await shown()).is_available, true);
  assert.equal((await call('POST', `${path}/attach`)).body.code, 'number_not_pending');
});

test('one that fails says why, is not tried by itself any more, and is tried again when told to', async () => {
  await register('rejected-campaign');
  await arrive();
  await until(isFailed);
  const { status, pending_reason } = await shown();
  assert.deepEqual(
    [status, pending_reason],
    ['pending', 'The sandbox rejects names that begin with “rejected”'],
  );
  const list = `/v1/sms/phone-numbers?organization_id=${organization}`;
  const [full] = (await call('GET', `${list}&view=full`)).body.phone_numbers;
  assert.deepEqual([full.pending_reason, full.carrier_account_id], [pending_reason, account]);
  const { revision } = (await call('GET', `/v1/events?organization_id=${organization}`)).body;
  assert.equal(await isDue(), false);
  await faults({ call: 'attach', kind: 'needs_compliance', times: 1 });
  await call('POST', `${path}/attach`);
  await until(async () => /for compliance first/.test((await shown()).pending_reason));
  await register('good-campaign');
  const resumed = await call('POST', `${path}/attach`);
  assert.deepEqual([resumed.status, resumed.body.phone_number.pending_reason], [200, null]);
  await until(isReady);
  assert.deepEqual(await eventsOf(), [
    'number.ready',
    ...['number.attachment_resumed', 'number.attachment_failed'],
    ...['number.attachment_resumed', 'number.attachment_failed'],
    'numbers.added',
  ]);
  const [then] = (await call('GET', `${list}&view=full&as_of=${revision}`)).body.phone_numbers;
  assert.deepEqual(
    [then.status, then.pending_reason, then.carrier_account_id],
    ['pending', pending_reason, account],
  );
});

test('what time mends is no reason', async () => {
  await register('campaign');
  await faults(
    { call: 'find', kind: 'rate_limited', times: 1 },
    { call: 'attach', kind: 'timeout_after', times: 1 },
  );
  await arrive();
  await until(isReady);
});

test('when it is attached it goes to whom it was bought for, if they are still there', async () => {
  await register('pending-campaign');
  const cases = [
    { user: 'active', organization: 'active', gets: true },
    { user: 'suspended', organization: 'active', gets: false },
    { user: 'active', organization: 'suspended', gets: false },
  ];
  for (const { gets, ...statuses } of cases) {
    number = uniqueNumber();
    path = `/v1/sms/phone-numbers/${number}`;
    const user = await newUser(server, organization, key);
    await faults({ call: 'find', kind: 'transient', times: 1000 });
    const [id] = await arrive();
    await orderFor(user, id!);
    await call('PATCH', `/v1/organizations/${organization}/users/${user}`, { status: statuses.user });
    await call('PATCH', `/v1/organizations/${organization}`, { status: statuses.organization });
    await faults();
    await until(isReady);
    const { status, assigned_to } = await shown();
    assert.deepEqual([status, assigned_to?.user_id], gets ? ['assigned', user] : ['available', undefined]);
    await call('PATCH', `/v1/organizations/${organization}`, { status: 'active' });
  }
});

test('a pending number can be released, and restored as one that is pending', async () => {
  await register('rejected-campaign');
  await arrive();
  await until(isFailed);
  await call('PATCH', '/v1/tenant', { release_undo_seconds: 3600 });
  await call('DELETE', path);
  const { status, pending_reason } = await shown();
  assert.deepEqual([status, pending_reason], ['releasing', null]);
  assert.equal((await call('POST', `${path}/restore`)).body.phone_number.status, 'pending');
  await until(isFailed);
  await call('PATCH', '/v1/tenant', { release_undo_seconds: 0 });
  assert.equal((await call('DELETE', path)).status, 200);
  assert.equal((await readBook(server.database.db, account)).numbers.at(-1)!.released, true);
});

test('an organization that has no registration any more has nothing to wait for', async () => {
  await register('campaign');
  await faults({ call: 'find', kind: 'transient', times: 1000 });
  await arrive();
  await register(null);
  await until(isReady);
});

test('what is to be attached is what the carrier knows of', () => {
  const registered = { messaging_service_id: 'MG1', campaign_id: null };
  const both = { messaging_service_id: 'MG1', campaign_id: 'C1' };
  const neither = { messaging_service_id: null, campaign_id: null };
  const needed = (kind: string, number = '+14155550100') =>
    [registered, both, neither].map(one => needsAttachment(one, kindOf(kind), number));
  assert.deepEqual(needed('sandbox'), [false, true, false]);
  assert.deepEqual(needed('manual'), [false, false, false]);
  // A campaign takes no toll-free number; a messaging profile does.
  assert.deepEqual(needed('sandbox', '+18885550100'), [false, false, false]);
  assert.deepEqual(needed('telnyx', '+18885550100'), [true, true, false]);
});

/** The state that a purchase for a user leaves. */
async function orderFor(user: string, numberId: string): Promise<void> {
  const { db } = server.database;
  const found = await db
    .selectFrom('users')
    .select(['id', 'organization_id'])
    .where('unique_id', '=', user)
    .executeTakeFirstOrThrow();
  const id = randomUUIDv7();
  await revise(db, caller, { id: found.organization_id }, async ({ tx, at, record }) => {
    await tx
      .insertInto('orders')
      .values({
        tenant_id: caller.tenantId,
        organization_id: found.organization_id,
        id,
        carrier_account_id: account,
        status: 'bought',
        country: 'US',
        user_id: found.id,
        purchase_fee: 0,
        weekly_price: 0,
        phone_number: number,
        phone_number_id: numberId,
        actor_type: 'key',
        actor_id: 'test',
        created_at: at,
        modified_at: at,
        finished_at: at,
      })
      .execute();
    record('orders.placed', { orders: [{ id }] });
    record('order.bought', { id, phone_number: number });
  });
}
