import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { newSecret } from './keys/secret.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from './testing/factories.ts';
import { publicRoute, routesOf } from './testing/routes.ts';
import { type Reply, startTestServer, type TestServer } from './testing/server.ts';

/** Everything that a request can name. */
type Names = {
  organization: string;
  user: string;
  email: string;
  available: string;
  assigned: string;
  key: string;
};

type Call = { path: string; body?: unknown; headers?: Record<string, string> };

/** How each route is called with the names of somebody else, or, with `own`, for oneself with their names in it. */
const matrix: Record<string, (theirs: Names, own: Names) => Call[]> = {
  'POST /v1/keys': theirs => [
    { path: '/v1/keys', body: { name: 'key', permission: 'read', organization_id: theirs.organization } },
  ],
  'GET /v1/keys': () => [{ path: '/v1/keys' }],
  'DELETE /v1/keys/:key_id': theirs => [{ path: `/v1/keys/${theirs.key}` }],
  // Without a name, so that it fails alike for all; "what another tenant has can be one's own too" has the other half.
  'POST /v1/organizations': theirs => [
    { path: '/v1/organizations', body: { name: '', unique_id: theirs.organization } },
  ],
  'GET /v1/organizations': () => [{ path: '/v1/organizations' }],
  'GET /v1/organizations/:organization_id': theirs => [{ path: `/v1/organizations/${theirs.organization}` }],
  'PATCH /v1/organizations/:organization_id': theirs => [
    { path: `/v1/organizations/${theirs.organization}`, body: { name: 'Taken', status: 'suspended' } },
  ],
  'POST /v1/organizations/:organization_id/users': theirs => [
    {
      path: `/v1/organizations/${theirs.organization}/users`,
      body: { name: 'Eve', email: 'eve@example.com', permission: 'admin' },
    },
  ],
  'GET /v1/organizations/:organization_id/users': theirs => [
    { path: `/v1/organizations/${theirs.organization}/users` },
  ],
  'GET /v1/organizations/:organization_id/users/:user_id': (theirs, own) => [
    { path: `/v1/organizations/${theirs.organization}/users/${theirs.user}` },
    { path: `/v1/organizations/${own.organization}/users/${theirs.user}` },
  ],
  'PATCH /v1/organizations/:organization_id/users/:user_id': (theirs, own) => [
    { path: `/v1/organizations/${theirs.organization}/users/${theirs.user}`, body: { status: 'suspended' } },
    { path: `/v1/organizations/${own.organization}/users/${theirs.user}`, body: { status: 'suspended' } },
  ],
  'GET /v1/sms/phone-numbers': theirs => [
    { path: `/v1/sms/phone-numbers?organization_id=${theirs.organization}` },
    { path: `/v1/sms/phone-numbers?organization_id=${theirs.organization}&limit=1` },
    {
      path: `/v1/sms/phone-numbers?organization_id=${theirs.organization}`,
      headers: { 'if-none-match': '*' },
    },
  ],
  'GET /v1/sms/phone-numbers/available': theirs => [
    { path: `/v1/sms/phone-numbers/available?organization_id=${theirs.organization}` },
  ],
  'POST /v1/sms/phone-numbers': (theirs, own) => [
    {
      path: '/v1/sms/phone-numbers',
      body: { organization_id: theirs.organization, phone_numbers: [{ phone_number: '+14155550199' }] },
    },
    ...[theirs.user, theirs.email].map(user_id => ({
      path: '/v1/sms/phone-numbers',
      body: {
        organization_id: own.organization,
        phone_numbers: [{ phone_number: '+14155550199', user_id }],
      },
    })),
  ],
  'POST /v1/sms/phone-numbers/import': (theirs, own) => [
    {
      path: `/v1/sms/phone-numbers/import?organization_id=${theirs.organization}`,
      body: 'phone_number\n+14155550199\n',
      headers: { 'content-type': 'text/csv' },
    },
    {
      path: `/v1/sms/phone-numbers/import?organization_id=${own.organization}`,
      body: `phone_number,user\n+14155550199,${theirs.user}\n+14155550198,${theirs.email}\n`,
      headers: { 'content-type': 'text/csv' },
    },
  ],
  'GET /v1/sms/phone-numbers/:phone_number': theirs => [
    { path: `/v1/sms/phone-numbers/${theirs.assigned}` },
    { path: `/v1/sms/phone-numbers/${theirs.available}` },
  ],
  'PATCH /v1/sms/phone-numbers/:phone_number': theirs => [
    { path: `/v1/sms/phone-numbers/${theirs.available}`, body: { nickname: 'Taken' } },
  ],
  'POST /v1/sms/phone-numbers/:phone_number/assign': (theirs, own) => [
    { path: `/v1/sms/phone-numbers/${theirs.available}/assign`, body: { user_id: theirs.user } },
    { path: `/v1/sms/phone-numbers/${theirs.available}/assign`, body: { user_id: own.user } },
    { path: `/v1/sms/phone-numbers/${own.available}/assign`, body: { user_id: theirs.user } },
    {
      path: `/v1/sms/phone-numbers/${own.available}/assign?organization_id=${theirs.organization}`,
      body: { user_id: own.user },
    },
  ],
  'DELETE /v1/sms/phone-numbers/:phone_number/assign': (theirs, own) => [
    { path: `/v1/sms/phone-numbers/${theirs.assigned}/assign` },
    { path: `/v1/sms/phone-numbers/${own.assigned}/assign?organization_id=${theirs.organization}` },
  ],
};

