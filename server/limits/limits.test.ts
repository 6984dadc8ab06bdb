import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newOrganization, newUser } from '../testing/factories.ts';
import { limitTenant } from '../testing/limits.ts';
import { request } from '../testing/request.ts';
import { startBeside, startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
let key: string;
let organization: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
});
after(() => server.stop());

/** So slow that nothing comes back while a test runs. */
const rate = 0.001;
const list = (by = key, on = server) => on.call('GET', '/v1/organizations', { key: by });
const newLimitedKey = (limits: object, more: object = {}) =>
  server.newKey({ permission: 'admin', limits, ...more } as never, key);
const limitsOf = async (by = key, on = server) => {
  const { body } = await on.call('GET', '/v1/limits', { key: by });
  return new Map<string, { max: number | null; used: number | null; renews_at: string | null }>(
    body.limits.map(({ of, limit, ...rest }: { of: string; limit: string }) => [`${of} ${limit}`, rest]),
  );
};
const idOf = async (secret: string) =>
  (await server.call('GET', '/v1/keys', { key })).body.keys.find(
    ({ prefix }: { prefix: string }) => prefix === secret.slice(0, 12),
  ).id;
const editLimits = async (secret: string, limits: object, by = key) =>
  server.call('PATCH', `/v1/keys/${await idOf(secret)}`, { key: by, body: { limits } });
const seconds = (text: string | null) => {
  assert.match(text ?? '', /^[1-9]\d*$/);
  return Number(text);
};

test('without limits nothing is refused, and no header speaks of one', async () => {
  const reply = await list();
  assert.equal(reply.status, 200);
  assert.deepEqual([reply.headers.get('ratelimit'), reply.headers.get('ratelimit-policy')], [null, null]);
});

test('a key has so many requests at once, and the others go on', async () => {
  const limited = await newLimitedKey({ requests_per_second: rate, requests_burst: 3 });
  const replies = [];
  for (let count = 0; count < 5; count++) replies.push(await list(limited));
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 200, 429, 429],
  );
  assert.equal(replies[0]!.headers.get('ratelimit-policy'), '"key:requests_per_second";q=3;w=3000');
  assert.match(replies[0]!.headers.get('ratelimit')!, /^"key:requests_per_second";r=2;t=\d+$/);
  const { headers, body } = replies[4]!;
  assert.equal(body.code, 'limit_exceeded');
  assert.match(body.error, /^The limit requests_per_second of this key is exceeded: it is 0\.001$/);
  const wait = seconds(headers.get('retry-after'));
  assert.ok(wait > 0 && wait <= 1000, `${wait}`);
  assert.equal(headers.get('ratelimit'), `"key:requests_per_second";r=0;t=${wait}`);
  assert.equal((await list()).status, 200);
  assert.equal((await list(await server.newTenant())).status, 200);
});

test('answers from memory and refused requests count as well, and a 429 does not', async () => {
  const limited = await newLimitedKey({ requests_per_second: rate, requests_burst: 4 });
  const path = `/v1/sms/phone-numbers?organization_id=${organization}`;
  const { headers } = await server.call('GET', path, { key: limited });
  const cached = { 'if-none-match': headers.get('etag')! };
  const again = await server.call('GET', path, { key: limited, headers: cached });
  assert.equal(again.status, 304);
  assert.match(again.headers.get('ratelimit')!, /;r=2;/);
  assert.equal((await server.call('GET', '/v1/limits?wrong=1', { key: limited })).status, 200);
  assert.equal((await server.call('GET', '/v1/events', { key: limited })).status, 400);
  for (let count = 0; count < 3; count++) assert.equal((await list(limited)).status, 429);
  assert.equal((await editLimits(limited, { requests_burst: 5 })).status, 200);
  // The bucket is larger, and as empty as before.
  assert.equal((await list(limited)).status, 429);
  assert.equal((await editLimits(limited, { requests_per_second: null })).status, 200);
  assert.equal((await list(limited)).status, 200);
});

