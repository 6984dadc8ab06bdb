import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { check } from '../../check/check.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { endAllDue } from '../life/clock.ts';

let server: TestServer;
let key: string;
let organization: string;
let user: string;
let number: string;
let path: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
  user = await newUser(server, organization, key);
  number = uniqueNumber();
  path = `/v1/sms/phone-numbers/${number}`;
  await newNumbers(server, organization, [{ phone_number: number }], key);
});
after(async () => {
  const { findings } = await check(server.database);
  await server.stop();
  assert.deepEqual(findings, []);
});

const call = (method: string, to: string, body?: object) =>
  server.call(method, to, { key, ...(body && { body }) });
const undoWithin = (release_undo_seconds: number) => call('PATCH', '/v1/tenant', { release_undo_seconds });
const shown = async () => (await call('GET', path)).body.phone_number;

test('a release is at once and for good, and a repeat says that it was', async () => {
  await call('POST', `${path}/assign`, { user_id: user });
  const { status, body } = await call('DELETE', path);
  assert.equal(status, 200);
  assert.deepEqual(
    [body.phone_number, body.billing_stopped, body.already_released, body.can_be_undone, body.message],
    [number, true, false, false, 'The number has been released'],
  );
  const again = await call('DELETE', path);
  assert.deepEqual(
    [again.status, again.body.already_released, again.body.billing_stopped, again.body.released_at],
    [200, true, true, body.released_at],
  );
  assert.equal((await call('GET', path)).status, 404);
  assert.equal((await call('POST', `${path}/restore`)).status, 404);
  assert.equal(
    (await call('POST', `${path}/assign`, { user_id: user })).body.error,
    'Phone number not found',
  );
  assert.equal((await call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`)).body.count, 0);
});

test('what does not exist, or is another tenant’s or organization’s, is a 404', async () => {
  await call('DELETE', path);
  const bound = await server.newKey({ organization_id: await newOrganization(server, key) }, key);
  for (const other of [await server.newTenant(), bound]) {
    assert.equal((await server.call('DELETE', path, { key: other })).status, 404);
  }
  const elsewhere = await newOrganization(server, key);
  assert.equal((await call('DELETE', `${path}?organization_id=${elsewhere}`)).status, 404);
  assert.equal((await call('DELETE', `${path}?organization_id=${organization}`)).body.already_released, true);
  assert.equal((await call('DELETE', `/v1/sms/phone-numbers/${uniqueNumber()}`)).status, 404);
});

test('a locked number is not released until it is unlocked', async () => {
  await call('PATCH', path, { locked: true });
  const { status, body } = await call('DELETE', path);
  assert.deepEqual([status, body.code], [409, 'number_locked']);
  assert.equal((await shown()).status, 'available');
  await call('PATCH', path, { locked: null });
  assert.equal((await call('DELETE', path)).status, 200);
});

test('within the undo window a release can be taken back, and the user has the number again', async () => {
  await undoWithin(3600);
  await call('POST', `${path}/assign`, { user_id: user });
  const { body } = await call('DELETE', path);
  assert.deepEqual([body.can_be_undone, body.already_released], [true, false]);
  assert.equal(body.message, `The number is being released; this can be undone until ${body.released_at}`);
  const releasing = await shown();
  assert.deepEqual(
    [releasing.status, releasing.until, releasing.assigned_to],
    ['releasing', body.released_at, null],
  );
  const again = await call('DELETE', path);
  assert.deepEqual([again.body.already_released, again.body.released_at], [true, body.released_at]);

  await call('PATCH', path, { nickname: 'edited meanwhile' });
  const restored = await call('POST', `${path}/restore`);
  assert.equal(restored.status, 200);
  const { status, until, assigned_to, nickname } = restored.body.phone_number;
  assert.deepEqual(
    [status, until, assigned_to.user_id, nickname],
    ['assigned', null, user, 'edited meanwhile'],
  );
  assert.equal((await call('POST', `${path}/restore`)).body.code, 'number_not_releasing');
});

test('a user who is no longer active does not get it back', async () => {
  await undoWithin(3600);
  await call('POST', `${path}/assign`, { user_id: user });
  await call('DELETE', path);
  await call('PATCH', `/v1/organizations/${organization}/users/${user}`, { status: 'suspended' });
  const { body } = await call('POST', `${path}/restore`);
  assert.deepEqual([body.phone_number.status, body.phone_number.assigned_to], ['available', null]);
});

test('a user who had given it back before its release does not get it back', async () => {
  await undoWithin(3600);
  await call('POST', `${path}/assign`, { user_id: user });
  await call('DELETE', `${path}/assign`);
  await call('DELETE', path);
  assert.equal((await call('POST', `${path}/restore`)).body.phone_number.assigned_to, null);
});

test('a restored number goes to nobody who did not have it before the change that released it', async () => {
  await undoWithin(3600);
  const other = await newOrganization(server, key);
  const bulk = (...items: object[]) =>
    call('POST', '/v1/sms/phone-numbers/bulk', {
      items: items.map(item => ({ phone_number: number, ...item })),
    });
  const restored = async () => (await call('POST', `${path}/restore`)).body.phone_number;
  await bulk({ action: 'assign', user_id: user }, { action: 'release' });
  assert.equal((await restored()).assigned_to, null);
  await call('POST', `${path}/assign`, { user_id: user });
  await call('POST', `${path}/transfer`, { to_organization_id: other, end_assignment: true });
  await bulk({ action: 'transfer', to_organization_id: organization }, { action: 'release' });
  const back = await restored();
  assert.deepEqual([back.organization_id, back.assigned_to], [organization, null]);
});

test('once the window has closed there is nothing to take back', async () => {
  await undoWithin(3600);
  await call('DELETE', path);
  await server.database.pool.query(
    'update phone_numbers set until = clock_timestamp() - make_interval(secs => 0.001) where phone_number = $1',
    [number],
  );
  const late = await call('POST', `${path}/restore`);
  assert.ok([400, 404].includes(late.status), late.text); // whether or not the clock has come round
  await endAllDue(server.database.db);
  assert.equal((await call('GET', path)).status, 404);
  assert.equal((await call('DELETE', path)).body.already_released, true);
});

test('added again it is a new record, and its history has both', async () => {
  const first = await shown();
  await call('POST', `${path}/assign`, { user_id: user });
  await call('DELETE', path);
  const other = await newOrganization(server, key);
  const [second] = await newNumbers(server, other, [{ phone_number: number }], key);
  assert.notEqual(second!.id, first.id);
  assert.equal(
    (await call('GET', `/v1/sms/phone-numbers?organization_id=${other}`)).body.phone_numbers[0].id,
    second!.id,
  );
  const { tenures } = (await call('GET', `${path}/history`)).body;
  assert.deepEqual(
    tenures.map((tenure: { id: string; organization_id: string; released_at: string | null }) => [
      tenure.id,
      tenure.organization_id,
      tenure.released_at === null,
    ]),
    [
      [second!.id, other, true],
      [first.id, organization, false],
    ],
  );
  const [, past] = tenures;
  assert.deepEqual(
    past.states.map((state: { status: string; event: string }) => [state.status, state.event]),
    [
      ['released', 'number.released'],
      ['assigned', 'number.assigned'],
      ['available', 'numbers.added'],
    ],
  );
  assert.equal(past.assignments.length, 1);
  assert.equal(past.assignments[0].user_id, user);
  assert.equal(past.assignments[0].ended_at, past.released_at);
  assert.equal((await call('DELETE', path)).body.already_released, false);
  const twice = await call('DELETE', path);
  assert.equal(twice.body.already_released, true);
});
