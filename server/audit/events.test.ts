import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { newNumbers, newOrganization, newUser } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { createWaiters } from './waiters.ts';

let server: TestServer;
let organization: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  organization = await newOrganization(server);
});
after(() => server.stop());

type Event = { revision: number; ordinal: number; type: string; at: string; data: Record<string, unknown> };

const log = (query: Record<string, string | number> = {}, key = server.key) =>
  server.call(
    'GET',
    `/v1/events?${new URLSearchParams({ organization_id: organization, ...query } as never)}`,
    { key },
  );

async function grow(times: number) {
  for (let i = 0; i < times; i++)
    await server.call('PATCH', `/v1/organizations/${organization}`, { body: { name: `Name ${i}` } });
}

test('the log has every revision in order, and can be read from any of them on', async () => {
  await grow(7);
  const whole = (await log()).body;
  assert.deepEqual(
    whole.events.map((event: Event) => event.revision),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.deepEqual([whole.count, whole.revision, whole.has_more], [8, 8, false]);
  const read: Event[] = [];
  for (let after_revision = 0; ; ) {
    const { events, has_more } = (await log({ after_revision, limit: 3 })).body;
    read.push(...events);
    if (!has_more) break;
    after_revision = events.at(-1).revision;
  }
  assert.deepEqual(read, whole.events);
  const { events, revision, has_more } = (await log({ after_revision: 8 })).body;
  assert.deepEqual([events, revision, has_more], [[], 8, false]);
  for (const after_revision of [9, 1e15])
    assert.equal((await log({ after_revision })).body.code, 'log_restarted');
});

test('an answer ends with whole revisions before it is too large, and the rest follows', async () => {
  const phone_number = '+14155550123';
  await newNumbers(server, organization, [{ phone_number }]);
  // Random text is stored as long as it is.
  for (let i = 0; i < 200; i++)
    await server.call('PATCH', `/v1/sms/phone-numbers/${phone_number}`, {
      body: { metadata: { text: randomBytes(5000).toString('base64') } },
    });
  const read: number[] = [];
  let answers = 0;
  for (let after = '0-0', more = true; more; answers++) {
    const { body, text } = await log({ after, limit: 1000 });
    assert.ok(text.length < 4_000_000);
    read.push(...body.events.map(({ revision }: Event) => revision));
    ({ cursor: after, has_more: more } = body);
  }
  assert.deepEqual(
    read,
    Array.from({ length: 202 }, (_, i) => i + 1),
  );
  assert.ok(answers > 1);
});

test('an event has its actor, its request, and the fields before and after', async () => {
  const user = await newUser(server, organization);
  const [number] = await newNumbers(server, organization);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}/assign`;
  await server.call('POST', path, { body: { user_id: user }, headers: { 'x-request-id': 'my-request.1' } });
  const { key } = (await server.call('GET', '/v1/keys')).body.keys.reduce(
    (_: object, key: object) => ({ key }),
    {},
  );
  const event = (await log()).body.events.at(-1);
  assert.deepEqual(Object.keys(event), ['revision', 'ordinal', 'type', 'at', 'actor', 'request_id', 'data']);
  assert.deepEqual([event.type, event.ordinal, event.request_id], ['number.assigned', 0, 'my-request.1']);
  assert.deepEqual(event.actor, { type: 'key', id: key.id });
  assert.match(event.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(event.data, {
    id: number!.id,
    phone_number: number!.phone_number,
    changes: { status: { from: 'available', to: 'assigned' }, user_id: { from: null, to: user } },
  });
});

test('an edit that changes nothing makes no event', async () => {
  const [number] = await newNumbers(server, organization);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  await server.call('PATCH', path, {
    body: { nickname: 'Desk', tags: ['b', 'a'], metadata: { bb: 1, a: 2 } },
  });
  const before = (await log()).body.revision;
  await server.call('PATCH', path, {
    body: { nickname: 'Desk', tags: ['a', 'b'], metadata: { a: 2, bb: 1 } },
  });
  await server.call('PATCH', `/v1/organizations/${organization}`, { body: { name: 'Acme' } });
  assert.equal((await log()).body.revision, before);
});

const minute = 60_000;

/** Nobody's wait is over by itself: they are told, or they wait for good. @returns how many have waited so long */
function stretchWaits(t: TestContext): (ms?: number) => number {
  const realTimeout = setTimeout;
  const waits: number[] = [];
  const stretched = (work: () => void, ms = 0) => {
    if (ms > minute - 2000) waits.push(ms);
    return realTimeout(work, ms > minute - 2000 ? 2 ** 31 - 1 : ms);
  };
  t.mock.method(globalThis, 'setTimeout', stretched as typeof setTimeout);
  return (asked = minute) => waits.filter(ms => ms === asked).length;
}

test('waiting requests are answered as soon as there is an event', async t => {
  const { revision } = (await log()).body;
  const waits = stretchWaits(t);
  const waiting = Array.from({ length: 60 }, () => log({ after_revision: revision, wait: 60 }));
  while (waits() < waiting.length) await sleep(5);
  // More requests wait than there are connections, and others are still served.
  await grow(1);
  const replies = await Promise.all(waiting);
  for (const { body } of replies)
    assert.deepEqual(
      body.events.map((event: Event) => event.revision),
      [revision + 1],
    );
});

test('those who wait at one place are answered by one reading of the log, each with what they may see', async t => {
  const { revision } = (await log()).body;
  const bound = await server.newKey({ organization_id: organization, permission: 'read' });
  const waits = stretchWaits(t);
  const at = { after_revision: revision, wait: 60 };
  const waiting = Array.from({ length: 250 }, (_, i) => log(at, i % 2 === 0 ? server.key : bound));
  const few = log({ ...at, limit: 1 });
  while (waits() < waiting.length + 1) await sleep(5);
  const { query } = pg.Client.prototype;
  let readings = 0;
  t.mock.method(pg.Client.prototype, 'query', function (this: pg.Client, ...args: unknown[]) {
    const [statement] = args as [string | { text: string }];
    const text = typeof statement === 'string' ? statement : statement.text;
    if (text.includes('bytes_before')) readings++;
    return query.apply(this, args as never);
  });
  await grow(1);
  const texts = await Promise.all(waiting.map(async reply => (await reply).text));
  assert.equal(new Set(texts).size, 1);
  // One for each kind of key, and one for the other limit.
  assert.equal((await few).text, texts[0]);
  assert.equal(readings, 3);
  assert.deepEqual(JSON.parse(texts[0]!), (await log({ after_revision: revision })).body);
});

test('without an event the reply is empty when the time is over, and not before', async () => {
  const { revision } = (await log()).body;
  const started = performance.now();
  const { status, body } = await log({ after_revision: revision, wait: 1 });
  assert.ok(performance.now() - started >= 990);
  assert.deepEqual([status, body.events, body.has_more], [200, [], false]);
});

test('a request does not wait for events that exist, or for an organization that does not', async t => {
  const waits = stretchWaits(t);
  assert.equal((await log({ wait: 60 })).body.count, 1);
  assert.equal((await log({ wait: 60, organization_id: 'org_none' })).status, 404);
  assert.equal(waits(), 0);
  for (const wrong of [{ wait: 61 }, { wait: -1 }, { limit: 0 }, { limit: 1001 }, { after_revision: -1 }])
    assert.equal((await log(wrong as never)).status, 400);
});

test('a server polls only while requests wait', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let polls = 0;
  const db = server.database.db.withPlugin({
    transformQuery({ node }) {
      polls++;
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  const waiters = createWaiters(db);
  const { rows } = await server.database.pool.query(
    'select id, revision from organizations where unique_id = $1',
    [organization],
  );
  const gone = new AbortController();
  const left = Array.from({ length: 5 }, () =>
    waiters.wait(rows[0].id, rows[0].revision, minute, gone.signal),
  );
  t.mock.timers.tick(minute);
  while (polls === 0) await sleep(5);
  gone.abort();
  await Promise.all(left);
  // A client that is already gone does not wait.
  await waiters.wait(rows[0].id, rows[0].revision, minute, gone.signal);
  const before = polls;
  t.mock.timers.tick(minute);
  assert.equal(polls, before);
  const waiting = waiters.wait(rows[0].id, rows[0].revision, minute, new AbortController().signal);
  waiters.notifyAll();
  await waiting;
});

test('clients that leave while they wait harm nobody, and a stopping server answers the others', async t => {
  const waits = stretchWaits(t);
  const other = await startTestServer(server.database);
  const { revision } = (await log()).body;
  const path = `/v1/events?organization_id=${organization}&after_revision=${revision}&wait=60`;
  for (let i = 0; i < 10; i++) {
    const going = new AbortController();
    const request = fetch(`${other.url}${path}`, {
      headers: { 'x-api-key': server.key },
      signal: going.signal,
    });
    setTimeout(() => going.abort(), i * 10);
    await assert.rejects(request, { name: 'AbortError' });
  }
  const staying = other.call('GET', path.replace('wait=60', 'wait=59'), { key: server.key });
  while (waits(59_000) === 0) await sleep(5);
  await other.stop();
  assert.equal((await staying).status, 200);
});

test('a bound key follows only its organization, and another tenant follows none', async () => {
  const bound = await server.newKey({ organization_id: organization, permission: 'read' });
  assert.equal((await log({}, bound)).status, 200);
  const elsewhere = await server.newKey({ organization_id: await newOrganization(server) });
  for (const key of [elsewhere, await server.newTenant()]) {
    const { status, body } = await log({ wait: 60 }, key);
    assert.deepEqual([status, body.code], [404, 'organization_not_found']);
  }
});

test('only keys that see its organization can read a batch', async () => {
  const [number] = await newNumbers(server, organization);
  const items = [{ action: 'edit', phone_number: number!.phone_number, nickname: 'Desk' }];
  await server.call('POST', '/v1/sms/phone-numbers/bulk', { body: { items } });
  const event = (await log()).body.events.at(-1);
  const path = `/v1/batches/${event.data.batch_id}`;
  const { body } = await server.call('GET', path);
  const changes = { nickname: { from: null, to: 'Desk' } };
  assert.deepEqual(body.items, [
    { type: 'number.edited', id: number!.id, phone_number: number!.phone_number, changes },
  ]);
  assert.equal(body.has_more, false);
  assert.equal((await server.call('GET', `${path}?piece=1`)).status, 404);
  const elsewhere = await server.newKey({ organization_id: await newOrganization(server) });
  for (const key of [elsewhere, await server.newTenant()])
    assert.equal((await server.call('GET', path, { key })).status, 404);
});