let server: TestServer;
let victim: Names;
let snapshotBefore: string;
before(async () => {
  server = await startTestServer();
  victim = await populate(server.key);
  snapshotBefore = await snapshot();
});
after(() => server.stop());

test('every route is in the matrix or is public on purpose', () => {
  assert.deepEqual(
    routesOf(server.app).filter(route => !publicRoute(route)),
    Object.keys(matrix).sort(),
  );
});

test("another tenant's admin key finds nothing", async t => {
  const key = await server.newTenant();
  await meetsNothing(t, key, await populate(key));
});

test('a key that is bound to another organization of the tenant finds nothing', async t => {
  const own = await populate(server.key);
  const key = await server.newKey({ organization_id: own.organization });
  await meetsNothing(t, key, own);
});

test('lists show only what is theirs', async () => {
  const organization = await newOrganization(server);
  for (const key of [await server.newTenant(), await server.newKey({ organization_id: organization })])
    for (const path of ['/v1/organizations', '/v1/keys']) {
      const { status, text } = await server.call('GET', path, { key });
      assert.equal(status, 200);
      for (const name of Object.values(victim)) assert(!text.includes(name), `${path} shows ${name}`);
    }
});

test("what another tenant has can be one's own too", async () => {
  const key = await server.newTenant();
  const body = { name: 'Same', unique_id: victim.organization };
  assert.equal((await server.call('POST', '/v1/organizations', { key, body })).status, 201);
  const user = { name: 'Same', unique_id: victim.user, email: victim.email };
  const path = `/v1/organizations/${victim.organization}/users`;
  assert.equal((await server.call('POST', path, { key, body: user })).status, 201);
  const phone_numbers = [victim.available, victim.assigned].map(phone_number => ({ phone_number }));
  await newNumbers(server, victim.organization, phone_numbers, key);
  const shown = await server.call('GET', `/v1/sms/phone-numbers/${victim.assigned}`, { key });
  assert.equal(shown.body.phone_number.assigned_to, null);
  const { body: ours } = await server.call('GET', `/v1/sms/phone-numbers/${victim.assigned}`);
  assert.equal(ours.phone_number.assigned_to.user_id, victim.user);
  assert.equal(await snapshot(), snapshotBefore);
});

test('a read key is refused everything that changes something', async t => {
  const key = await server.newKey({ permission: 'read' });
  for (const [route, calls] of Object.entries(matrix))
    await t.test(route, async () => {
      for (const call of calls(victim, victim)) {
        const reply = await request(route, call, key);
        // Keys are for admins to see; everything else that is a GET is for reading.
        if (route.startsWith('GET ') && route !== 'GET /v1/keys') {
          assert([200, 304].includes(reply.status), reply.text);
          continue;
        }
        assert.equal(reply.status, 403);
        assert.equal(reply.body.error, 'Admin permission required');
        assert.equal(reply.body.detail, 'This action requires admin privileges');
        assert.equal(reply.body.code, 'admin_required');
      }
    });
  assert.equal(await snapshot(), snapshotBefore);
});

