import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { check } from '../../check/check.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { endAllDue } from './clock.ts';

let server: TestServer;
let organization: string;
let user: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  organization = await newOrganization(server);
  user = await newUser(server, organization);
});
after(async () => {
  const { findings } = await check(server.database);
  await server.stop();
  assert.deepEqual(findings, []);
});

const newNumber = async () => (await newNumbers(server, organization))[0]!.phone_number;
const post = (path: string, body?: object) => server.call('POST', path, { ...(body && { body }) });
const reserve = (number: string, expires_in = 3600, note?: string) =>
  post(`/v1/sms/phone-numbers/${number}/reserve`, { expires_in, ...(note && { note }) });
const get = async (number: string) =>
  (await server.call('GET', `/v1/sms/phone-numbers/${number}`)).body.phone_number;
const query = (text: string, values: unknown[] = []) => server.database.pool.query(text, values);
const events = async () =>
  (await server.call('GET', `/v1/events?organization_id=${organization}&limit=1000`)).body.events;

test('a reserved number shows its reservation and is not available', async () => {
  const number = await newNumber();
  const { status, body } = await reserve(number, 900, 'cart 7');
  assert.equal(status, 201);
  assert.deepEqual([body.phone_number, body.note], [number, 'cart 7']);
  const shown = await get(number);
  assert.deepEqual(
    [shown.status, shown.is_available, shown.until, shown.reservation_id, shown.reservation_note],
    ['reserved', false, body.expires_at, body.reservation_id, 'cart 7'],
  );
  for (const [action, given] of [
    ['assign', { user_id: user }],
    ['reserve', { expires_in: 3600 }],
  ] as const) {
    const refused = await post(`/v1/sms/phone-numbers/${number}/${action}`, given);
    assert.deepEqual([refused.status, refused.body.code], [400, 'number_not_available']);
    assert.equal(
      refused.body.error,
      `Phone number is not available: it is reserved until ${body.expires_at}`,
    );
  }
});

test('a reservation ends by itself, not before its time, and the log says so', async () => {
  const number = await newNumber();
  const { body } = await reserve(number, 1);
  while ((await get(number)).status === 'reserved') await sleep(50);
  assert.ok(Date.now() >= Date.parse(body.expires_at));
  assert.equal((await get(number)).is_available, true);
  const last = (await events()).at(-1);
  assert.deepEqual([last.type, last.actor], ['number.reservation_ended', { type: 'system', id: 'clock' }]);
  assert.deepEqual(last.data.changes.status, { from: 'reserved', to: 'available' });
  assert.equal(
    (await post(`/v1/sms/reservations/${body.reservation_id}/renew`, { expires_in: 3600 })).status,
    404,
  );
});

test('a reservation is invalid once its time is over, even before the clock has ended it', async () => {
  const calls: [method: string, path: string, body?: object][] = [
    ['POST', '/renew', { expires_in: 3600 }],
    ['POST', '/assign', { user_id: user }],
    ['DELETE', ''],
  ];
  for (let i = 0; i < 10; i++) {
    for (const [method, path, body] of calls) {
      const { reservation_id } = (await reserve(await newNumber())).body;
      await query(
        'update phone_numbers set until = clock_timestamp() - make_interval(secs => 0.001) where reservation_id = $1',
        [reservation_id],
      );
      const late = await server.call(method, `/v1/sms/reservations/${reservation_id}${path}`, {
        ...(body && { body }),
      });
      assert.deepEqual([late.status, late.body.code], [404, 'reservation_not_found']);
    }
  }
  await endAllDue(server.database.db);
});

test('a reservation is renewed, cancelled, or turned into an assignment', async () => {
  const number = await newNumber();
  const { reservation_id, expires_at } = (await reserve(number, 60, 'kept')).body;
  const renewed = await post(`/v1/sms/reservations/${reservation_id}/renew`, { expires_in: 86_400 });
  assert.deepEqual(
    [renewed.status, renewed.body.reservation_id, renewed.body.note],
    [200, reservation_id, 'kept'],
  );
  assert.ok(renewed.body.expires_at > expires_at);
  const cancelled = await server.call('DELETE', `/v1/sms/reservations/${reservation_id}`);
  assert.deepEqual([cancelled.status, cancelled.body.phone_number], [200, number]);
  assert.deepEqual([(await get(number)).status, (await get(number)).reservation_id], ['available', null]);
  assert.equal((await server.call('DELETE', `/v1/sms/reservations/${reservation_id}`)).status, 404);

  const second = (await reserve(number)).body.reservation_id;
  assert.notEqual(second, reservation_id);
  const assigning = `/v1/sms/reservations/${second}/assign`;
  const nobody = await post(assigning, { user_id: 'user_nobody' });
  assert.deepEqual([nobody.status, nobody.body.error], [400, 'User not found']);
  const assigned = await post(assigning, { user_id: user });
  assert.deepEqual([assigned.status, assigned.body.user_id], [200, user]);
  const shown = await get(number);
  assert.deepEqual([shown.status, shown.until, shown.reservation_id], ['assigned', null, null]);
  assert.equal((await post(assigning, { user_id: user })).status, 404);
});

test('of many simultaneous reservations of one number, one succeeds', async () => {
  const number = await newNumber();
  const replies = await Promise.all(Array.from({ length: 20 }, () => reserve(number)));
  assert.deepEqual(replies.map(reply => reply.status).sort(), [201, ...Array(19).fill(400)]);
});

test('a reservation of another tenant or organization does not exist', async () => {
  const { reservation_id } = (await reserve(await newNumber())).body;
  const keys = [
    await server.newTenant(),
    await server.newKey({ organization_id: await newOrganization(server) }),
  ];
  for (const key of keys) {
    const reply = await server.call('DELETE', `/v1/sms/reservations/${reservation_id}`, { key });
    assert.deepEqual([reply.status, reply.body.code], [404, 'reservation_not_found']);
  }
});

test('expires_in is a second to a year', async () => {
  const number = await newNumber();
  for (const wrong of [0, -1, 1.5, 31_536_001, '60', null]) {
    assert.equal((await reserve(number, wrong as number)).status, 400);
  }
  assert.equal((await reserve(uniqueNumber())).status, 404);
});

test('a clock that was an hour ahead: the log keeps its order, and nothing ends before its time', async () => {
  const [early, due, later] = [await newNumber(), await newNumber(), await newNumber()];
  const kept = (await reserve(early, 600)).body;
  const began = Date.now();
  await query(
    `update organizations set revised_at = clock_timestamp() + interval '1 hour' where unique_id = $1`,
    [organization],
  );
  await reserve(due, 600);
  const made = (await reserve(later, 600)).body;
  assert.ok(Date.parse(made.expires_at) < Date.now() + 700_000);
  // Past by a millisecond: the server's moments have no more of the clock.
  await query(
    'update phone_numbers set until = clock_timestamp() - make_interval(secs => 0.001) where phone_number = $1',
    [due],
  );
  await endAllDue(server.database.db);
  assert.deepEqual(
    [(await get(early)).status, (await get(due)).status, (await get(later)).status],
    ['reserved', 'available', 'reserved'],
  );
  assert.equal(
    (await post(`/v1/sms/reservations/${kept.reservation_id}/renew`, { expires_in: 3600 })).status,
    200,
  );
  const log = await events();
  const moments = log.map((event: { at: string }) => event.at);
  assert.deepEqual(moments, moments.toSorted());
  assert.ok(Date.parse(moments.at(-1)) > began + 3_500_000);
});
