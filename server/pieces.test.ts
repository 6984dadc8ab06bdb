import assert from 'node:assert/strict';
import { type ClientRequest, request } from 'node:http';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser } from './testing/factories.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

let server: TestServer;
/** Whoever would have to wait here is refused at once. */
let hasty: TestServer;
before(async () => {
  server = await startTestServer();
  hasty = await startTestServer(server.database, {}, { waitMsMax: 0 });
});
after(async () => {
  await hasty.stop();
  await server.stop();
});

const bulk = '/v1/sms/phone-numbers/bulk';
const lookup = '/v1/sms/phone-numbers/lookup';
const rich = (text: string) => ({ text: text.repeat(7000) });

function open(path: string, key: string, headers: Record<string, string | number> = {}): ClientRequest {
  const method = path.includes('?') ? 'GET' : 'POST';
  const type = method === 'POST' ? { 'content-type': 'application/json' } : {};
  const sent = request(hasty.url + path, {
    method,
    agent: false,
    headers: { 'x-api-key': key, ...type, ...headers },
  });
  sent.on('error', () => {});
  // An answer with a listener waits to be read.
  sent.on('response', () => {});
  sent.flushHeaders();
  return sent;
}

/** Opens a request that takes what it can, again and again until it is not refused. */
function hold(path: string, headers: Record<string, string> = {}): { end(): void } {
  let sent: ClientRequest;
  let ended = false;
  const again = () => {
    sent = open(path, hasty.key, headers);
    sent.on('response', ({ statusCode }) => {
      if (statusCode === 429 && !ended) again();
    });
  };
  again();
  return {
    end() {
      ended = true;
      sent.destroy();
    },
  };
}

/** Asks again until the answer is as wanted. */
async function until(wanted: number, ask: () => Promise<{ status: number; text: string }>) {
  for (;;) {
    const reply = await ask();
    if (reply.status === wanted) return reply;
    assert.ok([200, 429].includes(reply.status), reply.text);
  }
}

test('while a large request is worked on, others are answered', async () => {
  const items = Array.from({ length: 10_000 }, (_, i) => ({
    action: 'edit',
    phone_number: `+49 30 ${1_000_000 + i}`,
    nickname: 7,
    tags: [i, 'a,b'],
    locked: 'no',
  }));
  let ended = false;
  const large = server.call('POST', bulk, { body: { items, dry_run: true } }).finally(() => {
    ended = true;
  });
  let answered = 0;
  for (; !ended; answered++) await server.call('GET', '/livez');
  const { status, body } = await large;
  assert.deepEqual([status, body.rejected], [200, 10_000]);
  assert.match(
    body.results[9999].error,
    /^nickname must be .*; tags\[0\] must be .*; tags\[1\] must be .*; locked must be/,
  );
  // It is seconds of work, in pieces of milliseconds.
  assert.ok(answered >= 20, `${answered} answers`);
});

test('a large body is refused at its first item too many, and all of what is wrong is said of a smaller one', async () => {
  const zeros = await server.call('POST', bulk, { body: `{"items":[${'0,'.repeat(4_000_000)}0]}` });
  assert.deepEqual([zeros.status, zeros.body.error], [400, 'items must not have more than 10000 items']);
  const wrong = await server.call('POST', lookup, {
    body: { phone_numbers: Array(100).fill(7), country: 'US' },
  });
  assert.equal(wrong.body.fields.length, 20);
  assert.match(wrong.body.error, /; and 81 more$/);
  const late = await server.call('POST', bulk, {
    body: { items: [...Array(9000).fill({ action: 'release', phone_number: 'x' }), { action: 'explode' }] },
  });
  assert.equal(late.status, 400);
  assert.match(late.body.error, /^items\[9000\]\.(action|phone_number) /);
  const escaped = {
    organization_id: 'org_x',
    phone_numbers: Array.from({ length: 900 }, () => ({
      phone_number: 'x'.repeat(64),
      nickname: 'y'.repeat(50),
    })),
  };
  escaped.phone_numbers[800]!.nickname = 'a\0';
  const unstorable = await server.call('POST', '/v1/sms/phone-numbers', { body: escaped });
  assert.match(
    unstorable.body.error,
    /^phone_numbers\[800\]\.nickname has a character that cannot be stored/,
  );
});

test('a body that is too long for its operation is refused before it comes', async () => {
  for (const [path, length] of [
    [bulk, 17_000_000],
    [lookup, 300_000],
    ['/v1/keys', 200_000],
  ] as const) {
    const sent = open(path, hasty.key, { 'content-length': length });
    const status = await new Promise(resolve =>
      sent.once('response', ({ statusCode }) => resolve(statusCode)),
    );
    assert.equal(status, 413);
    sent.destroy();
  }
});

test('bodies that do not come are counted: their tenant waits, and no other one', async () => {
  const body = { phone_numbers: Array(1000).fill('+1 (415) 555-0000, or another one, who knows') };
  const ask = (key: string) => hasty.call('POST', lookup, { key, body });
  const bodies: Record<string, string>[] = [
    { 'content-length': '16777216' },
    { 'transfer-encoding': 'chunked' },
  ];
  for (const headers of bodies) {
    const held = hold(bulk, headers);
    const refused = await until(429, () => ask(hasty.key));
    assert.match(refused.text, /kilobytes of bodies that one tenant may have/);
    assert.equal((await ask(await hasty.newTenant())).status, 200);
    held.end();
    await until(200, () => ask(hasty.key));
  }
});

