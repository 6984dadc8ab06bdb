import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
let organization: string;
before(async () => {
  server = await startTestServer();
  organization = await newOrganization(server);
});
after(() => server.stop());

const users = (id = organization) => `/v1/organizations/${id}/users`;
const create = (body: object, id = organization) => server.call('POST', users(id), { body });

test('a new user has every field of the contract', async () => {
  const { status, body } = await create({
    name: 'John Smith',
    email: 'John@Company.com',
    phone: '+1 415 555 1234',
  });
  assert.equal(status, 201);
  const { unique_id, id, tenant_id, created_at } = body.user;
  assert.match(unique_id, /^user_[0-9a-f]{20}$/);
  const fields = {
    unique_id,
    id,
    name: 'John Smith',
    email: 'John@Company.com',
    permission: 'user',
    organization_id: organization,
    tenant_id,
    status: 'active',
    phone: '+1 415 555 1234',
    created_at,
    modified_at: created_at,
    updated_at: created_at,
  };
  assert.equal(JSON.stringify(body.user), JSON.stringify(fields));
  assert.deepEqual((await server.call('GET', `${users()}/${unique_id}`)).body.user, body.user);
  const list = (await server.call('GET', users())).body;
  assert.equal(list.count, list.users.length);
  assert.deepEqual(list.users.at(-1), body.user);
});

test('the errors for a missing or taken address have the words of the contract', async () => {
  const missing = await create({ name: 'Nobody' });
  assert.equal(missing.status, 400);
  assert.equal(missing.body.error, 'email is required');
  assert.equal((await create({ name: 'Ann', email: 'ann@example.com' })).status, 201);
  for (const email of ['ann@example.com', 'ANN@Example.COM']) {
    const taken = await create({ name: 'Ann', email });
    assert.equal(taken.status, 400);
    assert.equal(taken.body.error, `A user with email ${email} already exists in this organization`);
    assert.equal(taken.body.code, 'email_taken');
  }
  const bob = (await create({ name: 'Bob', email: 'bob@example.com' })).body.user;
  const edited = await server.call('PATCH', `${users()}/${bob.unique_id}`, {
    body: { email: 'ann@EXAMPLE.com' },
  });
  assert.equal(edited.status, 400);
  assert.equal(edited.body.error, 'A user with email ann@EXAMPLE.com already exists in this organization');
  const unknown = await create({ name: 'Ann', email: 'new@example.com' }, 'org_unknown');
  assert.equal(unknown.status, 404);
  assert.equal(unknown.body.error, 'Organization not found');
});

test('of many concurrent users with one address, one is created', async () => {
  const race = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      create({ name: 'Race', email: index % 2 ? 'race@example.com' : 'Race@Example.com' }),
    ),
  );
  assert.deepEqual(race.map(reply => reply.status).sort(), [201, 400, 400, 400, 400, 400, 400, 400]);
});

test('two organizations may have users with the same address and unique_id', async () => {
  const other = await newOrganization(server);
  const unique_id = '1763070568417x631086913669115287';
  const person = { name: 'Twice', email: 'twice@example.com', unique_id };
  const [here, there] = [await create(person), await create(person, other)];
  assert.equal(here.body.user.unique_id, unique_id);
  assert.equal(there.body.user.unique_id, unique_id);
  assert.notEqual(here.body.user.id, there.body.user.id);
  const again = await create({ ...person, email: 'third@example.com' });
  assert.equal(again.status, 409);
  assert.equal(again.body.error, 'A user with this unique_id already exists in this organization');
  // An edit of one does not change the other.
  await server.call('PATCH', `${users(other)}/${unique_id}`, { body: { name: 'Only there' } });
  assert.equal((await server.call('GET', `${users()}/${unique_id}`)).body.user.name, 'Twice');
});

