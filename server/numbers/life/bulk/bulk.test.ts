import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { check } from '../../../check/check.ts';
import { newNumbers, newOrganization, newUser } from '../../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../../testing/server.ts';

let server: TestServer;
let key: string;
let organization: string;
let user: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
  user = await newUser(server, organization, key);
});
after(() => server.stop());

type Item = { action: string; phone_number: string } & Record<string, unknown>;

const bulk = (items: Item[], options: object = {}) =>
  server.call('POST', '/v1/sms/phone-numbers/bulk', { key, body: { items, ...options } });

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `+1415${5550000 + i}`);

const add = (list: string[], to = organization) =>
  newNumbers(
    server,
    to,
    list.map(phone_number => ({ phone_number })),
    key,
  );

const log = async (id = organization, after = 0) =>
  (await server.call('GET', `/v1/events?organization_id=${id}&after_revision=${after}&limit=1000`, { key }))
    .body;

const list = async (id = organization) =>
  (await server.call('GET', `/v1/sms/phone-numbers?organization_id=${id}&view=full`, { key })).body
    .phone_numbers;

async function assertConsistent() {
  const { findings } = await check(server.database);
  assert.deepEqual(findings, []);
}

test('10,000 items are one revision of each organization, with a result for each', async () => {
  const all = numbers(10_000);
  const file = await server.call('POST', `/v1/sms/phone-numbers/import?organization_id=${organization}`, {
    key,
    body: ['phone_number', ...all].join('\n'),
    headers: { 'content-type': 'text/csv' },
  });
  assert.equal(file.body.imported, 10_000);
  const other = await newOrganization(server, key);
  const before = [(await log()).revision, (await log(other)).revision];
  const items = all.map((phone_number, i): Item => {
    if (i % 2 === 0)
      return { action: 'transfer', phone_number, to_organization_id: other, end_assignment: true };
    return { action: 'assign', phone_number, user_id: i % 1000 === 1 ? 'user_nobody' : user };
  });
  const { status, body } = await bulk(items);
  assert.equal(status, 200);
  assert.deepEqual([body.done, body.rejected, body.results.length], [9990, 10, 10_000]);
  body.results.forEach((result: object, index: number) => {
    const expected = { index, phone_number: all[index], done: index % 1000 !== 1 };
    const why = { code: 'assignee_not_found', error: 'User not found' };
    assert.deepEqual(result, expected.done ? expected : { ...expected, ...why });
  });
  const logs = [await log(organization, before[0]), await log(other, before[1])];
  assert.deepEqual(
    logs.map(({ events }) =>
      events.map(({ type, data }: { type: string; data: { count: number } }) => [type, data.count]),
    ),
    [[['numbers.changed', 9990]], [['numbers.changed', 5000]]],
  );
  const statuses = Map.groupBy(await list(), (row: { status: string }) => row.status);
  assert.deepEqual([statuses.get('assigned')!.length, statuses.get('available')!.length], [4990, 10]);
  assert.equal((await list(other)).length, 5000);
  await assertConsistent();

  let pieces = 0;
  let count = 0;
  for (let more = true; more; pieces++) {
    const path = `/v1/batches/${logs[0].events[0].data.batch_id}?piece=${pieces}`;
    const piece = (await server.call('GET', path, { key })).body;
    count += piece.items.length;
    more = piece.has_more;
  }
  assert.deepEqual([pieces, count], [10, 9990]);
});

test('10,001 items, or none, are refused', async () => {
  for (const count of [10_001, 0]) {
    const { status, body } = await bulk(
      numbers(count).map(phone_number => ({ action: 'unassign', phone_number })),
    );
    assert.deepEqual([status, body.code], [400, 'invalid_request']);
  }
});

test('a rejected item has its error, and the others are applied', async () => {
  const [one, two] = numbers(2) as [string, string];
  await add([one, two]);
  const { body } = await bulk([
    { action: 'assign', phone_number: '(415) 555-0000', user_id: user },
    { action: 'assign', phone_number: one, user_id: user },
    { action: 'unassign', phone_number: two },
    { action: 'release', phone_number: '+14155559999' },
    { action: 'release', phone_number: 'nonsense' },
    { action: 'transfer', phone_number: two, to_organization_id: 'org_none' },
    { action: 'transfer', phone_number: two, to_organization_id: organization },
  ]);
  assert.deepEqual(
    body.results.map((result: { code?: string }) => result.code ?? 'done'),
    [
      'done',
      'number_assigned',
      'number_not_assigned',
      'number_not_found',
      'invalid_request',
      'organization_not_found',
      'already_there',
    ],
  );
});

