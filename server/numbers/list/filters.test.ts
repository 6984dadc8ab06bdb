import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { newNumbers, newOrganization, newUser } from '../../testing/factories.ts';
import { fuzzing } from '../../testing/runs.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

// biome-ignore lint/suspicious/noExplicitAny: a number as the reply shows it
type Row = any;

let server: TestServer;
let organization: string;
let users: string[];
let all: Row[];

const list = (query: Record<string, unknown> = {}) => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams({ organization_id: organization, ...Object.fromEntries(given) } as never);
  return server.call('GET', `/v1/sms/phone-numbers?${text}`);
};

before(async () => {
  server = await startTestServer();
  organization = await newOrganization(server);
  users = [await newUser(server, organization), await newUser(server, organization)];
  await server.call('PATCH', '/v1/tenant', { body: { cool_down_seconds: 3600, release_undo_seconds: 3600 } });
  const numbers = [
    '+14155550001',
    '+14155550100',
    '+14155551001',
    '+16285550001',
    '+12125554155',
    '+442079460958',
    '+4915112345678',
  ];
  const more = Array.from({ length: 23 }, (_, i) => `+1303555${String(i * 41).padStart(4, '0')}`);
  for (const group of [numbers.slice(0, 3), numbers.slice(3), more]) {
    const added = group.map((phone_number, i) => ({
      phone_number,
      user_id: i % 3 === 0 ? users[i % 2]! : null,
    }));
    await newNumbers(server, organization, added);
  }
  const labels: [nickname: string | null, tags: string[]][] = [
    ['100% Sales', ['a%b', 'vip']],
    ['1000 Sales', ['axb']],
    ['under_score', ['a_b', 'x\\y']],
    ['underscore', ['vip']],
    ['back\\slash', ['x\\y']],
    [null, ['west', 'vip']],
    ["O'Neill (sales)", []],
    ['Büro Zu\u0308rich', []],
  ];
  for (const [i, phone_number] of [...numbers, ...more.slice(0, 7)].entries()) {
    const [nickname, tags] = labels[i % labels.length]!;
    const items = [{ action: 'edit', phone_number, nickname, tags, metadata: { i } }];
    await server.call('POST', '/v1/sms/phone-numbers/bulk', { body: { items } });
  }
  await server.call('POST', '/v1/sms/phone-numbers/+14155550100/reserve', {
    body: { expires_in: 3600, note: 'cart' },
  });
  await server.call('DELETE', '/v1/sms/phone-numbers/+16285550001/assign');
  await server.call('DELETE', '/v1/sms/phone-numbers/+442079460958');
  await server.database.pool.query(
    `update phone_numbers set created_at = timestamptz '2024-01-01T00:00:00Z' + (hashtext(phone_number) & 3) * interval '1 day',
     available_since = case when status = 'available' then timestamptz '2024-02-01T00:00:00Z' + (hashtext(phone_number) & 1) * interval '1 day' end`,
  );
  all = (await list({ view: 'full' })).body.phone_numbers;
});
after(() => server.stop());

