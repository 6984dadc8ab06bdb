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
import { letTimePass } from '../../testing/carrier-schedules.ts';
import { newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
let key: string;
let caller: Caller;
let organization: string;
let user: string;
let account: string;
let number: string;
let path: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
  user = await newUser(server, organization, key);
  const { db } = server.database;
  caller = await runCaller(db, organization);
  account = await newCarrierAccount(db, caller);
  number = uniqueNumber();
  path = `/v1/sms/phone-numbers/${number}`;
  await newCarrierNumbers(db, caller, organization, account, [number]);
});
after(async () => {
  const { findings } = await check(server.database);
  await server.stop();
  assert.deepEqual(findings, []);
});

const call = (method: string, to: string, body?: object, headers: Record<string, string> = {}) =>
  server.call(method, to, { key, headers, ...(body && { body }) });
const undoWithin = (release_undo_seconds: number) => call('PATCH', '/v1/tenant', { release_undo_seconds });
const shown = async () => (await call('GET', path)).body.phone_number;
const fault = (kind: Fault['kind'], times = 1, to: Fault['call'] = 'release'): Fault => ({
  call: to,
  kind,
  times,
});
const faults = (...given: Fault[]) => setFaults(server.database.db, account, given);
const isAtCarrier = async (of = number) =>
  (await readBook(server.database.db, account)).numbers.some(one => one.phone_number === of && !one.released);
const charges = async () => {
  const rows = await server.database.db
    .selectFrom('charges')
    .select(['type', 'amount'])
    .where('tenant_id', '=', caller.tenantId)
    .execute();
  return rows.map(({ type, amount }) => `${type} ${amount}`);
};
/** The organization's number events, as `type by actor`. */
async function log(): Promise<string[]> {
  const { body } = await call('GET', `/v1/events?organization_id=${organization}&after_revision=3`);
  return body.events.map(
    (event: { type: string; actor: { type: string } }) => `${event.type} by ${event.actor.type}`,
  );
}
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
/** Makes a failed release due now. Its retry would be an hour away. */
const tryAgain = () => letTimePass(server.database.db);
const isGone = async () => (await call('GET', path)).status === 404;

test('the carrier releases it first, then we: once, with one charge of nothing', async () => {
  await call('POST', `${path}/assign`, { user_id: user });
  const { status, body } = await call('DELETE', path);
  assert.equal(status, 200);
  assert.deepEqual(
    [body.phone_number, body.billing_stopped, body.already_released, body.can_be_undone, body.message],
    [number, true, false, false, 'The number has been released'],
  );
  assert.deepEqual([await isAtCarrier(), await isGone()], [false, true]);
  const again = await call('DELETE', path);
  assert.deepEqual([again.status, again.body.already_released], [200, true]);
  assert.equal(again.body.released_at, body.released_at);
  assert.deepEqual(await charges(), ['number.released 0']);
  assert.deepEqual(await log(), ['number.assigned by key', 'number.released by key']);
});

test('what the carrier refuses is a 502 with its reason, changes nothing here, and may be repeated', async () => {
  await call('POST', `${path}/assign`, { user_id: user });
  const before = await shown();
  const events = await log();
  const refusals: [Fault['kind'], string][] = [
    ['authentication_failed', 'The carrier does not accept the credentials of the account'],
    ['rate_limited', 'The carrier has been asked too often'],
    ['transient', 'The carrier cannot do this at the moment'],
    ['needs_compliance', 'The carrier wants information for compliance first'],
    ['out_of_funds', 'The account has no funds left at the carrier'],
    ['unavailable', 'The carrier refuses this for this number'],
  ];
  for (const [kind, words] of refusals) {
    await faults(fault(kind));
    const { status, body } = await call('DELETE', path);
    assert.deepEqual([status, body.code], [502, 'carrier_failed']);
    assert.equal(body.error, `${words}: nothing was changed; the request may be repeated`);
    assert.equal(body.detail, `The sandbox was told to say ${kind} (sandbox_${kind})`);
    assert.deepEqual(await shown(), before);
  }
  assert.deepEqual([await isAtCarrier(), await log(), await charges()], [true, events, []]);
  assert.equal((await call('DELETE', path)).status, 200);
});