test('an item with a wrong value is rejected by itself, whatever the value is', async () => {
  const [one] = numbers(1) as [string];
  await add([one]);
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ action: 'release', phone_number: '' }, /^phone_number is not a phone number$/],
    [{ action: 'release', phone_number: null }, /^phone_number must be a string$/],
    [{ action: 'release', phone_number: { a: 1 } }, /^phone_number must be a string$/],
    [{ action: 'release', phone_number: '1'.repeat(500) }, /^phone_number is too long/],
    [{ action: 'release', phone_number: 'a\0' }, /^phone_number has a character that cannot be stored/],
    [{ action: 'assign', phone_number: one, user_id: '' }, /^user_id /],
    [{ action: 'assign', phone_number: one, user_id: 7 }, /^user_id must be a string$/],
    [
      { action: 'edit', phone_number: one, nickname: 'x'.repeat(201), locked: 'no' },
      /^nickname .*; locked must be/,
    ],
    [{ action: 'edit', phone_number: one, metadata: { 'a\0': 1 } }, /^metadata\..* cannot be stored/],
    [{ action: 'edit', phone_number: one, metadata: { a: '\ud800' } }, /^metadata\.a has a character/],
    [
      { action: 'tag', phone_number: one, add: ['a,b'] },
      /^add\[0\] must be 1 to 60 characters without commas/,
    ],
    [
      { action: 'transfer', phone_number: one, to_organization_id: [] },
      /^to_organization_id must be a string$/,
    ],
  ];
  const right = { action: 'tag', phone_number: one, add: ['west'] };
  const headers = { 'idempotency-key': 'wrong-values' };
  const body = { items: [...wrong.map(([item]) => item), right] };
  const reply = await server.call('POST', '/v1/sms/phone-numbers/bulk', { key, headers, body });
  assert.deepEqual([reply.status, reply.body.done, reply.body.rejected], [200, 1, wrong.length], reply.text);
  wrong.forEach(([, error], index) => {
    assert.match(reply.body.results[index].error, error);
    assert.equal(reply.body.results[index].code, 'invalid_request');
  });
  const [number] = await list();
  assert.deepEqual(number.tags, ['west']);
  const again = await server.call('POST', '/v1/sms/phone-numbers/bulk', { key, headers, body });
  assert.deepEqual(again.body, reply.body);
});

test('atomic: one rejected item, and nothing is changed', async () => {
  const [one, two] = numbers(2) as [string, string];
  await add([one]);
  const before = [await log(), await list()];
  const { status, body } = await bulk(
    [
      { action: 'assign', phone_number: one, user_id: user },
      { action: 'assign', phone_number: two, user_id: user },
    ],
    { atomic: true },
  );
  assert.deepEqual([status, body.code], [422, 'bulk_rejected']);
  assert.equal(body.error, '1 of 2 items was rejected, so nothing was changed');
  assert.deepEqual(
    body.results.map((result: { done: boolean; code?: string }) => [result.done, result.code]),
    [
      [true, undefined],
      [false, 'number_not_found'],
    ],
  );
  assert.deepEqual([await log(), await list()], before);
});

test('dry_run reports what would happen, atomic or not, and changes nothing', async () => {
  const [one, two] = numbers(2) as [string, string];
  await add([one]);
  const before = [await log(), await list()];
  const items = [one, two].map(phone_number => ({ action: 'assign', phone_number, user_id: user }));
  for (const atomic of [true, false]) {
    const { status, body } = await bulk(items, { dry_run: true, atomic });
    assert.deepEqual([status, body.dry_run, body.done, body.rejected], [200, true, 1, 1]);
  }
  assert.deepEqual([await log(), await list()], before);
});