test('an edit changes the fields that it names, and the list shows it', async () => {
  const { user } = (await create({ name: 'Cleo', email: 'cleo@example.com', permission: 'admin' })).body;
  const [number] = await newNumbers(server, organization, [
    { phone_number: '+14155550142', user_id: user.unique_id },
  ]);
  const path = `${users()}/${user.unique_id}`;
  const body = {
    name: 'Cleo Ann',
    email: 'cleo.ann@example.com',
    phone: '555',
    permission: 'user',
    status: 'suspended',
  };
  const edited = (await server.call('PATCH', path, { body })).body.user;
  const { modified_at } = edited;
  assert.deepEqual(edited, { ...user, ...body, modified_at, updated_at: modified_at });
  const shown = await server.call('GET', `/v1/sms/phone-numbers/${number!.phone_number}`);
  // A user who is no longer active keeps their numbers.
  assert.deepEqual(shown.body.phone_number.assigned_to, {
    user_id: user.unique_id,
    email: 'cleo.ann@example.com',
    name: 'Cleo Ann',
  });
  assert.equal((await server.call('PATCH', path, { body: { email: 'Cleo.Ann@example.com' } })).status, 200);
  assert.equal((await server.call('PATCH', path, { body: { phone: null } })).body.user.phone, null);
});

test('a user that does not exist is a 404', async () => {
  for (const method of ['GET', 'PATCH']) {
    const body = method === 'PATCH' ? { name: 'x' } : undefined;
    const reply = await server.call(method, `${users()}/user_unknown`, { body });
    assert.equal(reply.status, 404);
    assert.equal(reply.body.error, 'User not found');
  }
});

test('an e-mail address names a user wherever a user_id does', async () => {
  const { unique_id, email } = (await create({ name: 'Eve', email: 'Eve@Example.com' })).body.user;
  const path = `${users()}/eve@EXAMPLE.com`;
  assert.equal((await server.call('GET', path)).body.user.unique_id, unique_id);
  const edited = await server.call('PATCH', path, {
    body: { name: 'Eve Adams', email: 'adams@example.com' },
  });
  assert.deepEqual([edited.body.user.unique_id, edited.body.user.name], [unique_id, 'Eve Adams']);
  assert.equal((await server.call('GET', path)).status, 404);
  const now = `${users()}/${encodeURIComponent('adams@example.com')}`;
  const { token, access_token } = (await server.call('POST', `${now}/tokens`, { body: { expires_in: 60 } }))
    .body;
  assert.ok(access_token);
  const revoked = await server.call('DELETE', `${now}/tokens/${token.id}`);
  assert.equal(revoked.status, 200, revoked.text);
  const [number] = await newNumbers(server, organization);
  const named = (action: object) => ({ ...action, phone_number: number!.phone_number });
  const bulk = await server.call('POST', '/v1/sms/phone-numbers/bulk', {
    body: { items: [named({ action: 'assign', user_id: 'ADAMS@example.com' })] },
  });
  assert.equal(bulk.body.done, 1, bulk.text);
  const query = `organization_id=${organization}&assigned_to=Adams@example.com`;
  assert.equal((await server.call('GET', `/v1/sms/phone-numbers?${query}`)).body.count, 1);
  const elsewhere = await newOrganization(server);
  assert.equal((await server.call('GET', `${users(elsewhere)}/adams@example.com`)).status, 404);
  const other = await server.call('GET', now, { key: await server.newTenant() });
  assert.equal(other.status, 404);
  assert.equal(email, 'Eve@Example.com');
});

test("a unique_id that is another user's address means the one whose id it is", async () => {
  const id = await newOrganization(server);
  const one = (await create({ name: 'One', email: 'one@example.com' }, id)).body.user;
  const two = (await create({ name: 'Two', email: 'two@example.com' }, id)).body.user;
  const { db } = server.database;
  await db.updateTable('users').set({ unique_id: 'one@example.com' }).where('id', '=', two.id).execute();
  const [number] = await newNumbers(server, id, [{ phone_number: '+14155550177', user_id: one.unique_id }]);
  assert.equal((await server.call('GET', `${users(id)}/one@example.com`)).body.user.id, two.id);
  const query = `organization_id=${id}&assigned_to=one@example.com`;
  assert.equal((await server.call('GET', `/v1/sms/phone-numbers?${query}`)).body.count, 0);
  assert.ok(number);
});
