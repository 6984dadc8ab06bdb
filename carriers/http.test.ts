import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Type } from '../schema/schema.ts';
import { shapeOf } from '../schema/shape.ts';
import type { ConnectOptions } from './carrier.ts';
import { CarrierError } from './errors.ts';
import { type Api, type Call, createClient, nothing } from './http.ts';
import { readRetryAfter } from './limits.ts';
import { memoryStore } from './sandbox/memory-store.ts';
import { timeOuts, unhurried } from './testing/time-outs.ts';

const secret = 'the-secret-of-the-account';
const Named = shapeOf(Type.Object({ name: Type.String() }));
const Refused = shapeOf(Type.Object({ code: Type.String(), message: Type.String() }));

let accounts = 0;

/** A carrier that answers as the test wants, and a client of it. */
async function setUp(t: TestContext, answer: RequestListener, around: Partial<ConnectOptions> = {}) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise(listening => server.once('listening', listening));
  const api: Api = {
    title: 'The carrier',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`,
    headers: { authorization: `Bearer ${secret}` },
    secrets: [secret],
    explain: (status, body) =>
      Refused.Check(body) ? { outcome: status === 429 ? 'rate_limited' : 'unavailable', ...body } : undefined,
  };
  const account = `http-${++accounts}`;
  const options = {
    ...{ account, urls: {}, ...unhurried, concurrency: 8, sandbox: memoryStore() },
    ...around,
  };
  return { asked, api, options, server, client: createClient(api, options) };
}

const json = (response: ServerResponse, status: number, body: unknown, headers = {}) =>
  response.writeHead(status, headers).end(JSON.stringify(body));

async function rejected(call: Promise<unknown>): Promise<CarrierError> {
  const error = await call.then(
    () => assert.fail('the call is done'),
    error => error,
  );
  assert.ok(error instanceof CarrierError);
  return error;
}

const read: Call = { method: 'GET', path: '/numbers' };
const changes = (['POST', 'PUT', 'PATCH', 'DELETE'] as const).map(method => ({ method, path: '/numbers' }));

test('calls below the URL, with the credentials, and accepts an answer of the right shape', async t => {
  const heads: IncomingMessage[] = [];
  const { asked, client } = await setUp(t, (request, response) => {
    heads.push(request);
    json(response, 200, { name: 'Front desk', more: true });
  });
  const query = new URLSearchParams([
    ['a', '1'],
    ['a', '+&'],
  ]);
  assert.equal((await client({ method: 'GET', path: '/numbers/%2B1', query }, Named)).name, 'Front desk');
  assert.deepEqual(asked, ['GET /v2/numbers/%2B1?a=1&a=%2B%26']);
  assert.equal(heads[0]?.headers.authorization, `Bearer ${secret}`);
});

test('a part of a path that would lead elsewhere is never called', async t => {
  const { asked, client } = await setUp(t, (_, response) => json(response, 200, { name: 'x' }));
  for (const part of ['..', '.', 'a/../b', '?', '#'])
    assert.equal(
      (await rejected(client({ method: 'DELETE', path: `/numbers/${part}` }, nothing))).outcome,
      'not_found',
    );
  assert.deepEqual(asked, []);
});

const tooLarge = Buffer.from(JSON.stringify({ name: 'x'.repeat(9_000_000) }));

// None is a clear answer. A read may be retried; a change may have been made.
const unclear: Record<string, RequestListener> = {
  'a 500': (_, response) => json(response, 500, { code: 'x', message: 'x' }),
  'a 503 that says when to come back': (_, response) =>
    json(response, 503, { code: 'x', message: 'x' }, { 'retry-after': '0' }),
  'a redirect': (_, response) => response.writeHead(307, { location: '/elsewhere' }).end(),
  'a 400 that is not an error of the carrier': (_, response) =>
    response.writeHead(400).end('<h1>Bad request</h1>'),
  'a 404 that is not an error of the carrier': (_, response) => response.writeHead(404).end(),
  'a page of somebody else': (_, response) => response.writeHead(200).end('<h1>Welcome</h1>'),
  'no body': (_, response) => response.writeHead(200).end(),
  'an answer of another shape': (_, response) => json(response, 200, { name: null }),
  'half an answer': (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"name":', () => response.destroy());
  },
  'an answer that is too large': (_, response) => response.writeHead(200).end(tooLarge),
  'a broken connection': (_, response) => response.destroy(),
};

for (const [title, answer] of Object.entries(unclear))
  test(`${title} leaves a change unknown, which is not retried; a read is`, async t => {
    const { asked, client } = await setUp(t, answer);
    for (const change of changes)
      assert.equal((await rejected(client(change, Named))).outcome, 'outcome_unknown');
    assert.deepEqual(
      asked,
      changes.map(({ method }) => `${method} /v2/numbers`),
    );
    asked.length = 0;
    assert.equal((await rejected(client(read, Named))).outcome, 'transient');
    assert.ok(asked.length > 1 && asked.length <= 4, `${asked.length} reads`);
  });

const timeoutMs = 400;

test('no answer is given up when the time is out, and not asked for again', async t => {
  t.mock.timers.enable({ apis: [timeOuts, 'Date'] });
  const { asked, client } = await setUp(t, () => t.mock.timers.tick(timeoutMs), { timeoutMs });
  assert.equal((await rejected(client(changes[0]!, Named))).outcome, 'outcome_unknown');
  assert.equal((await rejected(client(read, Named))).outcome, 'transient');
  assert.equal(asked.length, 2);
});

test('so is an answer without an end, which has begun', async t => {
  t.mock.timers.enable({ apis: [timeOuts, 'Date'] });
  const tick = () => t.mock.timers.tick(timeoutMs);
  subscribe('undici:request:headers', tick);
  t.after(() => unsubscribe('undici:request:headers', tick));
  const endless: RequestListener = (_, response) => response.writeHead(200).write('{"name":"');
  const { asked, client } = await setUp(t, endless, { timeoutMs });
  assert.equal((await rejected(client(changes[0]!, Named))).outcome, 'outcome_unknown');
  assert.equal((await rejected(client(read, Named))).outcome, 'transient');
  assert.equal(asked.length, 2);
});

test('a read gets over faults that pass', async t => {
  const { asked, client } = await setUp(t, (_, response) => {
    if (asked.length === 1) return response.destroy();
    if (asked.length === 2) return json(response, 503, {});
    if (asked.length === 3) return json(response, 429, {});
    return json(response, 200, { name: 'At last' });
  });
  assert.equal((await client(read, Named)).name, 'At last');
});

test('a carrier that cannot be reached has not been called', async t => {
  const { api, options, server } = await setUp(t, () => {});
  await new Promise(closed => server.close(closed));
  const client = createClient(api, options);
  for (const call of [read, ...changes])
    assert.equal((await rejected(client(call, Named))).outcome, 'transient');
  const nowhere = createClient({ ...api, url: 'http://nowhere.invalid' }, options);
  assert.equal((await rejected(nowhere(changes[0]!, Named))).outcome, 'transient');
});

test('a change is retried a few times if the carrier itself says that there are too many calls', async t => {
  const { asked, client } = await setUp(t, (request, response) => {
    const words = request.url?.endsWith('words') ? { code: 'slow', message: 'Slow down' } : {};
    json(response, 429, words, { 'retry-after': '0' });
  });
  const post = (path: string) => rejected(client({ method: 'POST', path }, Named));
  const { outcome, retryAfterMs } = await post('/words');
  assert.deepEqual([outcome, retryAfterMs], ['rate_limited', 0]);
  assert.equal(asked.length, 4);
  asked.length = 0;
  assert.equal((await post('/silence')).outcome, 'rate_limited');
  assert.equal(asked.length, 1);
});

test('retries no sooner than the carrier asks, and not at all if that is too late', async t => {
  const times: number[] = [];
  const { client } = await setUp(
    t,
    (request, response) => {
      times.push(Date.now());
      if (request.url?.endsWith('late')) return json(response, 429, {}, { 'retry-after': '86400' });
      if (times.length === 1) return json(response, 429, {}, { 'retry-after': '1' });
      return json(response, 200, { name: 'x' });
    },
    { timeoutMs: 600_000 },
  );
  await client(read, Named);
  assert.ok(times[1]! - times[0]! >= 995);
  times.length = 0;
  const { outcome, retryAfterMs } = await rejected(client({ method: 'GET', path: '/late' }, Named));
  assert.deepEqual([outcome, retryAfterMs, times.length], ['rate_limited', 3_600_000, 1]);
});

test('Retry-After is seconds or a date, and anything else is nothing', t => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) });
  assert.equal(readRetryAfter('7'), 7000);
  assert.equal(readRetryAfter('0'), 0);
  assert.equal(readRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT'), 60_000);
  assert.equal(readRetryAfter('Thu, 01 Jan 1970 00:00:00 GMT'), 0);
  assert.equal(readRetryAfter('99999999999999999999'), 3_600_000);
  for (const nothing of [null, '', 'soon', '-1']) assert.equal(readRetryAfter(nothing), undefined);
});

test('all clients of an account share its limit, and other accounts have theirs', async t => {
  const open: (() => void)[] = [];
  const { asked, api, options, client } = await setUp(
    t,
    (_, response) => open.push(() => json(response, 200, { name: 'x' })),
    { concurrency: 3 },
  );
  const second = createClient(api, options);
  const stranger = createClient(api, { ...options, account: 'another' });
  const calls = Array.from({ length: 12 }, (_, i) => (i % 2 ? client : second)(read, Named));
  const others = [stranger(read, Named)];
  let most = 0;
  for (let answered = 0; answered < 13; answered++) {
    while (open.length === 0 || (answered === 0 && open.length < 4)) await sleep(1);
    most = Math.max(most, open.length);
    open.shift()!();
    await sleep(5);
  }
  await Promise.all([...calls, ...others]);
  assert.equal(asked.length, 13);
  assert.equal(most, 4);
});

test('a call that waits too long for the concurrency limit is not made', async t => {
  t.mock.timers.enable({ apis: [timeOuts, 'Date', 'setTimeout'] });
  const isAsked = Promise.withResolvers<void>();
  const { asked, client } = await setUp(t, () => isAsked.resolve(), { concurrency: 1, timeoutMs });
  const calls = Array.from({ length: 3 }, () => rejected(client(changes[0]!, Named)));
  await isAsked.promise;
  t.mock.timers.tick(timeoutMs);
  const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ['outcome_unknown', 'transient', 'transient']);
  assert.equal(asked.length, 1);
});

test('an error quotes one short line of the carrier, and nothing of the credentials', async t => {
  const { client } = await setUp(t, (request, response) => {
    const messages: Record<string, string> = {
      '/v2/line': 'Two\r\nlines,\u001b[31m and\u2028more  of\u202e them',
      '/v2/long': '😀'.repeat(500),
      '/v2/echo': `Bad credentials: ${secret}`,
      '/v2/late': `${'x'.repeat(190)}${secret}`,
      '/v2/code': 'As is',
    };
    const code = request.url === '/v2/code' ? `${secret} in full` : 'e-1';
    json(response, 400, { code, message: messages[request.url!], detail: 'only in the body' });
  });
  const of = async (path: string) => {
    const error = await rejected(client({ method: 'POST', path }, Named));
    const shown = inspect(error, { depth: null, showHidden: true });
    for (const hidden of [secret, secret.slice(0, 10), 'only in the body', '127.0.0.1'])
      assert.ok(!shown.includes(hidden), hidden);
    return error.message;
  };
  assert.equal(await of('/line'), 'The carrier answered e-1: "Two lines, [31m and more of them"');
  assert.equal(await of('/long'), `The carrier answered e-1: "${'😀'.repeat(200)}"`);
  assert.equal(await of('/echo'), 'The carrier answered e-1');
  assert.equal(await of('/late'), 'The carrier answered e-1');
  assert.equal(await of('/code'), 'The carrier answered 400: "As is"');
});
