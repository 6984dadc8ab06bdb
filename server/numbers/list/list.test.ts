import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { formatByGoogle } from '../../../phone-numbers/testing/google.ts';
import { createDemo } from '../../demo/demo.ts';
import { createTestDatabase } from '../../testing/database.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { inventory } from '../../testing/inventory.ts';
import { fuzzing } from '../../testing/runs.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

const list = '/v1/sms/phone-numbers';

let server: TestServer;
let demoKey: string;
before(async () => {
  const database = await createTestDatabase();
  // The demo is only created in an empty database.
  await createDemo(database.db, async secret => {
    demoKey = secret;
  });
  server = await startTestServer(database);
});
after(async () => {
  await server.stop();
  await server.database.drop();
});

/** The published example response, to the letter. */
const published = {
  success: true,
  phone_numbers: [
    {
      id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
      phone_number: '+14155551234',
      pretty_phone_number: '+1 415-555-1234',
      nickname: 'Sales Line',
      is_available: false,
      assigned_to: { user_id: 'user_xyz789', email: 'john@company.com', name: 'John Smith' },
      assigned_at: '2024-01-15T10:30:00Z',
      created_at: '2024-01-10T09:00:00Z',
    },
    {
      id: '8a2b3c4d-5e6f-7890-abcd-ef1234567890',
      phone_number: '+14155555678',
      pretty_phone_number: '+1 415-555-5678',
      nickname: null,
      is_available: true,
      assigned_to: null,
      assigned_at: null,
      created_at: '2024-01-12T14:00:00Z',
    },
  ],
  count: 2,
  powered_by: 'Teli',
};

test('the demo answers with the published example, byte for byte', async () => {
  const reply = await server.call('GET', '/v1/sms/phone-numbers?organization_id=org_abc123', {
    key: demoKey,
  });
  assert.equal(reply.status, 200);
  assert.equal(reply.text, JSON.stringify(published));
});

test('include_assigned=false and /available return only the pool', async () => {
  const pool = JSON.stringify({ ...published, phone_numbers: [published.phone_numbers[1]], count: 1 });
  for (const path of ['?include_assigned=false&', '/available?']) {
    const reply = await server.call('GET', `/v1/sms/phone-numbers${path}organization_id=org_abc123`, {
      key: demoKey,
    });
    assert.equal(reply.text, pool);
  }
});

test('without a key: 401', async () => {
  const reply = await server.call('GET', '/v1/sms/phone-numbers?organization_id=org_abc123', { key: '' });
  assert.equal(reply.status, 401);
  assert.equal(reply.body.error, 'API key is required');
});

test('the list is exactly what was added', async () => {
  await fc.assert(
    fc.asyncProperty(inventory, async ({ users, numbers }) => {
      const key = await server.newTenant();
      const organization = await newOrganization(server, key);
      for (const user of users) {
        const path = `/v1/organizations/${organization}/users`;
        assert.equal((await server.call('POST', path, { key, body: user })).status, 201);
      }
      const body = { organization_id: organization, phone_numbers: numbers };
      const added = await server.call('POST', '/v1/sms/phone-numbers', { key, body });
      assert.equal(added.status, 201, added.text);
      const { status, text } = await server.call('GET', `${list}?organization_id=${organization}`, { key });
      assert.equal(status, 200);
      const expected = numbers
        .map(({ phone_number, nickname, user_id }, index) => {
          const holder = users.find(user => user.unique_id === user_id);
          const { id, created_at } = added.body.phone_numbers[index];
          assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
          return {
            id,
            phone_number,
            pretty_phone_number: formatByGoogle(phone_number, 'INTERNATIONAL'),
            nickname: nickname ?? null,
            is_available: !holder,
            assigned_to: holder ? { user_id, email: holder.email, name: holder.name } : null,
            assigned_at: holder ? created_at : null,
            created_at,
          };
        })
        .sort((a, b) => (a.phone_number < b.phone_number ? -1 : 1));
      const whole = (items: unknown[]) =>
        JSON.stringify({ success: true, phone_numbers: items, count: items.length, powered_by: 'Teli' });
      assert.equal(text, whole(expected));
      const pool = await server.call('GET', `${list}/available?organization_id=${organization}`, { key });
      assert.equal(pool.text, whole(expected.filter(item => item.is_available)));
    }),
    fuzzing(25),
  );
});