test('answers that are not read are counted: their tenant waits, and no other one', async () => {
  const list = async (key: string) => {
    const organization = await newOrganization(hasty, key);
    const numbers = Array.from({ length: 1000 }, (_, i) => ({
      phone_number: `+1415555${String(i).padStart(4, '0')}`,
    }));
    await newNumbers(hasty, organization, numbers, key);
    await server.database.db
      .updateTable('phone_numbers')
      .set({ metadata: JSON.stringify(rich('ü')) })
      .where('organization_id', '=', eb =>
        eb.selectFrom('organizations').select('id').where('unique_id', '=', organization),
      )
      .execute();
    return `/v1/sms/phone-numbers?organization_id=${organization}&view=full&limit=1000`;
  };
  const [path, other] = [await list(hasty.key), await hasty.newTenant()];
  const otherPath = await list(other);
  const held = hold(path);
  const refused = await until(429, () => hasty.call('GET', path, { key: hasty.key }));
  assert.match(refused.text, /kilobytes of answers on their way that one tenant may have/);
  assert.equal((await hasty.call('GET', otherPath, { key: other })).status, 200);
  held.end();
  await until(200, () => hasty.call('GET', path, { key: hasty.key }));
});

test('long lists of organizations and users are the same as short ones', async () => {
  const key = await server.newTenant();
  const organization = await newOrganization(server, key);
  await newUser(server, organization, key);
  const { db } = server.database;
  const of = await db
    .selectFrom('organizations')
    .selectAll()
    .where('unique_id', '=', organization)
    .executeTakeFirstOrThrow();
  const shortLists = [
    await server.call('GET', '/v1/organizations', { key }),
    await server.call('GET', `/v1/organizations/${organization}/users`, { key }),
  ];
  const at = (i: number) => new Date(of.created_at.getTime() + Math.floor(i / 3));
  const ids = Array.from({ length: 1100 }, () => crypto.randomUUID());
  const rows = ids.map((id, i) => ({ id, created_at: at(i), modified_at: at(i), tenant_id: of.tenant_id }));
  await db
    .insertInto('organizations')
    .values(rows.map((row, i) => ({ ...row, unique_id: `org_${i}`, name: `Ä "${i}"` })))
    .execute();
  await db
    .insertInto('users')
    .values(
      rows.map((row, i) => ({
        ...row,
        organization_id: of.id,
        unique_id: `user_${i}`,
        name: `Ä ${i}`,
        email: `many${i}@example.com`,
        permission: 'user' as const,
      })),
    )
    .execute();
  for (const [index, [path, name]] of (
    [
      ['/v1/organizations', 'organizations'],
      [`/v1/organizations/${organization}/users`, 'users'],
    ] as const
  ).entries()) {
    const long = await server.call('GET', path, { key });
    const before = shortLists[index]!;
    assert.equal(long.status, 200);
    assert.deepEqual(Object.keys(long.body), Object.keys(before.body));
    assert.deepEqual([long.body.count, long.body[name].length], [1101, 1101]);
    assert.deepEqual(
      long.body[name].filter(
        (row: { unique_id: string }) => row.unique_id === before.body[name][0].unique_id,
      ),
      before.body[name],
    );
    assert.deepEqual(
      [...new Set(long.body[name].map((row: object) => Object.keys(row).join()))],
      [Object.keys(before.body[name][0]).join()],
    );
    const table = name === 'users' ? 'users' : 'organizations';
    const sorted = await db
      .selectFrom(table)
      .select('unique_id')
      .where('tenant_id', '=', of.tenant_id)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    assert.deepEqual(
      long.body[name].map((row: { unique_id: string }) => row.unique_id),
      sorted.map(row => row.unique_id),
    );
    const headers = ({ headers }: typeof long) =>
      [...headers.keys()].filter(name => !['content-length', 'transfer-encoding'].includes(name)).sort();
    assert.deepEqual(headers(long), headers(before));
  }
});

test('the log and batches come in answers of bounded size, however well their bytes can be compressed', async () => {
  const organization = await newOrganization(server);
  const numbers = Array.from({ length: 400 }, (_, i) => `+1416555${String(i).padStart(4, '0')}`);
  await newNumbers(
    server,
    organization,
    numbers.map(phone_number => ({ phone_number })),
  );
  for (const text of ['x', 'y']) {
    const items = numbers.map(phone_number => ({ action: 'edit', phone_number, metadata: rich(text) }));
    assert.equal((await server.call('POST', bulk, { body: { items } })).body.done, 400);
  }
  for (let i = 0; i < 100; i++)
    await server.call('PATCH', `/v1/sms/phone-numbers/${numbers[0]}`, {
      body: { metadata: rich(`${i % 10}`) },
    });
  const bound = 1_200_000;
  let after = 0;
  const events = [];
  for (let more = true; more; ) {
    const { body, text } = await server.call(
      'GET',
      `/v1/events?organization_id=${organization}&after_revision=${after}&limit=1000`,
    );
    assert.ok(text.length < bound, `${text.length}`);
    events.push(...body.events);
    after = body.events.at(-1).revision;
    more = body.has_more;
  }
  assert.deepEqual(
    events.map(({ revision }) => revision),
    [...Array(104).keys()].map(index => index + 1),
  );
  const { batch_id, count } = events[3].data;
  const items = [];
  for (let piece = 0, more = true; more; piece++) {
    const { body, text } = await server.call('GET', `/v1/batches/${batch_id}?piece=${piece}`);
    assert.deepEqual(Object.keys(body), ['success', 'items', 'has_more', 'powered_by']);
    assert.ok(text.length < bound, `${text.length}`);
    items.push(...body.items);
    more = body.has_more;
  }
  assert.deepEqual([items.length, count], [400, 400]);
  assert.deepEqual(
    items.map(({ phone_number }) => phone_number),
    numbers,
  );
});
