import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { rejectionsStored } from './import.ts';

let server: TestServer;
let organization: string;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());
beforeEach(async () => {
  organization = await newOrganization(server);
});

const path = (query = '') => `/v1/sms/phone-numbers/import?organization_id=${organization}${query}`;
const csv = (...rows: string[]) => `phone_number,nickname,user\n${rows.map(row => `${row}\n`).join('')}`;

const upload = (key: string, body: string, { query = '', headers = {} } = {}) =>
  server.call('POST', path(query), {
    body,
    headers: { 'idempotency-key': key, 'content-type': 'text/csv', ...headers },
  });

/** An upload that has not ended yet. */
async function begin(key: string, text: string): Promise<ClientRequest> {
  const headers = { 'x-api-key': server.key, 'content-type': 'text/csv', 'idempotency-key': key };
  const request = httpRequest(server.url + path(), { method: 'POST', headers });
  request.on('error', () => {});
  await new Promise(resolve => request.write(text, resolve));
  return request;
}

async function answerTo(request: ClientRequest): Promise<{ status: number; text: string }> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, text: (await response.toArray()).join('') };
}

/** Waits until some session holds a key. */
async function keyHeld(): Promise<void> {
  const { pool } = server.database;
  const held = `select 1 from pg_locks l join pg_database d on d.oid = l.database
    where l.locktype = 'advisory' and d.datname = current_database()`;
  while ((await pool.query(held)).rowCount === 0);
}

async function log() {
  const { body } = await server.call('GET', `/v1/events?organization_id=${organization}`);
  return body.events.filter((event: { type: string }) => event.type === 'numbers.imported');
}

test('the same key with the same file replays the first reply, even after other changes', async () => {
  const revision = (await server.call('GET', `/v1/organizations/${organization}`)).body.organization.revision;
  const headers = { 'if-match': String(revision) };
  const file = csv(`${uniqueNumber()},A,`, '123,,', `${uniqueNumber()},B,nobody`);
  const first = await upload('same', file, { headers });
  assert.deepEqual([first.status, first.body.imported, first.body.rejected], [200, 1, 2]);
  assert.equal(first.headers.get('idempotency-replayed'), null);
  await newNumbers(server, organization);
  await server.call('PATCH', `/v1/organizations/${organization}`, { body: { status: 'suspended' } });
  const again = await upload('same', file, { headers });
  assert.deepEqual([again.status, again.text], [200, first.text]);
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.equal(again.headers.get('content-type'), first.headers.get('content-type'));
  assert.equal((await log()).length, 1);
});

test('the same key with another file, format or organization is refused, and nothing is imported', async () => {
  const file = csv(`${uniqueNumber()},,`);
  assert.equal((await upload('once', file)).status, 200);
  const others = [
    await upload('once', csv(`${uniqueNumber()},,`)),
    await upload('once', `${file}\n`),
    await upload('once', file, { query: '&dry_run=true' }),
    await upload('once', '', { headers: { 'content-type': 'application/x-ndjson' } }),
  ];
  organization = await newOrganization(server);
  others.push(await upload('once', file));
  for (const { status, body } of others) assert.deepEqual([status, body.code], [422, 'idempotency_mismatch']);
  assert.deepEqual(await log(), []);
});

test('while a file arrives its key is refused to others at once; when the upload breaks off it is free again', async () => {
  const rows = csv(`${uniqueNumber()},,`);
  const running = await begin('long', rows);
  await keyHeld();
  const second = await begin('long', rows);
  const { status, text } = await answerTo(second);
  assert.deepEqual([status, JSON.parse(text).code], [409, 'idempotency_running']);
  second.destroy();
  const claim = { organization_id: organization, user_id: await newUser(server, organization) };
  const headers = { 'idempotency-key': 'long' };
  assert.equal(
    (await server.call('POST', '/v1/sms/phone-numbers/claim', { body: claim, headers })).status,
    409,
  );
  running.destroy();
  let reply = await upload('long', rows);
  while (reply.status === 409) reply = await upload('long', rows);
  assert.deepEqual([reply.status, reply.body.imported], [200, 1]);
});

test('of many simultaneous requests with one key, one imports', async () => {
  const file = csv(...Array.from({ length: 50 }, () => `${uniqueNumber()},,`));
  const replies = await Promise.all(Array.from({ length: 12 }, () => upload('many', file)));
  const done = replies.filter(({ status }) => status === 200);
  assert(done.length > 0);
  for (const { text } of done) assert.equal(text, done[0]!.text);
  assert.equal(done.filter(({ headers }) => !headers.has('idempotency-replayed')).length, 1);
  for (const { status, body } of replies)
    if (status !== 200)
      assert(['idempotency_running', 'too_many_imports'].includes(body.code), `${status} ${body.code}`);
  assert.equal((await log()).length, 1);
});

test('an import that failed or was refused stores no reply; a dry run stores its own', async () => {
  const user = { name: 'Ann', email: 'ann@example.com' };
  const strict = csv(`${uniqueNumber()},,${user.email}`);
  assert.equal((await upload('refused', strict, { query: '&all_or_nothing=true' })).status, 422);
  assert.equal((await upload('failed', 'nickname\nA\n')).status, 400);
  await server.call('POST', `/v1/organizations/${organization}/users`, { body: user });
  assert.equal((await upload('refused', strict, { query: '&all_or_nothing=true' })).body.imported, 1);
  assert.equal((await upload('failed', csv(`${uniqueNumber()},,`))).body.imported, 1);
  const rehearsed = [await upload('dry', strict, { query: '&dry_run=true' })];
  rehearsed.push(await upload('dry', strict, { query: '&dry_run=true' }));
  assert.deepEqual(
    rehearsed.map(({ text, headers }) => [text, headers.get('idempotency-replayed')]),
    [
      [rehearsed[0]!.text, null],
      [rehearsed[0]!.text, 'true'],
    ],
  );
});

test('a replay has the first rejections, and says how many it leaves out', async () => {
  const wrong = rejectionsStored + 5;
  const file = csv(`${uniqueNumber()},,`, ...Array.from({ length: wrong }, (_, row) => `x${row},,`));
  const first = (await upload('wrong', file)).body;
  assert.deepEqual([first.rejected, first.rejections.length], [wrong, wrong]);
  const again = (await upload('wrong', file)).body;
  assert.deepEqual(again, {
    ...first,
    rejections: first.rejections.slice(0, rejectionsStored),
    rejections_omitted: 5,
  });
});

test('If-Match: nothing is imported if the organization has changed', async () => {
  const file = csv(`${uniqueNumber()},,`);
  const stale = await upload('stale', file, { headers: { 'if-match': '999' } });
  assert.deepEqual([stale.status, stale.body.code], [412, 'revision_mismatch']);
  assert.deepEqual(await log(), []);
  const list = `/v1/sms/phone-numbers?organization_id=${organization}`;
  const etag = (await server.call('GET', list)).headers.get('etag')!;
  assert.equal((await upload('fresh', file, { headers: { 'if-match': etag } })).body.imported, 1);
});