test('pages of any size hold every number once, in the order of the whole list', async () => {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const numbers = Array.from({ length: 23 }, (_, index) => ({
    phone_number: uniqueNumber(),
    ...(index % 3 === 0 && { user_id: user }),
  }));
  await newNumbers(server, organization, numbers);
  for (const filter of ['', '&include_assigned=true', '&include_assigned=false']) {
    const query = `?organization_id=${organization}${filter}`;
    const whole = (await server.call('GET', list + query)).body.phone_numbers;
    assert.equal(whole.length, filter.endsWith('false') ? 15 : 23);
    for (const limit of [1, 2, 5, 15, 22, 23, 24, 100, 10_000]) {
      assert.deepEqual(await walk(server, `${list}${query}&limit=${limit}`, limit), whole, `limit ${limit}`);
    }
  }
});

test('a list that is longer than one read of the database arrives whole', async () => {
  for (const size of [1999, 2000, 2001, 4001]) {
    const organization = await newOrganization(server);
    await insertNumbers(organization, size);
    const { body } = await server.call('GET', `${list}?organization_id=${organization}`);
    assert.equal(body.count, size);
    const numbers: string[] = body.phone_numbers.map((item: { phone_number: string }) => item.phone_number);
    assert.deepEqual(numbers, [...new Set(numbers)].sort());
    assert.equal(numbers.length, size);
    for (const limit of [1999, 2000, 10_000]) {
      const path = `${list}?organization_id=${organization}&limit=${limit}`;
      assert.deepEqual(await walk(server, path, limit), body.phone_numbers, `limit ${limit} of ${size}`);
    }
  }
});

test('a cursor belongs to its organization and filter', async () => {
  const [one, other] = [await newOrganization(server), await newOrganization(server)];
  await insertNumbers(one, 3);
  const page = await server.call('GET', `${list}?organization_id=${one}&limit=1`);
  assert.deepEqual(Object.keys(page.body), [
    'success',
    'phone_numbers',
    'count',
    'has_more',
    'next_cursor',
    'powered_by',
  ]);
  const cursor: string = page.body.next_cursor;
  for (const query of [`organization_id=${other}`, `organization_id=${one}&include_assigned=false`]) {
    const { status, body } = await server.call('GET', `${list}?${query}&cursor=${cursor}`);
    assert.equal(status, 400);
    assert.match(body.error, /^cursor belongs to/);
  }
  const without = await server.call('GET', `${list}?organization_id=${one}&cursor=${cursor}`);
  assert.equal(without.body.count, 2);
  assert.equal(without.body.has_more, false);
  assert.equal(without.body.next_cursor, null);
  const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const garbage = [
    'x',
    json(null),
    json(7),
    json({}),
    json([]),
    json([1, one, true]),
    json(["'", one, true]),
  ];
  for (const bad of [...garbage, cursor.slice(1), `${cursor}x`, 'x'.repeat(1001)]) {
    const { status } = await server.call('GET', `${list}?organization_id=${one}&cursor=${bad}`);
    // A change that still decodes to the same place does no harm.
    assert(status === 400 || bad === `${cursor}x`, `cursor ${bad}: ${status}`);
  }
});

test("a cursor with a place of one's own making is refused", async () => {
  const organization = await newOrganization(server);
  await insertNumbers(organization, 3);
  for (const sort of ['phone_number', 'created_at']) {
    const path = `${list}?organization_id=${organization}&sort=${sort}`;
    const { next_cursor } = (await server.call('GET', `${path}&limit=1`)).body;
    const [value, phone_number, name] = JSON.parse(Buffer.from(next_cursor, 'base64url').toString());
    const moments = ['0000-01-01T00:00:00.000Z', '2024-02-30T00:00:00.000Z', '2024-01-15T24:00:00.000Z'];
    for (const place of [
      ...['', "'", 1, null, [value], { value }, ...moments].map(other => [other, phone_number]),
      ...['', '+', 1, null, [phone_number]].map(other => [value, other]),
    ]) {
      const cursor = Buffer.from(JSON.stringify([...place, name])).toString('base64url');
      const { status, body } = await server.call('GET', `${path}&cursor=${cursor}`);
      assert.equal(status, 400, JSON.stringify(place));
      assert.match(body.error, /^cursor /);
    }
  }
});

