import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { forgetTokens } from './tokens.ts';

let server: TestServer;
let organization: string;
let elsewhere: string;
let plain: string;
let admin: string;
let mine: string;
let free: string;
let others: string;
let foreign: string;
before(async () => {
  server = await startTestServer();
  [organization, elsewhere] = [await newOrganization(server), await newOrganization(server)];
  [plain, admin] = [await newUser(server, organization), await newUser(server, organization)];
  await server.call('PATCH', `/v1/organizations/${organization}/users/${admin}`, {
    body: { permission: 'admin' },
  });
  [mine, free, others] = (
    await newNumbers(server, organization, [
      { phone_number: uniqueNumber(), user_id: plain },
      { phone_number: uniqueNumber() },
      { phone_number: uniqueNumber(), user_id: admin },
    ])
  ).map(number => number.phone_number) as [string, string, string];
  foreign = (await newNumbers(server, elsewhere))[0]!.phone_number;
});
after(() => server.stop());

const tokensOf = (user: string, of = organization) => `/v1/organizations/${of}/users/${user}/tokens`;

async function mint(user: string, expires_in = 3600) {
  const reply = await server.call('POST', tokensOf(user), { body: { expires_in } });
  assert.equal(reply.status, 201, reply.text);
  return { id: reply.body.token.id as string, secret: reply.body.access_token as string };
}

const as = (secret: string, method: string, path: string, body?: unknown, key = '') =>
  server.call(method, path, {
    key,
    ...(body !== undefined && { body }),
    headers: { authorization: `Bearer ${secret}` },
  });

const numbersOf = (reply: { body: { phone_numbers: { phone_number: string }[] } }) =>
  reply.body.phone_numbers.map(number => number.phone_number).sort();

test('for a user, only their own numbers exist', async () => {
  const { secret } = await mint(plain);
  for (const key of ['', server.key]) {
    const list = await as(
      secret,
      'GET',
      `/v1/sms/phone-numbers?organization_id=${organization}`,
      undefined,
      key,
    );
    assert.deepEqual(numbersOf(list), [mine]);
    const past = await as(
      secret,
      'GET',
      `/v1/sms/phone-numbers?organization_id=${organization}&as_of=${new Date().toISOString()}&total=true`,
      undefined,
      key,
    );
    assert.deepEqual([numbersOf(past), past.body.total], [[mine], 1]);
    const pool = await as(
      secret,
      'GET',
      `/v1/sms/phone-numbers/available?organization_id=${organization}`,
      undefined,
      key,
    );
    assert.deepEqual(numbersOf(pool), []);
    assert.equal((await as(secret, 'GET', `/v1/sms/phone-numbers/${mine}`, undefined, key)).status, 200);
    for (const hidden of [free, others, foreign, uniqueNumber()]) {
      const { status, body } = await as(secret, 'GET', `/v1/sms/phone-numbers/${hidden}`, undefined, key);
      assert.deepEqual([status, body.code], [404, 'number_not_found']);
    }
    const outside = await as(
      secret,
      'GET',
      `/v1/sms/phone-numbers?organization_id=${elsewhere}`,
      undefined,
      key,
    );
    assert.equal(outside.status, 404);
  }
});

test("a user's list has its own ETag", async () => {
  const { secret } = await mint(plain);
  const path = `/v1/sms/phone-numbers?organization_id=${organization}`;
  const all = await server.call('GET', path);
  const own = await as(secret, 'GET', path);
  assert.notEqual(own.headers.get('etag'), all.headers.get('etag'));
});