test('of an unknown outcome the server makes a known one; until then the number is handed to nobody', async () => {
  // The second fault delays the outcome.
  await faults(fault('timeout_after'), fault('authentication_failed', 1000));
  const { status, body } = await call('DELETE', path);
  assert.deepEqual([status, body.code], [502, 'carrier_failed']);
  assert.match(
    body.error,
    /^The carrier has not said whether this was done: the server keeps trying to release it/,
  );
  const leaving = await shown();
  assert.deepEqual([leaving.status, leaving.leaving], ['available', true]);
  const refused = [
    await call('POST', `${path}/assign`, { user_id: user }),
    await call('POST', `${path}/reserve`, { expires_in: 3600 }),
    await call('POST', `${path}/transfer`, { to_organization_id: await newOrganization(server, key) }),
    await call('POST', `${path}/restore`),
  ];
  for (const reply of refused) assert.deepEqual([reply.status, reply.body.code], [409, 'number_leaving']);
  const claimed = await call('POST', '/v1/sms/phone-numbers/claim', {
    organization_id: organization,
    user_id: user,
  });
  assert.equal(claimed.body.code, 'none_available');
  const nothing = await call('POST', '/v1/sms/phone-numbers/bulk', {
    items: [{ phone_number: number, action: 'release' }],
  });
  assert.deepEqual([nothing.body.done, (await shown()).status], [1, 'available']);
  await tryAgain();
  await until(async () => /credentials of the account\. /.test((await shown()).release_problem));

  await faults();
  await tryAgain();
  await until(isGone);
  assert.deepEqual(await log(), ['number.released by system']);
  assert.equal((await call('DELETE', path)).body.already_released, true);
  assert.deepEqual(await charges(), ['number.released 0']);
});

test('repeating a release that is under way joins it', async () => {
  await faults(fault('timeout_before'));
  assert.equal((await call('DELETE', path)).status, 502);
  const joined = await call('DELETE', path);
  assert.deepEqual([joined.status, await isAtCarrier()], [200, false]);
  assert.deepEqual(await log(), ['number.released by key']);
});

test('many at once release it once, and each is told so', async () => {
  await faults(fault('transient', 1));
  const replies = await Promise.all(Array.from({ length: 12 }, () => call('DELETE', path)));
  const failed = replies.filter(reply => reply.status !== 200);
  assert.ok(failed.length <= 1);
  for (const reply of failed) assert.equal(reply.body.code, 'carrier_failed');
  assert.deepEqual([await charges(), await log()], [['number.released 0'], ['number.released by key']]);
});

test('what the carrier refuses for good, after nobody knew, is as if it had not been asked: the log says why', async () => {
  await faults(fault('timeout_before'), fault('needs_compliance'));
  await call('DELETE', path);
  await tryAgain();
  await until(async () => !(await shown()).leaving);
  const { body } = await call('GET', `/v1/events?organization_id=${organization}&after_revision=3`);
  assert.deepEqual(
    body.events.map((event: { type: string; data: { reason: string } }) => [event.type, event.data.reason]),
    [
      [
        'number.release_refused',
        'The carrier wants information for compliance first. The sandbox was told to say needs_compliance (sandbox_needs_compliance)',
      ],
    ],
  );
  assert.equal((await call('POST', `${path}/assign`, { user_id: user })).status, 200);
});

