import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { type CallOptions, startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
let organization: string;
let user: string;
before(async () => {
  server = await startTestServer();
  organization = await newOrganization(server);
  user = await newUser(server, organization);
});
after(() => server.stop());

const post = (path: string, idempotencyKey: string, body: unknown, options: CallOptions = {}) =>
  server.call('POST', path, {
    ...options,
    body,
    headers: { 'idempotency-key': idempotencyKey, ...options.headers },
  });

const claim = (idempotencyKey: string, options: CallOptions = {}) =>
  post(
    '/v1/sms/phone-numbers/claim',
    idempotencyKey,
    { organization_id: organization, user_id: user },
    options,
  );

async function revision(): Promise<number> {
  const path = `/v1/events?organization_id=${organization}&limit=1`;
  return (await server.call('GET', path)).body.revision;
}

async function records(key: string) {
  const { rows } = await server.database.pool.query('select * from idempotency_keys where key = $1', [key]);
  return rows;
}

test('50 concurrent requests with one key: one effect, one event, equal answers', async () => {
  await newNumbers(
    server,
    organization,
    Array.from({ length: 50 }, () => ({ phone_number: uniqueNumber() })),
  );
  const before = await revision();
  const replies = await Promise.all(Array.from({ length: 50 }, () => claim('fifty')));
  assert.equal(await revision(), before + 1);
  const done = replies.filter(reply => reply.status === 200);
  assert.ok(done.length > 0);
  const first = done[0]!.text;
  for (const reply of done) assert.equal(reply.text, first);
  const running = replies.filter(reply => reply.status !== 200);
  for (const reply of running)
    assert.deepEqual([reply.status, reply.body.code], [409, 'idempotency_running']);
  assert.equal(
    replies.filter(({ status, headers }) => status === 200 && !headers.has('idempotency-replayed')).length,
    1,
  );
  const again = await claim('fifty');
  assert.deepEqual(
    [again.status, again.text, again.headers.get('idempotency-replayed')],
    [200, first, 'true'],
  );
  assert.equal(again.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(await revision(), before + 1);
});

test('the key is refused with another body, path or method, and nothing changes', async () => {
  await newNumbers(server, organization);
  assert.equal((await claim('once')).status, 200);
  const before = await revision();
  const others = [
    await post('/v1/sms/phone-numbers/claim', 'once', {
      organization_id: organization,
      user_id: 'user_other',
    }),
    await post('/v1/organizations', 'once', { name: 'Acme' }),
    await server.call('DELETE', `/v1/sms/phone-numbers/${uniqueNumber()}`, {
      headers: { 'idempotency-key': 'once' },
    }),
  ];
  for (const { status, body } of others) assert.deepEqual([status, body.code], [422, 'idempotency_mismatch']);
  assert.equal(await revision(), before);
});

test('two tenants can use the same key', async () => {
  const other = await server.newTenant();
  const [mine, theirs] = [
    await post('/v1/organizations', 'shared', { name: 'Acme' }),
    await post('/v1/organizations', 'shared', { name: 'Acme' }, { key: other }),
  ];
  assert.deepEqual([mine.status, theirs.status], [201, 201]);
  assert.notEqual(mine.body.organization.unique_id, theirs.body.organization.unique_id);
  assert.equal(theirs.headers.get('idempotency-replayed'), null);
});

test('an organization has its own idempotency keys: it gets no reply of another, and learns nothing of its keys', async () => {
  await newNumbers(server, organization);
  assert.equal((await claim('bound')).status, 200);
  const elsewhere = await newOrganization(server);
  const bound = await server.newKey({ organization_id: elsewhere });
  const here = await server.newKey({ organization_id: organization });
  assert.equal((await claim('bound', { key: bound })).body.code, 'organization_not_found');
  const path = (id: string) => `/v1/organizations/${id}/users`;
  const create = (id: string, key: string, name: string) =>
    post(path(id), 'same', { name, email: `${name}@example.com` }, { key });
  const [first, second] = [await create(organization, here, 'ann'), await create(elsewhere, bound, 'bea')];
  assert.deepEqual([first.status, second.status], [201, 201], second.text);
  const [again, others] = [await create(organization, here, 'ann'), await create(elsewhere, bound, 'cid')];
  assert.deepEqual([again.text, again.headers.get('idempotency-replayed')], [first.text, 'true']);
  assert.equal(others.body.code, 'idempotency_mismatch');
});

test('a key that was used before organizations had keys of their own is still replayed', async () => {
  const here = await server.newKey({ organization_id: organization });
  const elsewhere = await server.newKey({ organization_id: await newOrganization(server) });
  const rename = (key: string) =>
    server.call('PATCH', `/v1/organizations/${organization}`, {
      key,
      body: { name: 'Renamed' },
      headers: { 'idempotency-key': 'older' },
    });
  assert.equal((await rename(here)).status, 200);
  await server.database.pool.query(`update idempotency_keys set organization_id = null where key = 'older'`);
  const again = await rename(here);
  assert.deepEqual([again.status, again.headers.get('idempotency-replayed')], [200, 'true']);
  assert.equal((await rename(elsewhere)).body.code, 'organization_not_found');
});

test('a failed request stores no reply, so it can be tried again', async () => {
  const number = uniqueNumber();
  const path = `/v1/sms/phone-numbers/${number}/assign`;
  assert.equal((await post(path, 'fails', { user_id: user })).status, 400);
  assert.equal((await post(path, 'fails', {})).status, 400);
  assert.equal(
    (
      await server.call('DELETE', `/v1/sms/phone-numbers/${number}`, {
        headers: { 'idempotency-key': 'gone' },
      })
    ).status,
    404,
  );
  assert.deepEqual([await records('fails'), await records('gone')], [[], []]);
  await newNumbers(server, organization, [{ phone_number: number }]);
  assert.equal((await post(path, 'fails', { user_id: user })).status, 200);
  assert.equal((await records('fails')).length, 1);
});

test('a DELETE is replayed too: a second unassignment with the same key changes nothing', async () => {
  const [number] = await newNumbers(server, organization, [{ phone_number: uniqueNumber(), user_id: user }]);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}/assign`;
  const headers = { 'idempotency-key': 'delete' };
  const first = await server.call('DELETE', path, { headers });
  await server.call('POST', path, { body: { user_id: user } });
  const second = await server.call('DELETE', path, { headers });
  assert.deepEqual([second.status, second.text], [first.status, first.text]);
  const list = await server.call('GET', `/v1/sms/phone-numbers/${number!.phone_number}`);
  assert.equal(list.body.phone_number.assigned_to.user_id, user);
});

test('secrets are not stored: the replay of a new key or token has none', async () => {
  const tokens = `/v1/organizations/${organization}/users/${user}/tokens`;
  for (const [path, body, secret] of [
    ['/v1/keys', { name: 'k', permission: 'read' }, 'api_key'],
    [tokens, { expires_in: 3600 }, 'access_token'],
  ] as const) {
    const first = await post(path, secret, body);
    assert.equal(first.status, 201);
    assert.match(first.body[secret], /^lk_/);
    const second = await post(path, secret, body);
    assert.deepEqual(second.body, { ...first.body, [secret]: null });
    const [record] = await records(secret);
    assert.ok(!record.body.includes(first.body[secret]));
    assert.ok(!server.logged.some(line => line.includes(first.body[secret])));
  }
});

test('an Idempotency-Key must be printable and short', async () => {
  for (const bad of ['', ' ', 'a b', 'x'.repeat(256)]) {
    const { status } = await claim(bad);
    assert.equal(status, 400, JSON.stringify(bad));
  }
});

test('If-Match takes the revision in any of its forms, and answers 412 to any other', async () => {
  const [number] = await newNumbers(server, organization);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  const edit = (ifMatch: string, nickname: string) =>
    server.call('PATCH', path, { body: { nickname }, headers: { 'if-match': ifMatch } });
  const etag = (
    await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`)
  ).headers.get('etag')!;
  assert.equal((await edit(etag, 'a')).status, 200);
  const stale = await edit(etag, 'b');
  assert.deepEqual([stale.status, stale.body.code], [412, 'revision_mismatch']);
  let current = await revision();
  for (const form of [`${current++}`, `"${current++}"`, `W/"${current++}"`, '*']) {
    assert.equal((await edit(form, form)).status, 200, form);
  }
  for (const wrong of ['0', '"999999"', String((await revision()) - 1)])
    assert.equal((await edit(wrong, 'c')).status, 412);
  for (const bad of ['x', '""', '1,2', '-1', '1e3', '9'.repeat(16)])
    assert.equal((await edit(bad, 'd')).status, 400, bad);
  assert.equal((await server.call('GET', path)).body.phone_number.nickname, '*');
});

test('of many concurrent changes with the same If-Match, one is made', async () => {
  const numbers = await newNumbers(
    server,
    organization,
    Array.from({ length: 10 }, () => ({ phone_number: uniqueNumber() })),
  );
  const headers = { 'if-match': String(await revision()) };
  const replies = await Promise.all(
    numbers.map(({ phone_number }) =>
      server.call('POST', `/v1/sms/phone-numbers/${phone_number}/assign`, {
        body: { user_id: user },
        headers,
      }),
    ),
  );
  assert.deepEqual(replies.map(reply => reply.status).sort(), [200, ...Array(9).fill(412)]);
});