const changes: [method: string, path: () => string, body?: unknown][] = [
  ['POST', () => '/v1/organizations', { name: 'Acme' }],
  ['PATCH', () => `/v1/organizations/${organization}`, { name: 'Other' }],
  ['POST', () => `/v1/organizations/${organization}/users`, { name: 'A', email: 'a@example.com' }],
  ['PATCH', () => `/v1/organizations/${organization}/users/${plain}`, { permission: 'admin' }],
  ['POST', () => tokensOf(plain), { expires_in: 3600 }],
  ['POST', () => '/v1/sms/phone-numbers', { organization_id: '', phone_numbers: [] }],
  ['POST', () => '/v1/sms/phone-numbers/claim', {}],
  ['POST', () => '/v1/sms/phone-numbers/bulk', { items: [] }],
  ['PATCH', () => `/v1/sms/phone-numbers/${mine}`, { nickname: 'x' }],
  ['DELETE', () => `/v1/sms/phone-numbers/${mine}`],
  ['DELETE', () => `/v1/sms/phone-numbers/${mine}/assign`],
  ...['assign', 'reserve', 'transfer', 'end-cool-down', 'restore'].map(
    (name): [string, () => string, unknown] => ['POST', () => `/v1/sms/phone-numbers/${mine}/${name}`, {}],
  ),
  ['POST', () => '/v1/sms/reservations/0199f3a0-ad52-7f96-a05e-8b7c2d3e4f50/renew', {}],
  ['DELETE', () => '/v1/sms/reservations/0199f3a0-ad52-7f96-a05e-8b7c2d3e4f50'],
  ['PATCH', () => '/v1/tenant', { cool_down_seconds: 1 }],
  ['POST', () => '/v1/keys', { name: 'k', permission: 'admin' }],
];
const reads = [
  () => '/v1/organizations',
  () => `/v1/organizations/${organization}`,
  () => `/v1/organizations/${organization}/users`,
  () => `/v1/organizations/${organization}/users/${plain}`,
  () => `/v1/events?organization_id=${organization}`,
  () => `/v1/sms/phone-numbers/summary?organization_id=${organization}`,
  () => `/v1/sms/phone-numbers/${mine}/history`,
  () => '/v1/batches/0199f3a0-ad52-7f96-a05e-8b7c2d3e4f50',
  () => '/v1/tenant',
  () => '/v1/keys',
];

test('a user can change nothing and see nothing else, even with an admin key beside the token', async () => {
  const { secret } = await mint(plain);
  const all = [...changes, ...reads.map((path): (typeof changes)[number] => ['GET', path])];
  for (const key of ['', server.key]) {
    for (const [method, path, body] of all) {
      const reply = await as(secret, method, path(), body, key);
      assert.deepEqual([reply.status, reply.body.code], [403, 'admin_required'], `${method} ${path()}`);
      assert.equal(reply.body.error, 'Admin permission required');
      assert.equal(reply.body.detail, 'This action requires admin privileges');
    }
  }
});

test('for an admin, only their own organization exists, and they manage it', async () => {
  const { secret } = await mint(admin);
  const call = (method: string, path: string, body?: unknown) => as(secret, method, path, body);
  assert.deepEqual((await call('GET', '/v1/organizations')).body.count, 1);
  assert.equal((await call('PATCH', `/v1/organizations/${organization}`, { name: 'Mine' })).status, 200);
  assert.equal((await call('POST', `/v1/sms/phone-numbers/${free}/assign`, { user_id: plain })).status, 200);
  const { events } = (await server.call('GET', `/v1/events?organization_id=${organization}&limit=1000`)).body;
  assert.deepEqual(events.at(-1).actor, { type: 'user', id: admin });
  assert.equal((await call('DELETE', `/v1/sms/phone-numbers/${free}/assign`)).status, 200);
  for (const [method, path, body] of [
    ['GET', `/v1/organizations/${elsewhere}`],
    ['PATCH', `/v1/organizations/${elsewhere}`, { name: 'Theirs' }],
    ['GET', `/v1/sms/phone-numbers?organization_id=${elsewhere}`],
    ['GET', `/v1/events?organization_id=${elsewhere}`],
    ['GET', `/v1/sms/phone-numbers/${foreign}`],
    ['GET', `/v1/sms/phone-numbers/${foreign}/history`],
    ['DELETE', `/v1/sms/phone-numbers/${foreign}`],
    ['POST', `/v1/sms/phone-numbers/${foreign}/reserve`, { expires_in: 3600 }],
    ['POST', `/v1/sms/phone-numbers/${free}/transfer`, { to_organization_id: elsewhere }],
  ] as const) {
    assert.equal((await call(method, path, body)).status, 404, `${method} ${path}`);
  }
  const { body } = await call('POST', '/v1/sms/phone-numbers/bulk', {
    items: [{ action: 'release', phone_number: foreign }],
  });
  assert.equal(body.results[0].code, 'number_not_found');
  assert.equal((await call('POST', '/v1/organizations', { name: 'New' })).status, 403);
  assert.equal((await call('PATCH', '/v1/tenant', { cool_down_seconds: 1 })).status, 403);
});

test('users cannot manage keys and tokens, not even admins', async () => {
  const { id, secret } = await mint(admin);
  for (const [method, path, body] of [
    ['POST', tokensOf(plain), { expires_in: 3600 }],
    ['DELETE', `${tokensOf(admin)}/${id}`],
    ['GET', '/v1/keys'],
    ['POST', '/v1/keys', { name: 'k', permission: 'read', organization_id: organization }],
    ['DELETE', `/v1/keys/${id}`],
  ] as const) {
    const reply = await as(secret, method, path, body, server.key);
    assert.deepEqual([reply.status, reply.body.code], [403, 'admin_required'], `${method} ${path}`);
  }
});

