import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { newSecret } from './access/secret.ts';
import { newNumbers, newOrganization, newUser } from './testing/factories.ts';
import { matrix, ownRoutes, readingPosts } from './testing/matrix.ts';
import type { Call } from './testing/matrix-numbers.ts';
import { asUser, type Names, namesOfNobody, populate } from './testing/names.ts';
import { publicRoute, routesOf } from './testing/routes.ts';
import { type Reply, startTestServer, type TestServer } from './testing/server.ts';

let server: TestServer;
let victim: Names;
/** A user of the victim's organization who is no admin and has no number. */
let plainUser: Record<string, string>;
let snapshotBefore: string;
before(async () => {
  server = await startTestServer();
  victim = await populate(server, server.key);
  plainUser = await asUser(server, victim.organization, 'user');
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
  await meetsNothing(t, { 'x-api-key': key }, await populate(server, key));
});

test('a key that is bound to another organization of the tenant finds nothing', async t => {
  const own = await populate(server, server.key);
  const key = await server.newKey({ organization_id: own.organization });
  await meetsNothing(t, { 'x-api-key': key }, own);
});

test('an admin user of another organization of the tenant finds nothing', async t => {
  const own = await populate(server, server.key);
  const token = await asUser(server, own.organization, 'admin');
  await meetsNothing(t, token, own);
  // A key that sees everything adds nothing to what the user sees.
  await meetsNothing(t, { ...token, 'x-api-key': server.key }, own);
});

test('a user of another organization who is no admin finds nothing', async t => {
  const own = await populate(server, server.key);
  await meetsNothing(t, await asUser(server, own.organization, 'user', own.user), own);
});

test('a user who is no admin is refused all but their own numbers', async t => {
  for (const [route, calls] of Object.entries(matrix))
    await t.test(route, async () => {
      for (const call of calls(victim, victim)) {
        const reply = await request(route, call, plainUser);
        if (!ownRoutes.includes(route)) {
          assertRefused(reply);
          continue;
        }
        assert([200, 304, 404].includes(reply.status), reply.text);
        // A look-up repeats what it was asked for.
        const shown = reply.text.replaceAll(/"asked":"[^"]*"/g, '');
        for (const number of [victim.available, victim.assigned, victim.reserved])
          assert(!shown.includes(number), `${call.path} shows ${number}`);
      }
    });
  assert.equal(await snapshot(), snapshotBefore);
});

test('lists show only what is theirs', async () => {
  const organization = await newOrganization(server);
  for (const key of [await server.newTenant(), await server.newKey({ organization_id: organization })])
    for (const path of ['/v1/organizations', '/v1/keys', '/v1/usage', '/v1/usage?format=csv']) {
      const { status, text } = await server.call('GET', path, { key });
      assert.equal(status, 200);
      for (const name of Object.values(victim)) assert(!text.includes(name), `${path} shows ${name}`);
    }
});

test('carrier accounts are listed to the tenant alone', async () => {
  const list = (key: string) => server.call('GET', '/v1/carrier-accounts', { key });
  assert.match((await list(server.key)).text, new RegExp(victim.account));
  assert.deepEqual((await list(await server.newTenant())).body.carrier_accounts, []);
  const elsewhere = await newOrganization(server);
  const bound = await list(await server.newKey({ organization_id: elsewhere }));
  assert.deepEqual([bound.status, bound.body.code], [403, 'key_bound']);
});

test("what another tenant has can be one's own too", async () => {
  const key = await server.newTenant();
  const body = { name: 'Same', unique_id: victim.organization };
  assert.equal((await server.call('POST', '/v1/organizations', { key, body })).status, 201);
  const account = { carrier: 'manual', name: `sandbox of ${victim.organization}` };
  assert.equal((await server.call('POST', '/v1/carrier-accounts', { key, body: account })).status, 201);
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
        const reply = await request(route, call, { 'x-api-key': key });
        // Keys are for admins to see; everything else that is a GET is for reading.
        if ((route.startsWith('GET ') && route !== 'GET /v1/keys') || readingPosts.includes(route)) {
          assert([200, 304].includes(reply.status), reply.text);
          continue;
        }
        assertRefused(reply);
      }
    });
  assert.equal(await snapshot(), snapshotBefore);
});

test('without a key or token that is good now, every route answers 401', async t => {
  const refused = [...(await badKeys()), ...(await badTokens())];
  for (const [route, calls] of Object.entries(matrix))
    await t.test(route, async () => {
      const [call] = calls(victim, victim);
      const without = await request(route, call!, {});
      assert.equal(without.status, 401);
      assert.equal(without.body.error, 'API key is required');
      assert.equal(without.body.code, 'api_key_required');
      for (const [kind, error, headers] of refused) {
        const reply = await request(route, call!, headers);
        assert.equal(reply.status, 401, kind);
        assert.equal(reply.body.error, error, kind);
        const code = error === 'Invalid token' ? 'token_invalid' : 'api_key_invalid';
        assert.equal(reply.body.code, code, kind);
      }
    });
  assert.equal(await snapshot(), snapshotBefore);
});

type Refused = [kind: string, error: string, headers: Record<string, string>];

