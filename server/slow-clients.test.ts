import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { assertNoneLost } from './testing/database.ts';
import { newNumbers, newOrganization, newUser } from './testing/factories.ts';
import { startBeside, startTestServer, type TestServer } from './testing/server.ts';

// What clients that are slow hold, and for how long. Here no answer waits for its client: it goes to the disk at once.

let server: TestServer;
let organization: string;
/** The answers whose connection has ended, by the id of the request. */
const ended = new Map<string, PromiseWithResolvers<void>>();
before(async () => {
  server = await startTestServer(undefined, {}, { room: { patienceMs: 0 } });
  server.app.server.on('request', (request, response) => {
    const id = request.headers['x-request-id'];
    if (typeof id === 'string') response.once('close', ended.get(id)!.resolve);
  });
  organization = await newOrganization(server);
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, available_since, since_revision)
    select tenant_id, id, gen_random_uuid(), '+1' || (5000000000 + n), repeat('x', 1200), now(), 1
    from organizations, generate_series(1, ${count}) n where unique_id = ${organization}`.execute(
    server.database.db,
  );
  await sql`
    insert into charges (tenant_id, organization_id, id, type, amount, phone_number_id, phone_number, period_start, at)
    select n.tenant_id, n.organization_id, gen_random_uuid(), 'number.purchase_fee', 1, n.id, n.phone_number, now(), now()
    from phone_numbers n join organizations o on o.id = n.organization_id
    where o.unique_id = ${organization}`.execute(server.database.db);
});
after(() => server.stop());

/** With their texts, more than the buffers of a connection hold: Linux lets them grow to 36 MB together. */
const count = 40_000;
let asked = 0;

type Asked = { request: ClientRequest; ended: Promise<void> };

function ask(path: string, headers: Record<string, string>, method = 'GET'): Asked {
  const id = `slow-${asked++}`;
  ended.set(id, Promise.withResolvers<void>());
  const request = httpRequest(server.url + path, { method, headers: { ...headers, 'x-request-id': id } });
  request.on('error', () => {});
  return { request, ended: ended.get(id)!.promise };
}

/** An answer of which the head alone is read. */
async function unread(one: Asked, body = ''): Promise<IncomingMessage> {
  one.request.end(body);
  const [response] = await once(one.request, 'response');
  response.on('error', () => {});
  return response;
}

const list = () => `/v1/sms/phone-numbers?organization_id=${organization}`;
const importing = () => `/v1/sms/phone-numbers/import?organization_id=${organization}`;
const withKey = (key = server.key) => ({ 'x-api-key': key });
const csv = { 'content-type': 'text/csv' };
const textOf = async (response: IncomingMessage) => Buffer.concat(await response.toArray()).toString();

async function assertCut(response: IncomingMessage): Promise<void> {
  await textOf(response).catch(() => {});
  assert.equal(response.complete, false);
}

/** The connections of imports. */
async function sessions(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and application_name = 'linekeeper session'`.execute(
    server.database.db,
  );
  return rows[0]!.count;
}

test('lists, usage files and import reports that nobody reads hold no connection of the database', async () => {
  const rows = Array.from({ length: count }, (_, row) => `no number ${row} ${'x'.repeat(80)}\n`).join('');
  const report = await unread(ask(importing(), { ...withKey(), ...csv }, 'POST'), `phone_number\n${rows}`);
  const [json, file, usage] = await Promise.all(
    [list(), `${list()}&format=csv`, '/v1/usage?format=csv'].map(path => unread(ask(path, withKey()))),
  );
  await assertNoneLost(server.database);
  while ((await sessions()) > 0) await sleep(5);
  // And nothing of them is missing.
  assert.equal(JSON.parse(await textOf(json!)).count, count);
  for (const one of [file!, usage!])
    assert.equal((await textOf(one)).trimEnd().split('\r\n').length, count + 1);
  const { rejected, rejections } = JSON.parse(await textOf(report));
  assert.deepEqual([rejected, rejections.length], [count, count]);
});

test('an answer that cannot go to the disk ends alone, and the log says why', async () => {
  const { TMPDIR } = process.env;
  process.env.TMPDIR = '/nowhere';
  const one = ask(list(), withKey());
  const response = await unread(one);
  await one.ended;
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
  await assertCut(response);
  assert.ok(server.logged.some(line => line.includes('ENOENT') && line.includes('/nowhere')));
  assert.equal((await server.call('GET', list())).body.count, count);
  await assertNoneLost(server.database);
});