test('invalid parameters are refused by name', async () => {
  const organization = await newOrganization(server);
  const refused = async (query: string, error: string | RegExp, status = 400) => {
    for (const path of query.includes('include_assigned') ? [list] : [list, `${list}/available`]) {
      const reply = await server.call('GET', `${path}?${query}`);
      assert.equal(reply.status, status, query);
      assert.match(reply.body.error, typeof error === 'string' ? new RegExp(`^${error}$`) : error, query);
    }
  };
  await refused('', 'organization_id is required');
  await refused('organization_id=', /^organization_id /);
  await refused('organization_id=org_unknown', 'Organization not found', 404);
  await refused(`organization_id=${organization}&organization_id=${organization}`, /^organization_id /);
  for (const limit of ['0', '-1', 'abc', '10001', '1.5', '', '1e1000', 'NaN', '0x'])
    await refused(`organization_id=${organization}&limit=${limit}`, /^limit /);
  for (const value of ['2', 'yes', 'no', '', 'null', '-1', 'true&include_assigned=true'])
    await refused(
      `organization_id=${organization}&include_assigned=${value}`,
      /^include_assigned must be true or false/,
    );
  await refused(`organization_id=${organization}&page=2`, 'page is not a known parameter');
});

test('booleans are read as clients of any language write them', async () => {
  const organization = await newOrganization(server);
  const user_id = await newUser(server, organization);
  await newNumbers(server, organization, [
    { phone_number: uniqueNumber(), user_id },
    { phone_number: uniqueNumber() },
  ]);
  const count = async (query: string) =>
    (await server.call('GET', `${list}?organization_id=${organization}&${query}`)).body;
  for (const no of ['false', 'False', 'FALSE', '0'])
    assert.equal((await count(`include_assigned=${no}`)).count, 1, no);
  for (const yes of ['true', 'True', 'TRUE', '1'])
    assert.equal((await count(`include_assigned=${yes}`)).count, 2, yes);
  assert.deepEqual([(await count('total=1')).total, (await count('total=False')).total], [2, undefined]);
});

test('an empty list is empty, and a list without paging has no paging fields', async () => {
  const organization = await newOrganization(server);
  const { text } = await server.call('GET', `${list}?organization_id=${organization}`);
  assert.equal(text, '{"success":true,"phone_numbers":[],"count":0,"powered_by":"Teli"}');
  const page = await server.call('GET', `${list}?organization_id=${organization}&limit=5`);
  assert.equal(
    page.text,
    '{"success":true,"phone_numbers":[],"count":0,"has_more":false,"next_cursor":null,"powered_by":"Teli"}',
  );
});

/** Follows next_cursor to the end. */
async function walk(server: TestServer, path: string, limit: number): Promise<unknown[]> {
  const items: unknown[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body, status, text } = await server.call('GET', `${path}${cursor && `&cursor=${cursor}`}`);
    assert.equal(status, 200, text);
    assert(body.count <= limit);
    assert.equal(body.count, body.phone_numbers.length);
    assert.equal(body.has_more, body.next_cursor !== null);
    if (body.has_more) assert.equal(body.count, limit);
    items.push(...body.phone_numbers);
    cursor = body.next_cursor;
  }
  return items;
}

let inserted = 0;

async function insertNumbers(organization: string, count: number): Promise<void> {
  const first = 5_000_000_000 + inserted;
  inserted += count;
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, available_since, since_revision)
    select tenant_id, id, gen_random_uuid(), '+1' || (${first}::bigint + n), '', now(), 1
    from organizations, generate_series(1, ${count}) n
    where unique_id = ${organization}`.execute(server.database.db);
}
