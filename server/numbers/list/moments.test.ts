import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const base = '/v1/sms/phone-numbers';
const listed = (organization: string, more = '', key = server.key) =>
  server.call('GET', `${base}?organization_id=${organization}${more}`, { key });
const numbersOf = async (organization: string, more: string, key = server.key) => {
  const { body } = await listed(organization, more, key);
  assert.ok(body.phone_numbers, JSON.stringify(body));
  return body.phone_numbers.map((number: { phone_number: string }) => number.phone_number);
};

test('a poller that asks for what came after the last number it saw gets nothing twice and misses nothing', async () => {
  const organization = await newOrganization(server);
  const seen: string[] = [];
  const added: string[] = [];
  let last = '';
  for (let round = 0; round < 20; round++) {
    const [number] = await newNumbers(server, organization);
    added.push(number!.phone_number);
    const more = last ? `&created_after=${encodeURIComponent(last)}` : '';
    const { body } = await listed(organization, `&view=full&sort=created_at${more}`);
    for (const { phone_number, created_at_exact } of body.phone_numbers) {
      seen.push(phone_number);
      last = created_at_exact;
    }
  }
  assert.deepEqual(seen, added);
});

test('a moment to the second is all that is shown with that second', async () => {
  const organization = await newOrganization(server);
  await newNumbers(server, organization, [
    { phone_number: uniqueNumber() },
    { phone_number: uniqueNumber() },
  ]);
  const { body } = await listed(organization);
  const [{ created_at, phone_number }] = body.phone_numbers;
  assert.match(created_at, /:\d\dZ$/);
  assert.deepEqual(await numbersOf(organization, `&created_after=${created_at}`), []);
  assert.deepEqual(await numbersOf(organization, `&created_before=${created_at}`), []);
  const user = await newUser(server, organization);
  const assigned = await server.call('POST', `${base}/${phone_number}/assign`, { body: { user_id: user } });
  const then = await listed(organization, `&as_of=${assigned.body.assigned_at}&assigned_to=${user}`);
  assert.equal(then.body.count, 1);
});

test('as of the moment that history prints for an event, the list is as that event left it', async () => {
  const organization = await newOrganization(server);
  const [number] = await newNumbers(server, organization);
  const path = `${base}/${number!.phone_number}`;
  for (let round = 0; round < 12; round++)
    await server.call('PATCH', path, { body: { nickname: `n${round}` } });
  const { body } = await server.call('GET', `${path}/history`);
  const { states } = body.tenures[0];
  assert.equal(states.length, 13);
  for (const { at, nickname, revision } of states) {
    const then = await listed(organization, `&as_of=${at}`);
    assert.equal(then.body.phone_numbers[0].nickname, nickname, at);
    assert.equal((await listed(organization, `&as_of=${revision}`)).body.phone_numbers[0].nickname, nickname);
  }
  const log = await server.call('GET', `/v1/events?organization_id=${organization}`);
  const moments = log.body.events.map((event: { at: string }) => event.at);
  assert.deepEqual(moments, [...new Set(moments)].sort(), 'each revision has a moment of its own');
});

test('a revision or a moment that is still to come is refused, and the error says where now is', async () => {
  const organization = await newOrganization(server);
  await newNumbers(server, organization);
  for (const as_of of ['99', '2999-01-01', '2999-01-01T00:00:00Z', '2999-01-01T00:00:00.5+05:30']) {
    const reply = await listed(organization, `&as_of=${encodeURIComponent(as_of)}`);
    assert.equal(reply.status, 400, as_of);
    assert.match(
      reply.body.error,
      /^as_of is in the future: the organization is at revision 2, and it is 2\d{3}-/,
    );
  }
  assert.equal((await listed(organization, '&as_of=2')).status, 200);
});

test("a day is the tenant's: it begins where their clocks say so", async () => {
  const key = await server.newTenant();
  const organization = await newOrganization(server, key);
  const [number] = await newNumbers(server, organization, undefined, key);
  const { db } = server.database;
  // Half past four in the afternoon in Auckland on the 10th, still the 9th in Los Angeles.
  const created_at = new Date('2024-03-10T03:30:00Z');
  await db.updateTable('phone_numbers').set({ created_at }).where('id', '=', number!.id).execute();
  const inZone = async (time_zone: string) => {
    const { status } = await server.call('PATCH', '/v1/tenant', { key, body: { time_zone } });
    assert.equal(status, 200);
    return (await numbersOf(organization, '&created_after=2024-03-10', key)).length;
  };
  assert.equal(await inZone('Pacific/Auckland'), 1);
  assert.equal(await inZone('America/Los_Angeles'), 0);
  assert.equal(await inZone('UTC'), 1);
  for (const time_zone of ['Nowhere/Land', '+05:00', '', 'utc\0'])
    assert.equal((await server.call('PATCH', '/v1/tenant', { key, body: { time_zone } })).status, 400);
});

test('a plus that arrives as a blank is forgiven', async () => {
  const organization = await newOrganization(server);
  await newNumbers(server, organization);
  for (const offset of ['+05:30', '%2B05:30', '+0530'])
    for (const field of ['created_after', 'as_of'])
      assert.equal(
        (await listed(organization, `&${field}=2024-11-26T00:00:00${offset}`)).status,
        200,
        offset,
      );
  const usage = await server.call(
    'GET',
    '/v1/usage?from=2024-01-01T00:00:00+05:30&to=2024-02-01T00:00:00+01:00',
  );
  assert.equal(usage.status, 200, usage.text);
});

test('a day or a moment that is none is refused in words', async () => {
  const organization = await newOrganization(server);
  for (const text of ['2024-02-30', '2024-1-5', 'yesterday', '0000-01-01', '2024-03-01T25:00:00Z'])
    for (const field of ['created_after', 'as_of'])
      assert.equal(
        (await listed(organization, `&${field}=${text}`)).body.error,
        `${field} must be a moment such as 2024-01-15T10:30:00Z, or a day such as 2024-01-15`,
      );
});