type Filter = Record<string, string | undefined>;
const days = ['2023-12-31', '2024-01-01', '2024-01-02', '2024-01-04', '2100-01-01'].map(
  day => `${day}T00:00:00Z`,
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const filter: fc.Arbitrary<Filter> = fc.record({
  include_assigned: maybe(fc.constantFrom('true', 'false')),
  status: maybe(
    fc.constantFrom('available', 'assigned', 'reserved', 'cooling_down', 'releasing', 'released', 'pending'),
  ),
  area_code: maybe(fc.constantFrom('415', '303', '212')),
  starts_with: maybe(fc.constantFrom('1', '+1 (415)', '44', '1-303-555', '9')),
  contains: maybe(fc.constantFrom('555', '(415) 555', '00', '4155')),
  ends_with: maybe(fc.constantFrom('1', '0-1', '4155', '58')),
  tag: maybe(fc.constantFrom('vip', 'a%b', 'a_b', 'x\\y', 'a')),
  assigned_to: maybe(fc.constantFrom('0', '1', 'email0', 'nobody')),
  nickname: maybe(fc.constantFrom('sales', 'SALES', '%', '_', '\\', "'", '100', 'ZÜRICH', 'buro')),
  created_after: maybe(fc.constantFrom(...days)),
  created_before: maybe(fc.constantFrom(...days)),
  unassigned_since: maybe(
    fc.constantFrom('2024-01-31T00:00:00Z', '2024-02-01T00:00:00Z', '2024-02-02T00:00:00Z'),
  ),
});
/** Mostly one or two filters: many together match hardly any number. */
const filters = fc.oneof(
  fc
    .tuple(filter, fc.subarray([...Array(12).keys()], { minLength: 1, maxLength: 2 }))
    .map(([given, places]) =>
      Object.fromEntries(Object.entries(given).filter((_, place) => places.includes(place))),
    ),
  filter,
);

const digits = (text: string) => text.replace(/\D/g, '');
const folded = (text: string) =>
  text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();

function fits(row: Row, free: Map<string, number>, asked: Filter): boolean {
  const number = row.phone_number.slice(1);
  const created = Date.parse(row.created_at);
  const tests: Record<string, (value: string) => boolean> = {
    include_assigned: value => value === 'true' || row.status === 'available',
    status: value => row.status === value,
    area_code: value => number.startsWith(`1${value}`),
    starts_with: value => number.startsWith(digits(value)),
    contains: value => number.includes(digits(value)),
    ends_with: value => number.endsWith(digits(value)),
    tag: value => row.tags.includes(value),
    assigned_to: value =>
      row.assigned_to !== null &&
      [row.assigned_to.user_id, row.assigned_to.email].includes(value.toLowerCase()),
    nickname: value => row.nickname !== null && folded(row.nickname).includes(folded(value)),
    created_after: value => created > Date.parse(value),
    created_before: value => created < Date.parse(value),
    unassigned_since: value => (free.get(row.phone_number) ?? Infinity) <= Date.parse(value),
  };
  return Object.entries(asked).every(([name, value]) => value === undefined || tests[name]!(value));
}

const sorts = ['phone_number', '-phone_number', 'created_at', '-created_at'];

function sorted(rows: Row[], sort: string): Row[] {
  const column = sort.replace('-', '');
  const key = (row: Row) => `${column === 'created_at' ? row.created_at : ''}${row.phone_number}`;
  const up = rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  return sort.startsWith('-') ? up.reverse() : up;
}

test('every filter alone and all together, page by page, in every order', async () => {
  const { rows } = await server.database.pool.query(
    'select phone_number, available_since from phone_numbers where available_since is not null',
  );
  const free = new Map(rows.map(row => [row.phone_number, row.available_since.getTime()]));
  const emails = new Map(
    all.flatMap(row => (row.assigned_to ? [[row.assigned_to.user_id, row.assigned_to.email]] : [])),
  );
  const asking = fc.tuple(
    filters,
    fc.constantFrom(...sorts),
    fc.integer({ min: 1, max: 12 }),
    fc.constantFrom('list', 'full'),
  );
  await fc.assert(
    fc.asyncProperty(asking, async ([given, sort, limit, view]) => {
      const { assigned_to: holder } = given;
      const asked = { ...given };
      if (holder === '0' || holder === '1') asked.assigned_to = users[Number(holder)]!;
      if (holder === 'email0') asked.assigned_to = emails.get(users[0]).toUpperCase();
      const expected = sorted(
        all.filter(row => fits(row, free, asked)),
        sort,
      ).map(row => row.phone_number);
      const whole = await list({ ...asked, sort, view, total: true });
      assert.equal(whole.status, 200, whole.text);
      assert.deepEqual(
        whole.body.phone_numbers.map((row: Row) => row.phone_number),
        expected,
      );
      assert.deepEqual([whole.body.count, whole.body.total], [expected.length, expected.length]);
      const walked: Row[] = [];
      for (let cursor: string | undefined; ; ) {
        const { body } = await list({ ...asked, sort, view, limit, total: true, cursor });
        assert.ok(body.count <= limit && body.total === expected.length);
        assert.equal(body.has_more, body.next_cursor !== null);
        walked.push(...body.phone_numbers);
        if (!body.has_more) break;
        cursor = body.next_cursor;
      }
      assert.deepEqual(walked, whole.body.phone_numbers);
    }),
    fuzzing('filters'),
  );
});

const eight = [
  'id',
  'phone_number',
  'pretty_phone_number',
  'nickname',
  'is_available',
  'assigned_to',
  'assigned_at',
  'created_at',
];

test('by default a list has eight fields; view=full has those of a single number', async () => {
  const { body } = await list();
  assert.deepEqual(Object.keys(body), ['success', 'phone_numbers', 'count', 'powered_by']);
  for (const row of body.phone_numbers) assert.deepEqual(Object.keys(row), eight);
  assert.deepEqual(
    body.phone_numbers,
    all.map(row => Object.fromEntries(eight.map(name => [name, row[name]]))),
  );
  for (const row of all) {
    const one = await server.call('GET', `/v1/sms/phone-numbers/${row.phone_number}`);
    // Work at the carrier changes without a revision, so a list's ETag would not change with it.
    assert.deepEqual(one.body.phone_number, { ...row, leaving: false, release_problem: null });
  }
});

test('/available has all filters that make sense there', async () => {
  const path = `/v1/sms/phone-numbers/available?organization_id=${organization}`;
  const { body } = await server.call('GET', `${path}&area_code=303&sort=-phone_number&view=full`);
  const expected = all.filter(row => row.is_available && row.area_code === '303').reverse();
  assert.deepEqual(body.phone_numbers, expected);
  for (const wrong of ['status=assigned', 'assigned_to=x', 'include_assigned=true'])
    assert.equal((await server.call('GET', `${path}&${wrong}`)).status, 400);
});

test('invalid times, digits and orders are refused, never with an internal error', async () => {
  const wrong: Record<string, string[]> = {
    created_after: [
      '0000-01-01T00:00:00Z',
      '2024-02-30T00:00:00Z',
      '2024-01-32',
      '1',
      'now',
      '9999-12-31T23:59:59-23:59',
      '2024-01-01T23:59:60Z',
      'infinity',
    ],
    as_of: [
      '0000-01-01T00:00:00Z',
      '2024-02-30T00:00:00Z',
      '2024-13-01T00:00:00Z',
      '2024-01-01T10:00',
      '-1',
      '1.5',
      'now',
      '9'.repeat(16),
      '2024-01-01T25:00:00Z',
    ],
    starts_with: ['', '+', '%', '1%', 'abc', '_'],
    contains: ['', '-', '\\'],
    sort: ['', 'nickname', 'phone_number desc'],
    view: ['', 'all'],
    status: ['', 'free'],
    area_code: ['41', '4155', '115'],
    limit: ['0', '10001', '-1', '1e9', 'x'],
    cursor: [
      '',
      'x',
      Buffer.from('["x","y","z"]').toString('base64url'),
      Buffer.from('null').toString('base64url'),
    ],
    tag: ['', 'x'.repeat(61)],
    nickname: ['', 'x'.repeat(201)],
    unknown: ['1'],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const { status, body } = await list({ [name]: value });
      assert.deepEqual([status, body.code], [400, 'invalid_request'], `${name}=${value}`);
    }
  }
  for (const right of [
    '2024-01-01T00:00:00+23:59',
    '2024-01-01T00:00:00.123456Z',
    '2024-02-29T12:00:00-08:00',
    '9999-12-31T00:00:00Z',
  ]) {
    for (const name of ['created_after', 'created_before', 'unassigned_since'])
      assert.equal((await list({ [name]: right })).status, 200, `${name}=${right}`);
  }
  assert.equal((await list({ as_of: '1', unassigned_since: days[0] })).status, 400);
});

