import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
let organization: string;
let elsewhere: string;
let user: string;
const number = uniqueNumber();
const path = `/v1/sms/phone-numbers/${number}`;
before(async () => {
  server = await startTestServer();
  [organization, elsewhere] = [await newOrganization(server), await newOrganization(server)];
  user = await newUser(server, organization);
});
after(() => server.stop());

const list = async (of: string, asOf: string | number) => {
  const query = new URLSearchParams({ organization_id: of, view: 'full', as_of: String(asOf) });
  const reply = await server.call('GET', `/v1/sms/phone-numbers?${query}`);
  assert.equal(reply.status, 200, reply.text);
  return reply.body.phone_numbers.map(
    (row: { status: string; assigned_to: { user_id: string } | null; nickname: string | null }) => [
      row.status,
      row.assigned_to?.user_id ?? null,
      row.nickname,
    ],
  );
};

const revision = async (of: string): Promise<number> =>
  (await server.call('GET', `/v1/events?organization_id=${of}&limit=1`)).body.revision;

/** Dates each revision a minute after the one before. Otherwise many would share a second. */
const spreadOut = (of: string) =>
  server.database.pool.query(
    `update events e set at = timestamptz '2024-01-01T00:00:00Z' + e.revision * interval '1 minute'
     from organizations o where o.id = e.organization_id and o.unique_id = $1`,
    [of],
  );

test('the list at each revision and each time, through a transfer, a release and another tenure', async () => {
  const first = (await revision(organization)) + 1;
  await newNumbers(server, organization, [{ phone_number: number }]);
  await server.call('POST', `${path}/assign`, { body: { user_id: user } });
  await server.call('PATCH', path, { body: { nickname: 'Desk' } });
  await server.call('POST', `${path}/transfer`, {
    body: { to_organization_id: elsewhere, end_assignment: true },
  });
  const arrived = await revision(elsewhere);
  await server.call('DELETE', path);
  await newNumbers(server, organization, [{ phone_number: number, user_id: user }]);

  const expected = [
    [],
    [['available', null, null]],
    [['assigned', user, null]],
    [['assigned', user, 'Desk']],
    [],
    [['assigned', user, null]],
  ];
  await spreadOut(organization);
  for (const [i, then] of expected.entries()) {
    const at = first - 1 + i;
    assert.deepEqual(await list(organization, at), then, `revision ${at}`);
    const moment = (seconds: number) => new Date(Date.UTC(2024, 0, 1, 0, at, seconds)).toISOString();
    assert.deepEqual(await list(organization, moment(0)), then, 'at the time of the revision');
    assert.deepEqual(await list(organization, moment(59)), then, 'until the next revision');
    if (i > 0) assert.deepEqual(await list(organization, moment(-1)), expected[i - 1], 'a second before');
  }
  assert.deepEqual(await list(elsewhere, arrived - 1), []);
  assert.deepEqual(await list(elsewhere, arrived), [['cooling_down', null, 'Desk']]);
  assert.deepEqual(await list(elsewhere, arrived + 1), []);
});

test('revision 0 and times before the organization have an empty list', async () => {
  assert.deepEqual(await list(organization, 0), []);
  assert.deepEqual(await list(organization, '1999-01-01T00:00:00Z'), []);
});

test('filters apply to the past state', async () => {
  const holder = { organization_id: organization, assigned_to: user, total: 'true', limit: '1' };
  const counts = [];
  for (let at = 0; at <= (await revision(organization)); at++) {
    const { body } = await server.call(
      'GET',
      `/v1/sms/phone-numbers?${new URLSearchParams({ ...holder, as_of: String(at) })}`,
    );
    assert.equal(body.total, body.count);
    counts.push(body.count);
  }
  assert.deepEqual(counts.slice(-6), [0, 0, 1, 1, 0, 1]);
});