test('each item sees what the items before it have changed', async () => {
  const [one, two] = numbers(2) as [string, string];
  const other = await newOrganization(server, key);
  const there = await newUser(server, other, key);
  await server.call('PATCH', '/v1/tenant', { key, body: { transfer_cool_down_seconds: 0 } });
  await add([one, two]);
  const { body } = await bulk([
    { action: 'assign', phone_number: one, user_id: user },
    { action: 'tag', phone_number: one, add: ['b', 'a'] },
    { action: 'unassign', phone_number: one },
    { action: 'transfer', phone_number: one, to_organization_id: other },
    { action: 'tag', phone_number: one, add: ['c'], remove: ['b'] },
    { action: 'assign', phone_number: one, user_id: there },
    { action: 'edit', phone_number: two, locked: true, nickname: 'Desk', metadata: { a: 1 } },
    { action: 'release', phone_number: two },
    { action: 'edit', phone_number: two, locked: null, nickname: null },
    { action: 'release', phone_number: two },
    { action: 'edit', phone_number: two, nickname: 'Late' },
  ]);
  assert.deepEqual(
    body.results.flatMap((result: { index: number; code?: string }) =>
      result.code ? [[result.index, result.code]] : [],
    ),
    [
      [7, 'number_locked'],
      [10, 'number_not_found'],
    ],
  );
  const [moved] = await list(other);
  assert.deepEqual([moved.phone_number, moved.tags, moved.assigned_to.user_id], [one, ['a', 'c'], there]);
  assert.deepEqual(await list(), []);
  await assertConsistent();
});

test('an assignment that is ended and made again in one request is two, as the log says', async () => {
  const [one, two] = numbers(2) as [string, string];
  await add([one, two]);
  const assign = (phone_number: string) => ({ action: 'assign', phone_number, user_id: user });
  await bulk([assign(one)]);
  const items = [one, two].flatMap(phone_number => [
    ...(phone_number === two ? [assign(two)] : []),
    { action: 'unassign', phone_number },
    assign(phone_number),
  ]);
  assert.equal((await bulk(items)).body.done, 5);
  const { revision } = await log();
  const { rows } = await server.database.pool.query(
    `select n.phone_number, a.from_revision, a.to_revision from assignments a
     join phone_numbers n on n.tenant_id = a.tenant_id and n.id = a.phone_number_id
     join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
     where o.unique_id = $1 order by n.phone_number, a.from_revision`,
    [organization],
  );
  assert.deepEqual(
    rows.map(row => [
      row.phone_number,
      Number(row.from_revision),
      row.to_revision && Number(row.to_revision),
    ]),
    [
      [one, revision - 1, revision],
      [one, revision, null],
      [two, revision, null],
    ],
  );
  await assertConsistent();
});

test('items that change nothing make no revision', async () => {
  const [one] = numbers(1) as [string];
  await add([one]);
  const before = await log();
  const { body } = await bulk([
    { action: 'edit', phone_number: one, nickname: null, metadata: {} },
    { action: 'tag', phone_number: one, remove: ['x'] },
  ]);
  assert.equal(body.done, 2);
  assert.deepEqual(await log(), before);
  await assertConsistent();
});

test('bulk transfers in opposite directions wait for each other, and no client notices', async () => {
  const other = await newOrganization(server, key);
  await server.call('PATCH', '/v1/tenant', { key, body: { transfer_cool_down_seconds: 0 } });
  const all = numbers(60);
  await add(all.slice(0, 30));
  await add(all.slice(30), other);
  const cross = (items: string[], to: string) =>
    bulk(items.map(phone_number => ({ action: 'transfer', phone_number, to_organization_id: to })));
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => [cross(all, other), cross(all.toReversed(), organization)]).flat(),
  );
  assert.deepEqual([...new Set(replies.map(reply => reply.status))], [200]);
  assert.equal((await list()).length + (await list(other)).length, 60);
  await assertConsistent();
});

test('more simultaneous bulk changes than connections all succeed', async () => {
  const all = numbers(60);
  await add(all);
  const replies = await Promise.all(
    all.map(phone_number => bulk([{ action: 'assign', phone_number, user_id: user }])),
  );
  assert.deepEqual([...new Set(replies.map(reply => reply.body.done))], [1]);
});

test('an invalid body is refused with the name of the field', async () => {
  for (const [item, field] of [
    [{ action: 'assign', phone_number: '+14155550000' }, 'user_id'],
    [{ action: 'explode', phone_number: '+14155550000' }, 'action'],
    [{ action: 'release' }, 'phone_number'],
    [{ action: 'release', phone_number: '+14155550000', user_id: 'x' }, 'user_id'],
  ] as const) {
    const { status, body } = await bulk([item as never]);
    assert.equal(status, 400);
    assert.ok(body.error.includes(field), body.error);
  }
});