test('a cursor belongs to its list', async () => {
  const { next_cursor: cursor } = (await list({ limit: 2 })).body;
  for (const other of [
    { sort: '-phone_number' },
    { tag: 'vip' },
    { include_assigned: 'false' },
    { as_of: '9' },
    { sort: 'created_at' },
  ]) {
    assert.equal((await list({ limit: 2, cursor, ...other })).status, 400, JSON.stringify(other));
  }
  assert.equal((await list({ limit: 5, cursor, view: 'full', total: true })).status, 200);
});

test('digits are read as people write them', async () => {
  const found = async (query: Record<string, string>) => {
    const { status, body, text } = await list(query);
    assert.equal(status, 200, text);
    return body.phone_numbers
      .map((number: Row) => number.phone_number)
      .filter((e164: string) => !/^\+1/.test(e164));
  };
  const [london, german] = ['+442079460958', '+4915112345678'];
  for (const starts_with of [
    '020',
    '20 7946',
    '(020) 7946',
    '+44 20',
    '+44 (0)20',
    '0044 20',
    '44 (0) 20',
    '０２０',
  ])
    assert.deepEqual(await found({ starts_with, default_country: 'GB' }), [london], starts_with);
  for (const starts_with of ['0151', '0 15 11', '+49 151', '49151', '00 49 151'])
    assert.deepEqual(await found({ starts_with, default_country: 'DE' }), [german], starts_with);
  for (const starts_with of ['44', ' 4420', '+44-20', '0044'])
    assert.deepEqual(await found({ starts_with }), [london], starts_with);
  assert.deepEqual(await found({ starts_with: '020' }), []);
  for (const contains of ['7946-0958', '79 46', '794.609', '+44 (0)20 79', '٧٩٤٦'])
    assert.deepEqual(await found({ contains }), [london], contains);
  assert.deepEqual(await found({ contains: '(020) 79', default_country: 'GB' }), [london]);
  assert.deepEqual(await found({ contains: '0049', default_country: 'US' }), []);
  assert.deepEqual(await found({ ends_with: '46-0958' }), [london]);
  assert.equal((await list({ starts_with: '415', default_country: 'US' })).body.count, 3);
  assert.equal((await list({ starts_with: '1 (415)', default_country: 'US' })).body.count, 3);
});