test('long answers and uploads end with the key, the token or the user that they came with', async () => {
  const path = `/v1/organizations/${organization}/users/${await newUser(server, organization)}`;
  await server.call('PATCH', path, { body: { permission: 'admin' } });
  const { body } = await server.call('POST', `${path}/tokens`, { body: { expires_in: 3600 } });
  const newKey = async (permission: string) =>
    (await server.call('POST', '/v1/keys', { body: { name: 'short', permission } })).body;
  const [revoked, expired] = [await newKey('admin'), await newKey('read')];
  const other = ask(list(), withKey());
  const asked = [
    ask(list(), { authorization: `Bearer ${body.access_token}` }),
    ask(list(), withKey(revoked.api_key)),
    ask(list(), withKey(expired.api_key)),
  ];
  const [kept, ...answers] = await Promise.all([other, ...asked].map(one => unread(one)));
  const upload = ask(importing(), { ...withKey(revoked.api_key), ...csv }, 'POST');
  upload.request.write('phone_number\n+14155550100\n');
  await server.call('PATCH', path, { body: { status: 'suspended' } });
  await server.call('DELETE', `/v1/keys/${revoked.key.id}`);
  await sql`update api_keys set expires_at = now() where id = ${expired.key.id}`.execute(server.database.db);
  await Promise.all([...asked, upload].map(one => one.ended));
  for (const answer of answers) await assertCut(answer);
  assert.equal(JSON.parse(await textOf(kept!)).count, count);
  assert.equal((await server.call('GET', '/v1/sms/phone-numbers/+14155550100')).status, 404);
  while ((await sessions()) > 0) await sleep(5);
});

test('a reader who waits for the log gets nothing that came after its key was revoked', async () => {
  const own = await newOrganization(server);
  const { body } = await server.call('POST', '/v1/keys', { body: { name: 'short', permission: 'read' } });
  const { revision } = (await server.call('GET', `/v1/events?organization_id=${own}`)).body;
  const path = `/v1/events?organization_id=${own}&after_revision=${revision}&wait=60`;
  const arrived = once(server.app.server, 'request');
  const reply = server.call('GET', path, { key: body.api_key });
  await arrived;
  await server.call('DELETE', `/v1/keys/${body.key.id}`);
  await newNumbers(server, own);
  const { status, body: refusal } = await reply;
  assert.deepEqual([status, refusal.code], [401, 'api_key_invalid']);
});

test('HEAD has the headers of GET, and nothing else', async () => {
  const small = await newOrganization(server);
  const paths = ['/livez', '/readyz', '/v1/organizations', `/v1/sms/phone-numbers?organization_id=${small}`];
  for (const path of paths) {
    const [get, head] = await Promise.all(['GET', 'HEAD'].map(method => server.call(method, path)));
    assert.deepEqual([head!.status, head!.text], [200, ''], path);
    for (const name of ['content-type', 'content-length', 'etag', 'cache-control'])
      assert.equal(head!.headers.get(name), get!.headers.get(name), `${name} of ${path}`);
  }
  assert.equal((await server.call('HEAD', '/v1/organizations', { key: 'lk_live_wrong' })).status, 401);
  // It reads no more of a long list than the beginning.
  assert.equal((await server.call('HEAD', list())).status, 200);
  await assertNoneLost(server.database);
});

test('half a head of a request is ended, with an answer', async t => {
  const { server: http } = server.app;
  assert.ok(http.headersTimeout <= 60_000);
  const { headersTimeout } = http;
  http.headersTimeout = 1;
  t.after(() => {
    http.headersTimeout = headersTimeout;
  });
  const socket = connect((http.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET /livez HTTP/1.1\r\nHost: he');
  const answer = Buffer.concat(await socket.toArray()).toString();
  assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.match(answer, /"code":"invalid_request"/);
});

test('connections that do nothing do not keep new clients out', async t => {
  const few = await startBeside(server, { connectionsMax: 20 });
  const { port } = few.app.server.address() as AddressInfo;
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await few.stop();
  });
  for (let idle = 0; idle < 60; idle++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    if (idle % 2) socket.write('POST /v1/org');
  }
  assert.equal((await few.call('GET', '/livez')).status, 200);
  assert.equal((await few.call('GET', '/v1/organizations')).status, 200);
});