test("the operator's limit holds for all keys and users of a tenant together, from the next request on", async () => {
  const other = await server.newKey({ permission: 'read' }, key);
  const user = await newUser(server, organization, key);
  const path = `/v1/organizations/${organization}/users/${user}`;
  const { body } = await server.call('POST', `${path}/tokens`, { key, body: { expires_in: 3600 } });
  const headers = { authorization: `Bearer ${body.access_token}` };
  const lookUp = () => server.call('GET', '/v1/sms/phone-numbers/config', { key: '', headers });
  await limitTenant(server, key, { requests_per_second: rate, requests_burst: 3 });
  assert.deepEqual(
    [(await list()).status, (await list(other)).status, (await lookUp()).status, (await list(other)).status],
    [200, 200, 200, 429],
  );
  const refused = await lookUp();
  assert.equal(refused.body.code, 'limit_exceeded');
  assert.match(refused.body.error, /^The limit requests_per_second of the tenant is exceeded/);
  // A customer does not see how much others of the tenant use.
  assert.deepEqual([refused.headers.get('ratelimit'), refused.headers.get('ratelimit-policy')], [null, null]);
  assert.match((await list()).headers.get('ratelimit')!, /^"tenant:requests_per_second";r=0;t=\d+$/);
  await limitTenant(server, key, { requests_per_second: null });
  assert.equal((await list()).status, 200);
});

test('a day has so many requests, across restarts', async () => {
  // Nothing of this tenant has been asked of the server that runs on.
  key = await server.newTenant();
  await limitTenant(server, key, { requests_per_day: 7 });
  await using first = await temporary();
  const limited = await first.newKey({ limits: { requests_per_day: 4 } }, key);
  for (let count = 0; count < 3; count++) assert.equal((await list(limited, first)).status, 200);
  const { renews_at, ...day } = (await limitsOf(limited, first)).get('key requests_per_day')!;
  assert.deepEqual(day, { max: 4, used: 4 });
  assert.match(renews_at!, /T00:00:0\dZ$|T23:59:59Z$/);
  const refused = await list(limited, first);
  assert.deepEqual([refused.status, refused.body.code], [429, 'limit_exceeded']);
  assert.match(refused.body.error, /requests_per_day of this key is exceeded: it is 4/);
  assert.ok(seconds(refused.headers.get('retry-after')) <= 86_400);
  // What is not written down yet is when a server stops.
  await first.stop();
  await using second = await temporary();
  assert.equal((await list(limited, second)).status, 429);
  const replies = [await list(key, second), await list(key, second), await list(key, second)];
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 429],
  );
  const full = replies[2]!;
  assert.match(full.body.error, /requests_per_day of the tenant/);
  assert.equal(full.headers.get('ratelimit-policy'), '"tenant:requests_per_day";q=7;w=86400');
});

test('servers that run beside each other learn what the others have counted', async () => {
  await limitTenant(server, key, { requests_per_day: 1_000_000 });
  await using other = await temporary();
  const usedOn = async (on: TestServer) => (await limitsOf(key, on)).get('tenant requests_per_day')!.used!;
  const here = await usedOn(server);
  for (let count = 0; count < 50; count++) await list(key, other);
  // Each question counts as well, so more than fifty come from the other server alone.
  let asked = 0;
  while ((await usedOn(server)) - here - ++asked < 50) await sleep(20);
});

/** Another server on the same database. */
async function temporary() {
  const beside = await startBeside(server);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= beside.stop());
  return { ...beside, stop, [Symbol.asyncDispose]: stop };
}

test('so many requests of a key are under way at once', async () => {
  const limited = await newLimitedKey({ concurrent_requests: 2 });
  const follow = () =>
    server.call('GET', `/v1/events?organization_id=${organization}&after_revision=1&wait=30`, {
      key: limited,
    });
  const followers = [follow(), follow()];
  // The third is refused as soon as the two wait.
  let refused = await list(limited);
  while (refused.status === 200) refused = await list(limited);
  assert.deepEqual([refused.status, refused.body.code], [429, 'limit_exceeded']);
  assert.match(refused.body.error, /concurrent_requests of this key/);
  assert.equal(
    refused.headers.get('ratelimit-policy'),
    '"key:concurrent_requests";q=2;qu="concurrent-requests"',
  );
  await newUser(server, organization, key);
  for (const { status } of await Promise.all(followers)) assert.equal(status, 200);
  let reply = await list(limited);
  // The server learns of the end of a reply after the client.
  while (reply.status === 429) reply = await list(limited);
  assert.equal(reply.status, 200);
});