async function badKeys(): Promise<Refused[]> {
  const expired = await server.newKey({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
  await server.database.db
    .updateTable('api_keys')
    .set({ expires_at: new Date(Date.now() - 1000) })
    .where('expires_at', 'is not', null)
    .execute();
  const { body } = await server.call('POST', '/v1/keys', { body: { name: 'gone', permission: 'admin' } });
  await server.call('DELETE', `/v1/keys/${body.key.id}`);
  const keys = { malformed: 'lk_live_x', unknown: newSecret(), revoked: body.api_key, expired };
  const token = await asUser(server, await newOrganization(server), 'admin');
  return Object.entries(keys).flatMap(([kind, key]): Refused[] => [
    [`${kind} key`, 'Invalid API key', { 'x-api-key': key }],
    [`${kind} key beside a token`, 'Invalid API key', { 'x-api-key': key, ...token }],
  ]);
}

async function badTokens(): Promise<Refused[]> {
  const organization = await newOrganization(server);
  const [expired, revoked, suspended, good] = (await Promise.all(
    Array.from({ length: 4 }, async () => {
      const user = await newUser(server, organization);
      return { user, headers: await asUser(server, organization, 'admin', user) };
    }),
  )) as [Minted, Minted, Minted, Minted];
  const ended = { expires_at: new Date(Date.now() - 1000) };
  for (const [{ user }, set] of [
    [expired, ended],
    [revoked, { revoked_at: new Date() }],
  ] as const)
    await server.database.db
      .updateTable('user_tokens')
      .set(set)
      .where('user_id', '=', eb => eb.selectFrom('users').select('id').where('unique_id', '=', user))
      .execute();
  await server.call('PATCH', `/v1/organizations/${organization}/users/${suspended.user}`, {
    body: { status: 'suspended' },
  });
  const headers = {
    malformed: { authorization: 'Bearer x' },
    unknown: { authorization: `Bearer ${newSecret('user')}` },
    'of another scheme': { authorization: good.headers.authorization!.replace('Bearer', 'Basic') },
    expired: expired.headers,
    revoked: revoked.headers,
    suspended: suspended.headers,
    "beside another tenant's key": { ...good.headers, 'x-api-key': await server.newTenant() },
    "beside another organization's key": {
      ...good.headers,
      'x-api-key': await server.newKey({ organization_id: await newOrganization(server) }),
    },
  };
  return Object.entries(headers).flatMap(([kind, one]): Refused[] => [
    [`token ${kind}`, 'Invalid token', one],
    [`token ${kind}, with a key`, 'Invalid token', { 'x-api-key': server.key, ...one }],
  ]);
}

type Minted = { user: string; headers: Record<string, string> };

/** Calls every route with the victim's names and with names that nobody has: nobody can tell one from the other. */
async function meetsNothing(
  t: { test: typeof test },
  credentials: Record<string, string>,
  own: Names,
): Promise<void> {
  for (const [route, calls] of Object.entries(matrix))
    await t.test(route, async () => {
      const nobody = namesOfNobody();
      const unknown = calls(nobody, own);
      for (const [index, call] of calls(victim, own).entries()) {
        const reply = await request(route, call, credentials);
        const same = await request(route, unknown[index]!, credentials);
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
  // Each call counts itself, and the use of a key is written down meanwhile.
  rest = rest.replaceAll(/"last_used_at":(null|"[^"]*")/g, '"last_used_at":USED');
  rest = rest.replace(/("requests_per_day","max":null,"used":)\d+/, '$1COUNT');
  for (const [field, name] of Object.entries(names)) rest = rest.replaceAll(name, field);
  return rest;
}

function assertRefused(reply: Reply): void {
  assert.equal(reply.status, 403);
  assert.equal(reply.body.error, 'Admin permission required');
  assert.equal(reply.body.detail, 'This action requires admin privileges');
  assert.equal(reply.body.code, 'admin_required');
}

const request = (route: string, { path, headers, ...options }: Call, credentials: Record<string, string>) =>
  server.call(route.split(' ')[0]!, path, { ...options, key: '', headers: { ...headers, ...credentials } });

/** All that the database has of the victim's organization, its carrier account, and its tenant's settings. */
async function snapshot(): Promise<string> {
  const { tenant_id, id } = await server.database.db
    .selectFrom('organizations')
    .innerJoin('users', 'users.organization_id', 'organizations.id')
    .select(['organizations.tenant_id', 'organizations.id'])
    .where('users.email', '=', victim.email)
    .where('organizations.unique_id', '=', victim.organization)
    .orderBy('organizations.created_at')
    .executeTakeFirstOrThrow();
  const settings = sql`
    select to_jsonb(t) as r, (select to_jsonb(a) from carrier_accounts a where id = ${victim.account}) as account,
      (select book from sandbox_books where account = ${victim.account}) as book
    from tenants t where id = ${tenant_id}`;
  const parts: unknown[] = [(await settings.execute(server.database.db)).rows];
  const found = sql`
    select to_jsonb(r) as r, (select jsonb_agg(d order by d.phone_number) from carrier_drift d where d.run_id = r.id) as drift,
      (select count(*) from carrier_runs where carrier_account_id = r.carrier_account_id) as runs
    from carrier_runs r where id = ${victim.run}`;
  parts.push((await found.execute(server.database.db)).rows);
  const tables = ['organizations', 'users', 'user_tokens', 'phone_numbers', 'number_versions', 'assignments'];
  for (const table of [...tables, 'charges', 'events', 'batch_items', 'api_keys']) {
    const { rows } = await sql`
      select to_jsonb(r) - 'last_used_at' as r from ${sql.table(table)} r
      where tenant_id = ${tenant_id} and ${sql.ref(table === 'organizations' ? 'id' : 'organization_id')} = ${id}
      order by 1`.execute(server.database.db);
    parts.push(table, rows);
  }
  return JSON.stringify(parts, null, 1);
}
