import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { monthOf } from '../http/moments.ts';
import { uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { addAmounts } from './charges.ts';
import { newBook } from './testing.ts';

let server: TestServer;
let book: Awaited<ReturnType<typeof newBook>>;
const numbers = Array.from({ length: 3 }, uniqueNumber) as [string, string, string];
const time = (text: string) => Date.parse(text);

before(async () => {
  server = await startTestServer();
  book = await newBook(server.database.db);
  const { north, south } = book;
  await book.bring(time('2024-01-15T10:30:00Z'), north, numbers.slice(0, 2));
  await book.bring(time('2024-01-20T00:00:00Z'), south, numbers.slice(2));
  // Without this the job would go on charging these numbers by the real clock.
  await server.database.db.updateTable('phone_numbers').set({ next_fee_at: null }).execute();
  for (const [at, organization, number, type, amount] of [
    ['2024-01-15T10:30:00Z', north, 0, 'number.purchase_fee', 0.1],
    ['2024-01-15T10:30:00Z', north, 1, 'number.purchase_fee', 0.2],
    ['2024-01-31T23:59:59.999Z', north, 0, 'number.weekly_fee', 1.0001],
    ['2024-02-01T00:00:00Z', north, 1, 'number.weekly_fee', 2],
    ['2024-02-02T00:00:00Z', north, 1, 'number.weekly_fee', 0],
    ['2024-01-21T00:00:00Z', south, 2, 'number.weekly_fee', 4],
    ['2024-02-03T12:00:00Z', south, 2, 'number.released', 0],
  ] as const)
    await book.charge(time(at), organization, numbers[number], type, amount);
});
after(() => server.stop());

const usage = (query = '', key = book.key, headers: Record<string, string> = {}) =>
  server.call('GET', `/v1/usage?${query}`, { key, headers });

test('a month has the charges made in it, to the millisecond, and adds up exactly', async () => {
  const january = await usage('from=2024-01-01&to=2024-02-01');
  assert.equal(january.status, 200, january.text);
  const { from, to, count, has_more, next_cursor, totals, charges } = january.body;
  assert.deepEqual([from, to], ['2024-01-01T00:00:00Z', '2024-02-01T00:00:00Z']);
  assert.deepEqual([count, has_more, next_cursor], [4, false, null]);
  assert.deepEqual(totals, {
    count: 4,
    amount: 5.3001,
    currency: 'USD',
    by_type: [
      { type: 'number.purchase_fee', count: 2, amount: 0.3 },
      { type: 'number.weekly_fee', count: 2, amount: 5.0001 },
    ],
    by_organization: [
      { organization_id: book.north, count: 3, amount: 1.3001 },
      { organization_id: book.south, count: 1, amount: 4 },
    ],
  });
  const { id, phone_number_id, ...last } = charges.at(-1);
  assert.match(`${id} ${phone_number_id}`, /^[0-9a-f-]{36} [0-9a-f-]{36}$/);
  assert.deepEqual(last, {
    type: 'number.weekly_fee',
    organization_id: book.north,
    phone_number: numbers[0],
    order_id: null,
    amount: 1.0001,
    currency: 'USD',
    period_start: '2024-01-31T23:59:59Z',
    period_end: '2024-02-07T23:59:59Z',
    at: '2024-01-31T23:59:59Z',
  });
  const february = (await usage('from=2024-02-01T00:00:00Z&to=2024-03-01')).body;
  assert.deepEqual([february.totals.count, february.totals.amount], [2, 2]);
  assert.equal(february.charges[1].period_end, null);
});

test('the default period is this month; without charges all totals are 0', async () => {
  const { body } = await usage();
  const { from, to } = monthOf(new Date(), 'UTC');
  assert.deepEqual([Date.parse(body.from), Date.parse(body.to)], [from.getTime(), to.getTime()]);
  const nothing = { count: 0, amount: 0, currency: 'USD', by_type: [], by_organization: [] };
  assert.deepEqual([body.charges, body.totals], [[], nothing]);
});

test('spending is the total of the month, plus the weeks that the job has not charged yet', async () => {
  const { north, south, spent } = book;
  assert.equal(await spent(time('2024-01-01T00:00:00Z'), north), 1.3001);
  assert.equal(await spent(time('2024-02-29T23:59:59.999Z'), north), 2);
  assert.equal(await spent(time('2023-12-31T23:59:59.999Z'), north), 0);
  await book.setPrice(1.5);
  const due = { next_fee_at: new Date('2024-05-01T00:00:00Z') };
  const its = server.database.db.updateTable('phone_numbers').where('phone_number', '=', numbers[2]);
  await its.set(due).execute();
  assert.equal(await spent(time('2024-04-30T23:59:59Z'), south), 0);
  assert.equal(await spent(time('2024-05-15T00:00:00Z'), south), 4.5);
  assert.equal(await spent(time('2024-05-15T00:00:00Z'), north), 0);
  await its.set({ next_fee_at: null }).execute();
  assert.equal(0.1 + 0.2 > 0.3 && addAmounts(0.1, 0.2), 0.3);
});

test('pages have each charge once, in order, and every page has the totals of all charges', async () => {
  const all = (await usage('from=2024-01-01&to=2025-01-01')).body.charges;
  const paged: unknown[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await usage(`from=2024-01-01&to=2025-01-01&limit=2${cursor}`);
    assert.equal(body.totals.count, all.length);
    paged.push(...body.charges);
    assert.equal(body.has_more, paged.length < all.length);
    if (!body.has_more) break;
    cursor = `&cursor=${body.next_cursor}`;
  }
  assert.deepEqual(paged, all);
  const elsewhere = await usage(`organization_id=${book.south}&cursor=${all[0].id}`);
  assert.deepEqual([elsewhere.status, elsewhere.body.code], [400, 'invalid_request']);
});

test('each key sees its own charges', async () => {
  const period = 'from=2024-01-01&to=2024-02-01';
  const sums = async (query: string, key?: string, headers?: Record<string, string>) => {
    const { status, body } = await usage(`${period}${query}`, key, headers);
    return status === 200 ? body.totals.amount : body.code;
  };
  const bound = await server.newKey({ organization_id: book.south, permission: 'read' }, book.key);
  const user = `/v1/organizations/${book.south}/users`;
  const ann = { name: 'Ann', email: 'ann@example.com', permission: 'admin' };
  const made = await server.call('POST', user, { key: book.key, body: ann });
  const tokens = `${user}/${made.body.user.unique_id}/tokens`;
  const { access_token } = (await server.call('POST', tokens, { key: book.key, body: { expires_in: 3600 } }))
    .body;
  const admin = { authorization: `Bearer ${access_token}` };
  assert.equal(await sums(''), 5.3001);
  assert.equal(await sums(`&organization_id=${book.south}`), 4);
  assert.equal(await sums('', bound), 4);
  assert.equal(await sums('', '', admin), 4);
  for (const caller of [[bound], ['', admin], [server.key]] as [string, Record<string, string>?][])
    assert.equal(await sums(`&organization_id=${book.north}`, ...caller), 'organization_not_found');
  assert.equal(await sums('', server.key), 0);
  const one = (await usage(period)).body.charges[0].id;
  assert.equal(await sums(`&cursor=${one}`, server.key), 'invalid_request');
});

test('CSV has the same charges', async () => {
  const period = 'from=2024-01-01&to=2025-01-01';
  const { charges } = (await usage(period)).body;
  const asked = await usage(`${period}&format=csv`);
  assert.equal(asked.headers.get('content-type'), 'text/csv; charset=utf-8');
  assert.equal(
    asked.headers.get('content-disposition'),
    'attachment; filename="usage-2024-01-01-2025-01-01.csv"',
  );
  assert.equal((await usage(period, book.key, { accept: 'text/csv' })).text, asked.text);
  for (const accept of ['application/json, text/csv', '*/*'])
    assert.deepEqual((await usage(period, book.key, { accept })).body.charges, charges);
  assert.deepEqual(
    (await usage(`${period}&format=json`, book.key, { accept: 'text/csv' })).body.charges,
    charges,
  );
  const rows: Record<string, string>[] = parse(asked.text, { columns: true, record_delimiter: '\r\n' });
  const expected = charges.map((charge: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(charge).map(([name, value]) => [name, String(value ?? '')])),
  );
  assert.deepEqual(
    rows.map(row => ({ ...row, amount: String(Number(row.amount)) })),
    expected,
  );
  assert.ok(rows.every(({ amount }) => /^\d+\.\d{4}$/.test(amount!)));
});

test('a file of any length arrives whole, and a client that goes away leaks no connection', async () => {
  const { db, pool } = server.database;
  const long = await newBook(db);
  const number = uniqueNumber();
  await long.bring(time('2024-01-01T00:00:00Z'), long.north, [number]);
  await db.updateTable('phone_numbers').set({ next_fee_at: null }).execute();
  await pool.query(
    `insert into charges (tenant_id, organization_id, id, type, phone_number_id, phone_number, amount, period_start, at)
    select tenant_id, organization_id, gen_random_uuid(), 'number.weekly_fee', id, phone_number, 0.0001, begin, '2024-01-01'
    from phone_numbers, generate_series(1, 12000) as n, lateral (select timestamptz '2024-01-01' + n * interval '168 hours' as begin) w
    where phone_number = $1`,
    [number],
  );
  const path = 'from=2024-01-01&to=2024-02-01';
  const { text } = await usage(`${path}&format=csv`, long.key);
  assert.equal(text.split('\r\n').length, 12_002);
  const { body } = await usage(path, long.key);
  assert.deepEqual([body.count, body.has_more, body.totals.amount], [1000, true, 1.2]);
  for (let i = 0; i < 25; i++) {
    const gone = new AbortController();
    const headers = { 'x-api-key': long.key, accept: 'text/csv' };
    const response = await fetch(`${server.url}/v1/usage?${path}`, { headers, signal: gone.signal });
    assert.equal(response.status, 200);
    gone.abort();
  }
  // More than the pool has connections.
  assert.equal((await usage(`${path}&format=csv`, long.key)).text, text);
});

test('invalid queries are refused', async () => {
  const refusals: [query: string, error: string][] = [
    ['from=2024-02-01&to=2024-02-01', 'from must be before to'],
    ['to=2000-01-01', 'from must be before to'],
    ['from=2024-02-30', 'from must be a moment such as 2024-01-15T10:30:00Z, or a day such as 2024-01-15'],
    ['from=2024-02', 'from must be a moment such as 2024-01-15T10:30:00Z, or a day such as 2024-01-15'],
    ['limit=0', 'limit must be >= 1'],
    ['limit=10001', 'limit must be <= 10000'],
    ['format=csv&limit=1', 'limit cannot be combined with CSV, which always has all charges'],
    [
      'cursor=urn:uuid:0199f3a0-8d2f-7c11-9e4b-5a6c7d8e9f01',
      'cursor must be a UUID such as 6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
    ],
    ['month=1', 'month is not a known parameter'],
  ];
  for (const [query, error] of refusals) {
    const { status, body } = await usage(query);
    assert.deepEqual([status, body.error], [400, error], query);
  }
});