test('with an Idempotency-Key too: a 502 is not replayed, and what was done is', async () => {
  const release = (name: string, headers = {}) =>
    call('DELETE', path, undefined, { 'idempotency-key': name, ...headers });
  await faults(fault('rate_limited'), fault('timeout_before'));
  assert.deepEqual([(await release('a')).status, (await release('a')).status], [502, 502]);
  const done = await release('a');
  assert.deepEqual([done.status, done.body.already_released], [200, false]);
  assert.equal(done.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(await charges(), ['number.released 0']);
  // A later tenure of the number is a separate release.
  const [later] = await newCarrierNumbers(server.database.db, caller, organization, account, [number]);
  assert.deepEqual((await release('a')).body, done.body);
  assert.deepEqual([(await shown()).id, await isAtCarrier()], [later, true]);
  const { revision } = (await call('GET', `/v1/events?organization_id=${organization}`)).body;
  assert.equal((await release('b', { 'if-match': `${revision - 1}` })).status, 412);
  assert.equal(await isAtCarrier(), true);
  assert.equal((await release('c', { 'if-match': `${revision}` })).status, 200);
});

test('a locked number is not even asked about', async () => {
  await call('PATCH', path, { locked: true });
  assert.equal((await call('DELETE', path)).body.code, 'number_locked');
  assert.deepEqual([await isAtCarrier(), (await shown()).leaving], [true, false]);
});

test('with an undo window the carrier is asked when it has closed', async () => {
  await undoWithin(3600);
  await call('POST', `${path}/assign`, { user_id: user });
  const { body } = await call('DELETE', path);
  assert.deepEqual([body.can_be_undone, body.billing_stopped], [true, false]);
  assert.equal((await call('POST', `${path}/restore`)).body.phone_number.assigned_to.user_id, user);
  await call('DELETE', path);
  assert.equal(await isAtCarrier(), true);
  await faults(fault('needs_compliance', 1000));
  await closeWindow();
  await until(async () => (await shown()).release_problem !== null);
  const refused = await shown();
  assert.deepEqual([refused.status, refused.until, refused.leaving], ['releasing', null, true]);
  assert.equal((await call('POST', `${path}/restore`)).body.code, 'number_leaving');
  assert.equal((await call('DELETE', path)).status, 502);
  assert.deepEqual([await isAtCarrier(), await charges()], [true, []]);
  await faults();
  await tryAgain();
  await until(isGone);
  assert.equal(await isAtCarrier(), false);
  assert.deepEqual((await log()).slice(-3), [
    'number.release_started by key',
    'number.undo_ended by system',
    'number.released by system',
  ]);
});

test('a bulk calls no carrier: what it releases is `releasing` until that is done', async () => {
  const others = [uniqueNumber(), uniqueNumber()];
  await newCarrierNumbers(server.database.db, caller, organization, account, others);
  await faults(fault('authentication_failed', 1000));
  const items = [number, ...others].map(phone_number => ({ phone_number, action: 'release' }));
  const { body } = await call('POST', '/v1/sms/phone-numbers/bulk', { items });
  assert.equal(body.done, 3);
  const { status, until: end, leaving } = await shown();
  assert.deepEqual([status, end, leaving], ['releasing', null, true]);
  assert.equal(await isAtCarrier(), true);
  await faults();
  await tryAgain();
  await until(isGone);
  for (const other of others) await until(async () => !(await isAtCarrier(other)));
});

test('what no carrier manages is released at once, also where an account is only written down', async () => {
  const { db } = server.database;
  const manual = await newCarrierAccount(db, caller, 'manual');
  const written = uniqueNumber();
  await newCarrierNumbers(db, caller, organization, manual, [written]);
  const items = [{ phone_number: written, action: 'release' }];
  assert.equal((await call('POST', '/v1/sms/phone-numbers/bulk', { items })).body.done, 1);
  assert.equal((await call('GET', `/v1/sms/phone-numbers/${written}`)).status, 404);
  assert.deepEqual(await charges(), ['number.released 0']);
});

test('without the key to the credentials nothing begins', async () => {
  await server.database.db
    .updateTable('carrier_accounts')
    .set({ credentials: Buffer.alloc(40) })
    .where('id', '=', account)
    .execute();
  const { status, body } = await call('DELETE', path);
  assert.deepEqual([status, body.code], [503, 'secret_key_missing']);
  assert.deepEqual([(await shown()).leaving, await isAtCarrier()], [false, true]);
});

/** Ends the number's undo window now. */
const closeWindow = () =>
  server.database.pool.query(
    'update phone_numbers set until = clock_timestamp() - make_interval(secs => 0.001) where phone_number = $1 and released_at is null',
    [number],
  );
