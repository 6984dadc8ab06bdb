import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { newShop } from '../../testing/shop.ts';

let server: TestServer;
let organization: string;
let user: string;
let number: string;
before(async () => {
  server = await startTestServer();
  organization = await newOrganization(server);
  user = await newUser(server, organization);
  number = (await newNumbers(server, organization))[0]!.phone_number;
});
after(() => server.stop());

const path = (phone_number = number) => `/v1/sms/phone-numbers/${phone_number}/assign`;
const assign = (user_id: string, target = path()) => server.call('POST', target, { body: { user_id } });
const unassign = (target = path()) => server.call('DELETE', target);

async function refuses(reply: ReturnType<typeof unassign>, error: string, status = 400): Promise<void> {
  const { body, status: got } = await reply;
  assert.equal(got, status);
  assert.equal(body.error, error);
}

test('a number is assigned and unassigned with the replies of the contract', async () => {
  await refuses(unassign(), 'Phone number is not assigned to a user');
  const assigned = await assign(user);
  assert.equal(assigned.status, 200);
  const { assigned_at } = assigned.body;
  assert.match(assigned_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(
    assigned.text,
    JSON.stringify({ success: true, phone_number: number, user_id: user, assigned_at, powered_by: 'Teli' }),
  );
  const shown = (await server.call('GET', `/v1/sms/phone-numbers/${number}`)).body.phone_number;
  assert.equal(shown.is_available, false);
  assert.equal(shown.assigned_at, assigned_at);
  assert.equal(shown.assigned_to.user_id, user);
  await refuses(assign(user), 'Phone number already assigned to a user');
  await refuses(assign(await newUser(server, organization)), 'Phone number already assigned to a user');
  const back = await unassign();
  assert.equal(
    back.text,
    JSON.stringify({
      success: true,
      phone_number: number,
      user_id: user,
      status: 'available',
      available_at: null,
      powered_by: 'Teli',
    }),
  );
  const free = (await server.call('GET', `/v1/sms/phone-numbers/${number}`)).body.phone_number;
  assert.equal(free.is_available, true);
  assert.equal(free.assigned_to, null);
  assert.equal(free.assigned_at, null);
  await refuses(unassign(), 'Phone number is not assigned to a user');
});

test('an unknown number is a 400 here', async () => {
  await refuses(assign('user_unknown'), 'User not found');
  await refuses(assign(user, path('+14155551999')), 'Phone number not found');
  await refuses(unassign(path('+14155551999')), 'Phone number not found');
  await refuses(server.call('POST', path(), { body: {} }), 'user_id is required');
  const other = await newOrganization(server);
  await refuses(assign(await newUser(server, other)), 'User not found');
  await refuses(assign(user, `${path()}?organization_id=${other}`), 'Phone number not found');
  await refuses(assign(user, `${path()}?organization_id=org_unknown`), 'Phone number not found');
  assert.equal((await assign(user, `${path()}?organization_id=${organization}`)).status, 200);
  assert.equal((await unassign(`${path()}?organization_id=${organization}`)).status, 200);
});

test('numbers are assigned only to active users', async () => {
  const idle = await newUser(server, organization);
  for (const status of ['inactive', 'suspended']) {
    await server.call('PATCH', `/v1/organizations/${organization}/users/${idle}`, { body: { status } });
    await refuses(assign(idle), 'User not found');
  }
});

test('of many simultaneous assignments of one number one succeeds, and so of many unassignments', async () => {
  const users = await Promise.all(Array.from({ length: 10 }, () => newUser(server, organization)));
  for (let round = 0; round < 5; round++) {
    const replies = await Promise.all(users.map(one => assign(one)));
    const won = replies.filter(reply => reply.status === 200);
    assert.equal(won.length, 1);
    for (const reply of replies.filter(reply => reply.status !== 200)) {
      assert.equal(reply.status, 400);
      assert.equal(reply.body.error, 'Phone number already assigned to a user');
    }
    const shown = (await server.call('GET', `/v1/sms/phone-numbers/${number}`)).body.phone_number;
    assert.equal(shown.assigned_to.user_id, won[0]!.body.user_id);
    const back = await Promise.all(users.map(() => unassign()));
    assert.equal(back.filter(reply => reply.status === 200).length, 1);
    const late = back.filter(reply => reply.status !== 200);
    assert(late.every(reply => reply.body.error === 'Phone number is not assigned to a user'));
  }
});

test('every tenure of a number is kept', async () => {
  const [fresh] = await newNumbers(server, organization);
  for (let round = 0; round < 3; round++) {
    await assign(user, path(fresh!.phone_number));
    await unassign(path(fresh!.phone_number));
  }
  const tenures = await server.database.db
    .selectFrom('assignments')
    .select(['assigned_at', 'ended_at'])
    .where('phone_number_id', '=', fresh!.id)
    .execute();
  assert.equal(tenures.length, 3);
  for (const { assigned_at, ended_at } of tenures) assert(ended_at! >= assigned_at);
});

test('an e-mail address names a user wherever a user_id does, and answers have the user_id', async () => {
  const shop = await newShop(server);
  const { key, organization: organization_id } = shop;
  const user = await newUser(server, organization_id, key);
  const { body } = await server.call('GET', `/v1/organizations/${organization_id}/users`, { key });
  const email: string = body.users[0].email.toUpperCase();
  const base = '/v1/sms/phone-numbers';
  const call = async (method: string, path: string, body?: object) => {
    const reply = await server.call(method, path, { key, ...(body && { body }) });
    assert.ok(reply.status < 300, reply.text);
    return reply.body;
  };
  const [first, second, third] = await newNumbers(
    server,
    organization_id,
    Array.from({ length: 3 }, () => ({ phone_number: uniqueNumber() })),
    key,
  );
  const assigned = await call('POST', `${base}/${first!.phone_number}/assign`, { user_id: email });
  assert.equal(assigned.user_id, user);
  const held = await call('POST', `${base}/${second!.phone_number}/reserve`, { expires_in: 60 });
  const path = `/v1/sms/reservations/${held.reservation_id}/assign`;
  assert.equal((await call('POST', path, { user_id: email })).user_id, user);
  const items = [{ action: 'assign', phone_number: third!.phone_number, user_id: email }];
  assert.equal((await call('POST', `${base}/bulk`, { items })).done, 1);
  await newNumbers(server, organization_id, [{ phone_number: uniqueNumber(), user_id: email }], key);
  const bought = await call('POST', `${base}/purchase`, {
    organization_id,
    area_code: '415',
    user_id: email,
  });
  assert.equal(bought.assigned_to, user);
  await call('DELETE', `${base}/${first!.phone_number}/assign`);
  const claimed = await call('POST', `${base}/claim`, { organization_id, user_id: email });
  assert.equal(claimed.user_id, user);
  const { phone_numbers } = await call('GET', `${base}?organization_id=${organization_id}`);
  assert.deepEqual(
    phone_numbers.map((number: { assigned_to: { user_id: string } }) => number.assigned_to.user_id),
    Array.from({ length: 5 }, () => user),
  );
  const log = await call('GET', `/v1/events?organization_id=${organization_id}`);
  assert.equal(JSON.stringify(log.events.slice(2)).includes(email), false, 'the log has ids, not addresses');
});