test('a token that is revoked, expired or of an inactive user gets 401 at the very next request', async () => {
  const path = `/v1/sms/phone-numbers?organization_id=${organization}`;
  const statusWith = async (secret: string, key = '') =>
    (await as(secret, 'GET', path, undefined, key)).status;
  const [revoked, expired, suspended] = [await mint(plain), await mint(plain), await mint(plain)];
  for (const { secret } of [revoked, expired, suspended]) assert.equal(await statusWith(secret), 200);

  for (let i = 0; i < 2; i++)
    assert.equal((await server.call('DELETE', `${tokensOf(plain)}/${revoked.id}`)).status, 200);
  assert.equal(await statusWith(revoked.secret), 401);

  await server.database.pool.query('update user_tokens set expires_at = now() where id = $1', [expired.id]);
  const late = await as(expired.secret, 'GET', path, undefined, server.key);
  assert.deepEqual([late.status, late.body.error], [401, 'Invalid token']);

  const user = `/v1/organizations/${organization}/users/${plain}`;
  for (const status of ['suspended', 'inactive']) {
    await server.call('PATCH', user, { body: { status } });
    assert.equal(await statusWith(suspended.secret, server.key), 401);
    assert.equal(
      (await server.call('POST', tokensOf(plain), { body: { expires_in: 3600 } })).body.code,
      'user_not_active',
    );
  }
  await server.call('PATCH', user, { body: { status: 'active' } });
  assert.equal(await statusWith(suspended.secret), 200);
});

test('a token with an invalid key, or with a key of another tenant or organization, gets 401', async () => {
  const { secret } = await mint(admin);
  const path = `/v1/sms/phone-numbers?organization_id=${organization}`;
  const keys = [
    await server.newTenant(),
    await server.newKey({ organization_id: elsewhere }),
    'lk_live_wrong',
  ];
  for (const key of keys) assert.equal((await as(secret, 'GET', path, undefined, key)).status, 401);
  const bound = await server.newKey({ organization_id: organization, permission: 'read' });
  assert.equal((await as(secret, 'GET', path, undefined, bound)).status, 200);
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Basic x',
    `Bearer ${secret}x`,
    `bearer  ${server.key}`,
  ]) {
    const reply = await server.call('GET', path, { headers: { authorization } });
    assert.equal(reply.status, 401, authorization);
  }
});

test('a key creates tokens only for users that it sees, and a read key creates none', async () => {
  const bound = await server.newKey({ organization_id: elsewhere });
  const read = await server.newKey({ permission: 'read' });
  const body = { expires_in: 3600 };
  assert.equal((await server.call('POST', tokensOf(plain), { key: bound, body })).status, 404);
  assert.equal(
    (await server.call('POST', tokensOf(plain), { key: await server.newTenant(), body })).status,
    404,
  );
  assert.equal((await server.call('POST', tokensOf(plain), { key: read, body })).status, 403);
  assert.equal((await server.call('POST', tokensOf(plain, elsewhere), { body })).body.code, 'user_not_found');
  for (const expires_in of [0, 86_401, 1.5, '60', null])
    assert.equal((await server.call('POST', tokensOf(plain), { body: { expires_in } })).status, 400);
});

test('a token is shown once, stored as a hash, and never logged', async () => {
  const { id, secret } = await mint(plain);
  assert.match(secret, /^lk_user_/);
  await as(secret, 'GET', '/v1/keys');
  await as(secret, 'GET', `/v1/sms/phone-numbers/${mine}`);
  const { rows } = await server.database.pool.query('select * from user_tokens where id = $1', [id]);
  assert.ok(!JSON.stringify(rows).includes(secret));
  assert.ok(!rows[0].hash.includes(secret));
  assert.ok(server.logged.length > 0 && !server.logged.some(line => line.includes(secret.slice(8))));
});

test('a token that expired more than thirty days ago is forgotten', async () => {
  const [old, recent] = [await mint(plain), await mint(plain)];
  const move = (id: string, days: number) =>
    server.database.pool.query(
      'update user_tokens set expires_at = now() - make_interval(days => $2) where id = $1',
      [id, days],
    );
  await move(old.id, 31);
  await move(recent.id, 29);
  await forgetTokens(server.database.db);
  const { rows } = await server.database.pool.query('select id from user_tokens where id = any($1)', [
    [old.id, recent.id],
  ]);
  assert.deepEqual(rows, [{ id: recent.id }]);
});