test('a day has so many bytes of imports', async () => {
  const rows = (text: string) => `phone_number\n${text}\n`;
  const file = (body: string, by = key) =>
    server.call('POST', `/v1/sms/phone-numbers/import?organization_id=${organization}`, {
      key: by,
      body,
      headers: { 'content-type': 'text/csv' },
    });
  const first = rows('+14155550100');
  await limitTenant(server, key, { import_bytes_per_day: first.length + 3 });
  const limited = await newLimitedKey({ import_bytes_per_day: first.length + 2 });
  const done = await file(first, limited);
  assert.deepEqual([done.status, done.body.imported], [200, 1]);
  const used = (await limitsOf()).get('tenant import_bytes_per_day')!;
  assert.deepEqual([used.max, used.used], [first.length + 3, first.length]);
  for (const [by, whose] of [
    [limited, 'this key'],
    [key, 'the tenant'],
  ] as const) {
    const refused = await file(rows('+14155550101'), by);
    assert.deepEqual([refused.status, refused.body.code], [429, 'limit_exceeded']);
    assert.match(refused.body.error, new RegExp(`import_bytes_per_day of ${whose}`));
    assert.match(refused.body.detail, /bytes are left of today/);
    assert.ok(seconds(refused.headers.get('retry-after')) <= 86_400);
  }
  // Of unknown length: it is cut where the limit is, and leaves nothing.
  async function* endless() {
    for (let count = 0; count < 1000; count++) yield Buffer.from(rows('+14155550102'));
  }
  const cut = await request(server.url, `/v1/sms/phone-numbers/import?organization_id=${organization}`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'text/csv' },
    body: endless(),
  }).catch(() => undefined);
  // The server does not read on, so the client may learn of it by a broken connection.
  if (cut) assert.equal(cut.status, 429);
  const numbers = await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`, { key });
  assert.equal(numbers.body.phone_numbers.length, 1);
  assert.match(
    numbers.headers.get('ratelimit-policy')!,
    /^"tenant:import_bytes_per_day";q=\d+;qu="content-bytes";w=86400$/,
  );
});

test("the operator's places for a tenant replace the usual ones, and are shown with their use", async () => {
  await limitTenant(server, key, { followers: 1, connections: 3, imports: 1, long_answers: 2 });
  const follow = () =>
    server.call('GET', `/v1/events?organization_id=${organization}&after_revision=1&wait=30`, { key });
  const waiting = follow();
  let limits = await limitsOf();
  while (limits.get('tenant followers')!.used === 0) limits = await limitsOf();
  const refused = await follow();
  assert.deepEqual([refused.status, refused.body.code], [429, 'too_many_requests']);
  assert.match(refused.body.detail, /^All 1 waiting readers of the log/);
  const shown = ['connections', 'long_answers', 'imports', 'followers'].map(name =>
    limits.get(`tenant ${name}`),
  );
  assert.deepEqual(shown, [
    { max: 3, used: 1, renews_at: null }, // the question itself
    { max: 2, used: 0, renews_at: null },
    { max: 1, used: 0, renews_at: null },
    { max: 1, used: 1, renews_at: null },
  ]);
  await newUser(server, organization, key);
  assert.equal((await waiting).status, 200);
  const usual = await limitsOf(server.key);
  assert.equal(usual.get('tenant connections')!.max, 10);
  assert.equal(usual.get('tenant followers')!.max, 1000);
});

test('a bound key cannot lift its limits, neither by itself nor by what it creates', async () => {
  const bound = await newLimitedKey(
    { requests_per_second: rate, requests_burst: 6 },
    { organization_id: organization },
  );
  const own = await editLimits(bound, { requests_per_second: 1000 }, bound); // 1
  assert.deepEqual([own.status, own.body.code], [403, 'key_bound']);
  const body = { name: 'child', permission: 'admin', organization_id: organization };
  const given = { ...body, limits: { requests_per_second: 1000 } };
  const wider = await server.call('POST', '/v1/keys', { key: bound, body: given }); // 2
  assert.deepEqual([wider.status, wider.body.code], [403, 'key_bound']);
  const child = await server.call('POST', '/v1/keys', { key: bound, body }); // 3
  assert.equal(child.body.key.limits_of, await idOf(bound));
  assert.deepEqual(child.body.key.limits, { requests_per_second: rate, requests_burst: 6 });
  const grandchild = await server.call('POST', '/v1/keys', { key: child.body.api_key, body }); // 4
  assert.equal(grandchild.body.key.limits_of, await idOf(bound));
  const user = await newUser(server, organization, key);
  const tokens = `/v1/organizations/${organization}/users/${user}/tokens`;
  const token = await server.call('POST', tokens, { key: bound, body: { expires_in: 3600 } }); // 5
  const asUser = { key: '', headers: { authorization: `Bearer ${token.body.access_token}` } };
  assert.equal((await server.call('GET', '/v1/sms/phone-numbers/config', asUser)).status, 200); // 6
  for (const by of [{ key: bound }, { key: child.body.api_key }, { key: grandchild.body.api_key }, asUser]) {
    const { status, body } = await server.call('GET', '/v1/sms/phone-numbers/config', by);
    assert.deepEqual([status, body.code], [429, 'limit_exceeded']);
  }
  const shared = await server.call('PATCH', `/v1/keys/${grandchild.body.key.id}`, {
    key,
    body: { limits: { requests_per_second: 5 } },
  });
  assert.deepEqual([shared.status, shared.body.code], [409, 'key_shares_limits']);
  // The tenant lifts them, for all of them.
  await editLimits(bound, { requests_per_second: null, requests_burst: null });
  for (const by of [{ key: bound }, { key: grandchild.body.api_key }, asUser])
    assert.equal((await server.call('GET', '/v1/sms/phone-numbers/config', by)).status, 200);
  // And gives them back. A bound key sees its own limits, and nothing of the tenant.
  await editLimits(bound, { requests_per_day: 1000 });
  const seen = await limitsOf(grandchild.body.api_key);
  assert.deepEqual(
    [...seen.keys()],
    ['requests_per_second', 'requests_per_day', 'concurrent_requests', 'import_bytes_per_day'].map(
      name => `key ${name}`,
    ),
  );
});

test("a key's limit is within the tenant's, and wrong limits change nothing", async () => {
  await limitTenant(server, key, { requests_per_second: 100 });
  const limited = await newLimitedKey({ requests_per_second: 50 });
  const wrong: [object, RegExp][] = [
    [
      { requests_per_second: 101 },
      /^limits\.requests_per_second must be at most 100: that is the limit of the tenant$/,
    ],
    [{ requests_per_second: 0 }, /requests_per_second must be >= 0\.001/],
    [{ requests_per_day: 0 }, /requests_per_day must be >= 1/],
    [{ requests_per_day: 1.5 }, /requests_per_day must be an integer/],
    [{ requests_per_day: '5' }, /requests_per_day must be/],
    [{ concurrent_requests: 0 }, /concurrent_requests must be >= 1/],
    [{ numbers: 5 }, /numbers/],
    [{ unknown: 5 }, /unknown/],
  ];
  for (const [limits, error] of wrong) {
    const edited = await editLimits(limited, limits);
    assert.equal(edited.status, 400, JSON.stringify(limits));
    assert.match(edited.body.error, error);
    const body = { name: 'x', permission: 'read', limits };
    assert.equal((await server.call('POST', '/v1/keys', { key, body })).status, 400);
  }
  const { body } = await server.call('GET', '/v1/keys', { key });
  const shown = body.keys.find(({ limits }: { limits: object }) => Object.keys(limits).length > 0);
  assert.deepEqual(shown.limits, { requests_per_second: 50 });
  const elsewhere = await server.call('PATCH', `/v1/keys/${shown.id}`, { body: { limits: {} } });
  assert.deepEqual([elsewhere.status, elsewhere.body.code], [404, 'key_not_found']);
});
