import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { newOrganization } from '../testing/factories.ts';
import { type Reply, startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const post = (body: unknown, headers = {}) => server.call('POST', '/v1/organizations', { body, headers });

function assertProblem(reply: Reply, status: number, code: string, error: string | RegExp): void {
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8');
  const { body } = reply;
  const detail = 'detail' in body ? ['detail'] : [];
  assert.deepEqual(Object.keys(body), ['success', 'error', ...detail, 'code', 'request_id', 'powered_by']);
  assert.equal(body.success, false);
  assert.equal(body.code, code);
  assert.equal(body.powered_by, 'Teli');
  assert.equal(body.request_id, reply.headers.get('x-request-id'));
  if (typeof error === 'string') assert.equal(body.error, error);
  else assert.match(body.error, error);
}

test('a body that cannot be read is refused with the reason', async () => {
  const json = { 'content-type': 'application/json' };
  for (const text of ['{', '', 'hello', '{"name":"x"} {}', '{"__proto__":{"name":"x"}}', '\0'])
    assertProblem(await post(text, json), 400, 'body_invalid', 'The body is not valid JSON');
  const deep = `{"name":${'['.repeat(21)}${']'.repeat(21)}}`;
  assertProblem(await post(deep, json), 400, 'body_invalid', 'The body is nested too deep');
  const brackets = await post({ name: '[{"'.repeat(60) });
  assert.equal(brackets.status, 201, 'brackets inside text are not nesting');
  const large = JSON.stringify({ name: 'x'.repeat(131_073) });
  assertProblem(await post(large), 413, 'body_too_large', 'The body is larger than 131072 bytes');
  for (const type of ['text/plain', 'application/xml', 'multipart/form-data', 'nonsense'])
    assertProblem(
      await post('{}', { 'content-type': type }),
      415,
      'media_type_unsupported',
      'This content type is not supported here',
    );
});

test('an error in a body names the field', async () => {
  const refusals: [unknown, string][] = [
    [{}, 'name is required'],
    [{ name: 7 }, 'name must be a string'],
    [{ name: 'x', colour: 'red' }, 'colour is not a known field'],
    [
      { name: 'x', contact_email: 'nobody' },
      'contact_email must be an e-mail address such as john@company.com',
    ],
    [{ name: 'a\0' }, 'name has a character that cannot be stored (U+0000 or an unpaired surrogate)'],
    [{ name: '\ud800' }, 'name has a character that cannot be stored (U+0000 or an unpaired surrogate)'],
    [[], 'the body must be an object'],
    ['null', 'the body must be an object'],
  ];
  for (const [body, error] of refusals) assertProblem(await post(body), 400, 'invalid_request', error);
});

test('all wrong fields are named at once, each with its rule in words', async () => {
  const { body, status } = await post({ nam: 'x', name: 7, contact_email: 'nobody', unique_id: 'ö' });
  assert.equal(status, 400);
  assert.deepEqual(body.fields, [
    { field: 'nam', error: 'nam is not a known field (did you mean name?)' },
    { field: 'name', error: 'name must be a string' },
    { field: 'contact_email', error: 'contact_email must be an e-mail address such as john@company.com' },
    {
      field: 'unique_id',
      error: 'unique_id must be 1 to 128 letters, digits or _ . : - such as org_abc123',
    },
  ]);
  assert.equal(body.error, body.fields.map(({ error }: { error: string }) => error).join('; '));

  const query = 'organisation_id=x&limit=0&as_of=yesterday&created_after=2024-02-30&area_code=41&contains=x';
  const list = await server.call('GET', `/v1/sms/phone-numbers?${query}`);
  assert.equal(
    list.body.error,
    [
      'organization_id is required',
      'organisation_id is not a known parameter (did you mean organization_id?)',
      'area_code must be three digits, of which the first is neither 0 nor 1, such as 415',
      'contains must be digits of a phone number such as 415, +44 7700 or 555-01',
      'created_after must be a moment such as 2024-01-15T10:30:00Z, or a day such as 2024-01-15',
      'as_of must be a moment such as 2024-01-15T10:30:00Z, or a day such as 2024-01-15',
      'limit must be >= 1',
    ].join('; '),
  );
});

test('of very many wrong fields the first are named, and a huge wrong body is refused as fast as a small one', async () => {
  const phone_numbers = Array(100).fill({ phone_number: 7 });
  const many = await server.call('POST', '/v1/sms/phone-numbers', {
    body: { organization_id: 'x', phone_numbers },
  });
  assert.equal(many.body.fields.length, 20);
  assert.match(many.body.error, /; and 80 more$/);
  const items = Array(200_000).fill({});
  const huge = await server.call('POST', '/v1/sms/phone-numbers/bulk', { body: { items } });
  assertProblem(huge, 400, 'invalid_request', 'items must not have more than 10000 items');
});

test('the name that was meant is said, if one is near', async () => {
  const meant: [string, string | undefined][] = [
    ['organizationId', 'organization_id'],
    ['Area-Code', 'area_code'],
    ['starts', 'starts_with'],
    ['tags', 'tag'],
    ['page', undefined],
    ['_', undefined],
    ['x'.repeat(3000), undefined],
  ];
  for (const [name, known] of meant) {
    const { body } = await server.call('GET', `/v1/sms/phone-numbers?organization_id=x&${name}=1`);
    const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name;
    const question = known === undefined ? '' : ` (did you mean ${known}?)`;
    assert.equal(body.error, `${shown} is not a known parameter${question}`);
  }
});

test('texts are composed when they come in: what looks the same is the same', async () => {
  const [apart, composed] = ['Zu\u0308rich', 'Z\u00fcrich'];
  const created = await post({ name: apart });
  assert.equal(created.body.organization.name, composed);
  const escaped = JSON.stringify({ name: 'x' }).replace('x', 'Zu\\u0308rich');
  const json = { 'content-type': 'application/json' };
  assert.equal((await post(escaped, json)).body.organization.name, composed);
  const organization_id = created.body.organization.unique_id;
  const phone_number = '+14155550123';
  const metadata = { [apart]: [{ [apart]: apart }], last: 1 };
  const number = { phone_number, external_id: apart, tags: [apart, composed.toUpperCase()], metadata };
  const twice = await server.call('POST', '/v1/sms/phone-numbers', {
    body: { organization_id, phone_numbers: [{ ...number, tags: [apart, composed] }] },
  });
  assert.match(twice.body.error, /tags/, 'the two tags are one');
  await server.call('POST', '/v1/sms/phone-numbers', { body: { organization_id, phone_numbers: [number] } });
  const shown = (await server.call('GET', `/v1/sms/phone-numbers/${phone_number}`)).body.phone_number;
  assert.deepEqual(shown.metadata, { [composed]: [{ [composed]: composed }], last: 1 });
  for (const text of [apart, composed])
    for (const filter of ['tag', 'external_id']) {
      const query = `organization_id=${organization_id}&${filter}=${encodeURIComponent(text)}`;
      assert.equal((await server.call('GET', `/v1/sms/phone-numbers?${query}`)).body.count, 1, filter);
    }
});

test('unknown routes and invalid paths get an error body too', async () => {
  for (const path of ['/', '/v1', '/v1/sms/phone-numbers/x/y/z', '/v2/organizations', '/favicon.ico'])
    assertProblem(await server.call('GET', path, { key: '' }), 404, 'route_not_found', 'Not found');
  assertProblem(await server.call('PUT', '/v1/organizations'), 404, 'route_not_found', 'Not found');
  for (const path of [
    '/v1/organizations/%ff',
    '/v1/organizations/%zz',
    `/v1/organizations/${'x'.repeat(401)}`,
  ])
    assertProblem(await server.call('GET', path), 400, 'invalid_request', 'The path is not valid');
});

test('a request without a body may still name a content type', async () => {
  const headers = { 'content-type': 'application/json' };
  const { body } = await server.call('POST', '/v1/keys', { body: { name: 'x', permission: 'read' } });
  for (const text of [undefined, '']) {
    const reply = await server.call('DELETE', `/v1/keys/${body.key.id}`, { headers, body: text });
    assert.equal(reply.status, 200, reply.text);
  }
});

test("a client's own request id is used if it is plain", async () => {
  for (const id of ['abc-123', 'trace:1.2_3', 'x'.repeat(64)]) {
    const reply = await server.call('GET', '/v1/organizations', { headers: { 'x-request-id': id } });
    assert.equal(reply.headers.get('x-request-id'), id);
  }
  for (const id of ['', 'a b', 'x'.repeat(65), '<script>', '{"a":1}', 'é']) {
    const reply = await server.call('GET', '/nowhere', { headers: { 'x-request-id': id } });
    assert.match(reply.headers.get('x-request-id')!, /^[0-9a-f-]{36}$/, id);
    assertProblem(reply, 404, 'route_not_found', 'Not found');
  }
});

test('bytes that are not HTTP get an error body too', async () => {
  const exchange = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(text));
      socket.on('data', piece => {
        answer += piece;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
    });
  for (const [text, status] of [
    ['hello\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const [head, body] = (await exchange(text)).split('\r\n\r\n');
    assert.match(head!, new RegExp(`^HTTP/1.1 ${status} `));
    assert.equal(JSON.parse(body!).success, false);
  }
});

test('a key that is sent twice is refused', async () => {
  const status = await new Promise(resolve => {
    const headers = { 'x-api-key': [server.key, server.key] };
    httpRequest(`${server.url}/v1/organizations`, { headers }, response => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
  assert.equal(status, 401);
});

test('the log names the request and shows none of its secrets', async () => {
  const organization = await newOrganization(server);
  const secret = await server.newKey();
  const id = 'a-request-to-find';
  const path = `/v1/organizations/${organization}?password=hunter2`;
  await server.call('GET', path, { key: secret, headers: { 'x-request-id': id } });
  await server.call('GET', path, { key: secret, headers: { authorization: 'Bearer tok_123' } });
  await server.call('GET', path, { key: `${secret}x` });
  const body = { name: 'a name in a body', permission: 'read', password: 'x' };
  await server.call('POST', '/v1/keys', { key: secret, body });
  const line = JSON.parse(server.logged.find(text => text.includes(id))!);
  assert.equal(line.request_id, id);
  assert.equal(line.method, 'GET');
  assert.equal(line.path, `/v1/organizations/${organization}`);
  assert.equal(line.status, 200);
  const all = server.logged.join('\n');
  for (const hidden of [secret, server.key, 'hunter2', 'tok_123', 'a name in a body'])
    assert(!all.includes(hidden));
});

// This test breaks the database, so it is the last one.
test('an answer is neither guessed at nor kept, unless it says so', async () => {
  const organization = await newOrganization(server);
  for (const [path, kept] of [
    ['/v1/organizations', 'no-store'],
    ['/v1/nothing', 'no-store'],
    [`/v1/sms/phone-numbers?organization_id=${organization}`, 'private, no-cache'],
    ['/openapi.json', 'no-cache'],
  ] as const) {
    const { headers } = await server.call('GET', path);
    assert.equal(headers.get('cache-control'), kept, path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  }
});

test('a key that stands in a path is not logged', async () => {
  assert.equal((await server.call('GET', `/v1/${server.key}`)).status, 404);
  const logged = server.logged.join('\n');
  assert.ok(logged.includes('/v1/lk_live_…'));
  assert.ok(!logged.includes(server.key));
});

test('an internal error is masked in the reply and logged under the same request id', async () => {
  const organization = await newOrganization(server);
  await sql`alter table users rename to people`.execute(server.database.db);
  const reply = await server.call('GET', `/v1/organizations/${organization}/users`);
  assertProblem(reply, 500, 'internal_error', 'Internal server error');
  assert(!/users|relation|select/i.test(reply.text.replace(organization, '')));
  const logged = server.logged
    .map(line => JSON.parse(line))
    .filter(line => line.request_id === reply.body.request_id);
  assert(logged.some(line => line.level === 50 && /relation "users" does not exist/.test(line.err.message)));
  const list = await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  assertProblem(list, 500, 'internal_error', 'Internal server error');
});
