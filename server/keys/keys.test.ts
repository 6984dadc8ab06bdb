import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { hashSecret, newSecret } from '../access/secret.ts';
import { newNumbers, newOrganization } from '../testing/factories.ts';
import { fuzzing } from '../testing/runs.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const create = (body: object, key = server.key) => server.call('POST', '/v1/keys', { key, body });

test('a secret has its shape, and one wrong character is caught without the database', () => {
  const characters = fc.stringMatching(/^[ -~]$/);
  const property = fc.property(fc.nat(46), characters, (place, character) => {
    const secret = newSecret();
    assert.match(secret, /^lk_live_[0-9A-Za-z]{38}$/);
    const typo = secret.slice(0, place) + character + secret.slice(place + 1);
    assert.deepEqual(
      hashSecret(typo),
      typo === secret ? createHash('sha256').update(secret).digest() : undefined,
    );
  });
  fc.assert(property, fuzzing(2000));
  for (const text of ['', 'lk_live_', ` ${newSecret()}`, `${newSecret()}\n`, newSecret().toLowerCase()])
    assert.equal(hashSecret(text), undefined);
});

test('a secret is shown once, never logged, and stored as a hash', async () => {
  const { status, body } = await create({ name: 'inbound router', permission: 'read' });
  assert.equal(status, 201);
  const secret: string = body.api_key;
  assert.equal(body.key.prefix, secret.slice(0, 12));
  assert.deepEqual(
    { ...body.key, id: '', prefix: '', created_at: '' },
    {
      id: '',
      name: 'inbound router',
      prefix: '',
      permission: 'read',
      organization_id: null,
      created_at: '',
      expires_at: null,
      revoked_at: null,
      last_used_at: null,
      limits: {},
      limits_of: null,
    },
  );
  assert.equal((await server.call('GET', '/v1/organizations', { key: secret })).status, 200);
  const list = await server.call('GET', '/v1/keys');
  assert.equal(list.body.count, list.body.keys.length);
  assert.equal(list.body.keys.find((key: { id: string }) => key.id === body.key.id).name, 'inbound router');
  const revoked = await server.call('DELETE', `/v1/keys/${body.key.id}`);
  const { rows } = await sql<{ row: string }>`select k::text as row from api_keys k`.execute(
    server.database.db,
  );
  const hidden = secret.slice(12);
  for (const text of [list.text, revoked.text, ...server.logged, ...rows.map(({ row }) => row)])
    assert(!text.includes(hidden));
  const hash = createHash('sha256').update(secret).digest('hex');
  assert(rows.some(({ row }) => row.includes(hash)));
});

test('revocation holds from the very next request on, and can be repeated', async () => {
  const { body } = await create({ name: 'short', permission: 'admin' });
  const use = () => server.call('GET', '/v1/organizations', { key: body.api_key });
  assert.equal((await use()).status, 200);
  const first = await server.call('DELETE', `/v1/keys/${body.key.id}`);
  assert.equal((await use()).status, 401);
  assert.match(first.body.key.revoked_at, /Z$/);
  const again = await server.call('DELETE', `/v1/keys/${body.key.id}`);
  assert.equal(again.status, 200);
  assert.deepEqual(again.body, first.body);
  // A key can revoke itself.
  const own = (await create({ name: 'own', permission: 'admin' })).body;
  assert.equal((await server.call('DELETE', `/v1/keys/${own.key.id}`, { key: own.api_key })).status, 200);
  assert.equal((await server.call('GET', '/v1/keys', { key: own.api_key })).status, 401);
});

test('a key expires at its expires_at', async () => {
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const { body } = await create({ name: 'visitor', permission: 'read', expires_at });
  assert.equal(body.key.expires_at, `${expires_at.slice(0, 19)}Z`);
  assert.equal((await server.call('GET', '/v1/organizations', { key: body.api_key })).status, 200);
  await server.database.db
    .updateTable('api_keys')
    .set({ expires_at: sql`now()` })
    .where('id', '=', body.key.id)
    .execute();
  assert.equal((await server.call('GET', '/v1/organizations', { key: body.api_key })).status, 401);
  for (const wrong of ['2001-01-01T00:00:00Z', 'tomorrow', '', '2030-02-30T00:00:00Z', 7, null]) {
    const reply = await create({ name: 'x', permission: 'read', expires_at: wrong });
    assert.equal(reply.status, 400, `${wrong}`);
    assert.match(reply.body.error, /^expires_at /);
  }
});

test('a bound key sees and creates only what is in its organization', async () => {
  const [one, other] = [await newOrganization(server), await newOrganization(server)];
  const [number] = await newNumbers(server, one);
  await newNumbers(server, other);
  const key = await server.newKey({ organization_id: one });
  const organizations = (await server.call('GET', '/v1/organizations', { key })).body;
  assert.deepEqual(
    organizations.organizations.map((o: { unique_id: string }) => o.unique_id),
    [one],
  );
  assert.equal(
    (await server.call('GET', `/v1/sms/phone-numbers/${number!.phone_number}`, { key })).status,
    200,
  );
  assert.equal(
    (await server.call('GET', `/v1/sms/phone-numbers?organization_id=${other}`, { key })).status,
    404,
  );
  assert.equal((await create({ name: 'more', permission: 'read', organization_id: one }, key)).status, 201);
  assert.equal((await create({ name: 'more', permission: 'read', organization_id: other }, key)).status, 404);
  const wider = await create({ name: 'wider', permission: 'read' }, key);
  assert.equal(wider.status, 403);
  assert.equal(wider.body.error, 'This key is bound to one organization');
  assert.match(wider.body.detail, /organization_id/);
  const founded = await server.call('POST', '/v1/organizations', { key, body: { name: 'New' } });
  assert.equal(founded.status, 403);
  assert.equal(founded.body.code, 'key_bound');
  const { keys } = (await server.call('GET', '/v1/keys', { key })).body;
  assert.deepEqual(
    keys.map((k: { organization_id: string }) => k.organization_id),
    [one, one],
  );
});

test('the last use of a key is recorded', async () => {
  const own = await startTestServer(server.database);
  const { body } = await create({ name: 'used', permission: 'read' });
  const idle = await create({ name: 'idle', permission: 'read' });
  const began = new Date();
  await own.call('GET', '/v1/organizations', { key: body.api_key });
  await own.app.close();
  const { keys } = (await server.call('GET', '/v1/keys')).body;
  const lastUse = (id: string) => keys.find((key: { id: string }) => key.id === id).last_used_at;
  assert.equal(lastUse(idle.body.key.id), null);
  assert(lastUse(body.key.id) >= began.toISOString().slice(0, 19));
});