test('without a key that is good now, every route answers 401', async t => {
  const expired = await server.newKey({ expires_at: new Date(Date.now() + 60_000).toISOString() });
  await server.database.db
    .updateTable('api_keys')
    .set({ expires_at: new Date(Date.now() - 1000) })
    .where('expires_at', 'is not', null)
    .execute();
  const { body } = await server.call('POST', '/v1/keys', { body: { name: 'gone', permission: 'admin' } });
  await server.call('DELETE', `/v1/keys/${body.key.id}`);
  const refused = { malformed: 'lk_live_x', unknown: newSecret(), revoked: body.api_key, expired };
  for (const [route, calls] of Object.entries(matrix))
    await t.test(route, async () => {
      const [call] = calls(victim, victim);
      const without = await request(route, call!, '');
      assert.equal(without.status, 401);
      assert.equal(without.body.error, 'API key is required');
      assert.equal(without.body.code, 'api_key_required');
      for (const [kind, key] of Object.entries(refused)) {
        const reply = await request(route, call!, key);
        assert.equal(reply.status, 401, kind);
        assert.equal(reply.body.error, 'Invalid API key', kind);
        assert.equal(reply.body.code, 'api_key_invalid', kind);
      }
    });
  assert.equal(await snapshot(), snapshotBefore);
});

/** Calls every route with the victim's names and with names that nobody has: nobody can tell one from the other. */
async function meetsNothing(t: { test: typeof test }, key: string, own: Names): Promise<void> {
  for (const [route, calls] of Object.entries(matrix))
    await t.test(route, async () => {
      const nobody = namesOfNobody();
      const unknown = calls(nobody, own);
      for (const [index, call] of calls(victim, own).entries()) {
        const reply = await request(route, call, key);
        const same = await request(route, unknown[index]!, key);
        assert(reply.status < 500, reply.text);
        assert.equal(reply.status, same.status, `${call.path}: ${reply.text}`);
        assert.equal(withoutNames(reply, victim), withoutNames(same, nobody), call.path);
        assert.equal(reply.headers.get('etag'), same.headers.get('etag'));
      }
    });
  assert.equal(await snapshot(), snapshotBefore, 'something of the victim has changed');
}

/** What was sent comes back in some messages; what the server knows of it must not. */
function withoutNames({ text, body }: Reply, names: Names): string {
  let rest = text.replaceAll(body?.request_id ?? '\n', 'REQUEST');
  for (const [field, name] of Object.entries(names)) rest = rest.replaceAll(name, field);
  return rest;
}

const request = (route: string, { path, ...options }: Call, key: string) =>
  server.call(route.split(' ')[0]!, path, { key, ...options });

async function populate(key: string): Promise<Names> {
  const organization = await newOrganization(server, key);
  const user = await newUser(server, organization, key);
  const shown = await server.call('GET', `/v1/organizations/${organization}/users/${user}`, { key });
  const [available, assigned] = await newNumbers(
    server,
    organization,
    [
      { phone_number: uniqueNumber(), nickname: `the front desk of ${organization}` },
      { phone_number: uniqueNumber(), user_id: user },
    ],
    key,
  );
  const body = { name: `a key of ${organization}`, permission: 'read', organization_id: organization };
  const created = await server.call('POST', '/v1/keys', { key, body });
  return {
    organization,
    user,
    email: shown.body.user.email,
    available: available!.phone_number,
    assigned: assigned!.phone_number,
    key: created.body.key.id,
  };
}

const namesOfNobody = (): Names => ({
  organization: `org_${randomUUID()}`,
  user: `user_${randomUUID()}`,
  email: `${randomUUID()}@example.com`,
  available: uniqueNumber(),
  assigned: uniqueNumber(),
  key: randomUUID(),
});

/** All that the database has of the victim's organization. */
async function snapshot(): Promise<string> {
  const { tenant_id, id } = await server.database.db
    .selectFrom('organizations')
    .innerJoin('users', 'users.organization_id', 'organizations.id')
    .select(['organizations.tenant_id', 'organizations.id'])
    .where('users.email', '=', victim.email)
    .where('organizations.unique_id', '=', victim.organization)
    .orderBy('organizations.created_at')
    .executeTakeFirstOrThrow();
  const parts: unknown[] = [];
  for (const table of ['organizations', 'users', 'phone_numbers', 'assignments', 'events', 'api_keys']) {
    const { rows } = await sql`
      select to_jsonb(r) - 'last_used_at' as r from ${sql.table(table)} r
      where tenant_id = ${tenant_id} and ${sql.ref(table === 'organizations' ? 'id' : 'organization_id')} = ${id}
      order by 1`.execute(server.database.db);
    parts.push(table, rows);
  }
  return JSON.stringify(parts, null, 1);
}
