import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { historyNames } from '../numbers/state.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
let organization: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  organization = await newOrganization(server);
});
after(() => server.stop());

test('the history of a number has its states and holders, the latest first, each with its event', async () => {
  const user = await newUser(server, organization);
  const number = uniqueNumber();
  const path = `/v1/sms/phone-numbers/${number}`;
  await newNumbers(server, organization, [{ phone_number: number }]);
  await server.call('POST', `${path}/reserve`, { body: { expires_in: 3600, note: 'cart' } });
  const { reservation_id } = (await server.call('GET', path)).body.phone_number;
  await server.call('POST', `/v1/sms/reservations/${reservation_id}/assign`, { body: { user_id: user } });
  const { status, body } = await server.call('GET', `${path}/history`);
  assert.deepEqual([status, body.phone_number, body.tenures.length], [200, number, 1]);
  const [tenure] = body.tenures;
  assert.deepEqual(
    tenure.states.map((state: Record<string, unknown>) => [
      state.status,
      state.event,
      state.reservation_note,
      state.user_id,
      state.ended_at === null,
    ]),
    [
      ['assigned', 'number.assigned', null, user, true],
      ['reserved', 'number.reserved', 'cart', null, false],
      ['available', 'numbers.added', null, null, false],
    ],
  );
  assert.deepEqual(
    tenure.assignments.map((held: Record<string, unknown>) => [held.user_id, held.ended_at]),
    [[user, null]],
  );
  assert.equal((await server.call('GET', `/v1/sms/phone-numbers/${uniqueNumber()}/history`)).status, 404);
  assert.equal((await server.call('GET', `${path}/history`, { key: await server.newTenant() })).status, 404);
});

test('a state has the fields of the number that history shows, as they were then', async () => {
  const number = uniqueNumber();
  const path = `/v1/sms/phone-numbers/${number}`;
  await newNumbers(server, organization, [{ phone_number: number, nickname: 'Desk', external_id: 'a-1' }]);
  await server.call('PATCH', path, { body: { nickname: null, external_id: 'a-2' } });
  await server.call('POST', `${path}/reserve`, { body: { expires_in: 3600, note: 'cart' } });
  const { until, reservation_id } = (await server.call('GET', path)).body.phone_number;
  const [tenure] = (await server.call('GET', `${path}/history`)).body.tenures;
  const free = { status: 'available', until: null, reservation_id: null, reservation_note: null };
  const reserved = { status: 'reserved', until, reservation_id, reservation_note: 'cart' };
  const expected = [
    { ...reserved, nickname: null, external_id: 'a-2' },
    { ...free, nickname: null, external_id: 'a-2' },
    { ...free, nickname: 'Desk', external_id: 'a-1' },
  ];
  const states: Record<string, unknown>[] = tenure.states;
  assert.deepEqual(
    states.map(state => Object.fromEntries(historyNames.map(name => [name, state[name]]))),
    expected,
  );
});

test('a bound key sees the part of a history that passed in its organization, and nothing later', async () => {
  const other = await newOrganization(server);
  const [here, there] = [await newUser(server, organization), await newUser(server, other)];
  const number = uniqueNumber();
  const path = `/v1/sms/phone-numbers/${number}`;
  await newNumbers(server, organization, [{ phone_number: number, user_id: here }]);
  await server.call('POST', `${path}/transfer`, {
    body: { to_organization_id: other, end_assignment: true },
  });
  await server.call('POST', `${path}/end-cool-down`);
  await server.call('POST', `${path}/assign`, { body: { user_id: there } });
  await server.call('DELETE', path);
  const seenBy = async (organization_id: string) => {
    const key = await server.newKey({ organization_id });
    return server.call('GET', `${path}/history`, { key });
  };
  const left = await seenBy(organization);
  assert.equal(left.status, 200, left.text);
  assert(!left.text.includes(other) && !left.text.includes(there));
  const [tenure, ...more] = left.body.tenures;
  assert.deepEqual(
    [tenure.organization_id, tenure.status, tenure.released_at, more.length],
    [organization, 'assigned', null, 0],
  );
  assert.deepEqual(
    tenure.states.map((state: Record<string, unknown>) => [state.status, state.user_id]),
    [['assigned', here]],
  );
  assert.notEqual(tenure.states[0].ended_at, null);
  assert.deepEqual(
    tenure.assignments.map((held: Record<string, unknown>) => held.user_id),
    [here],
  );
  const arrived = (await seenBy(other)).body.tenures[0];
  assert.deepEqual(
    arrived.states.map((state: Record<string, unknown>) => [state.status, state.user_id]),
    [
      ['released', null],
      ['assigned', there],
      ['available', null],
      ['cooling_down', null],
    ],
  );
  assert.notEqual(arrived.released_at, null);
  assert.equal((await seenBy(await newOrganization(server))).status, 404);
});
