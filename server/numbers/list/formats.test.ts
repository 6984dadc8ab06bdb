import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { sql } from 'kysely';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { inventory } from '../../testing/inventory.ts';
import { asUser } from '../../testing/names.ts';
import { importFile } from '../../testing/request.ts';
import { fuzzing } from '../../testing/runs.ts';
import { type CallOptions, startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const numbers = '/v1/sms/phone-numbers';
const types = { csv: 'text/csv', ndjson: 'application/x-ndjson' };
type Format = keyof typeof types;
const formats = Object.keys(types) as Format[];

// biome-ignore lint/suspicious/noExplicitAny: a test looks into the body as it likes
type Item = Record<string, any>;

async function ask(query: string, options: CallOptions = {}, path = numbers) {
  const reply = await server.call('GET', `${path}?${query}`, options);
  assert.equal(reply.status, 200, reply.text);
  return reply;
}

/** A number as its CSV row has it, without the apostrophe before a formula. */
const rowOf = ({ assigned_to: holder, ...number }: Item): Record<string, string> => {
  const cells: Record<string, string> = {};
  for (const [name, value] of Object.entries(number)) {
    if (Array.isArray(value)) cells[name] = value.join(', ');
    else if (value === null) cells[name] = '';
    else cells[name] = typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
  const [user_id, user_email, user_name] = [holder?.user_id, holder?.email, holder?.name];
  return { ...cells, user_id: user_id ?? '', user_email: user_email ?? '', user_name: user_name ?? '' };
};

const read = (text: string): Record<string, string>[] => {
  const rows: Record<string, string>[] = parse(text, { columns: true, record_delimiter: '\r\n' });
  const plain = (cell: string) => cell.replace(/^'(?='*[=+\-@\t\r])/, '');
  return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, plain(cell)])));
};

/** Asserts that the list is the same in every format. */
async function assertSame(query: string, options: CallOptions = {}, path = numbers): Promise<number> {
  const { text, body } = await ask(query, options, path);
  const { phone_numbers } = body;
  const ndjson = await ask(`${query}&format=ndjson`, options, path);
  assert.match(ndjson.text, /^$|\n$/);
  const lines = ndjson.text.split('\n').slice(0, -1);
  assert.equal(lines.length, phone_numbers.length);
  assert(text.startsWith(`{"success":true,"phone_numbers":[${lines}],"count":${lines.length}`));
  const csv = await ask(`${query}&format=csv`, options, path);
  assert.deepEqual(read(csv.text), phone_numbers.map(rowOf));
  return phone_numbers.length;
}

async function demanding() {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const [sales, free, odd] = [uniqueNumber(), uniqueNumber(), uniqueNumber()];
  await newNumbers(server, organization, [
    { phone_number: sales, nickname: 'Sales, "West"', user_id: user },
    { phone_number: free },
    { phone_number: odd, nickname: '=1+1\r\n😀' },
  ]);
  const edit = { tags: ['a b', '-c'], metadata: { crm: { id: '=A,1' } }, locked: true };
  await server.call('PATCH', `${numbers}/${free}`, { body: edit });
  await server.call('POST', `${numbers}/${odd}/reserve`, { body: { expires_in: 3600, note: '@shop' } });
  return { organization, user, sales, free, odd };
}

test('CSV and NDJSON have the content of JSON, with any filter, order and as_of', async () => {
  const { organization, user, sales } = await demanding();
  const all = `organization_id=${organization}`;
  for (const query of ['', '&view=full', '&sort=-created_at', '&as_of=5&view=full'])
    assert.equal(await assertSame(all + query), 3, query);
  assert.equal(await assertSame(`${all}&as_of=1`), 0);
  for (const filter of [`assigned_to=${user}`, 'nickname=sales', `ends_with=${sales.slice(-5)}`])
    assert.equal(await assertSame(`${all}&view=full&${filter}`), 1, filter);
  assert.equal(await assertSame(all, {}, `${numbers}/available`), 1);
  assert.equal(await assertSame(`${all}&include_assigned=false`), 1);
  await server.call('DELETE', `${numbers}/${sales}/assign`);
  assert.equal(await assertSame(all, {}, `${numbers}/available`), 2);
  assert.equal(await assertSame(`${all}&as_of=5&view=full`), 3);
});

test('the columns are the fields in order, and no cell is a formula', async () => {
  const { organization, user, sales, free } = await demanding();
  const { text } = await ask(`organization_id=${organization}&format=csv`);
  const [head, ...lines] = text.split('\r\n');
  assert.equal(
    head,
    'id,phone_number,pretty_phone_number,nickname,is_available,user_id,user_email,user_name,assigned_at,created_at',
  );
  const line = lines.find(line => line.includes(sales))!;
  assert.match(line, new RegExp(`,\\${sales},\\+1 [\\d-]+,"Sales, ""West""",false,${user},user\\d+@`));
  assert.match(text, /,"'=1\+1\r\n😀",/);
  const full = await ask(`organization_id=${organization}&format=csv&view=full`);
  assert.match(
    full.text,
    /,created_at,status,until,reservation_id,reservation_note,external_id,tags,locked,metadata,/,
  );
  const row = read(full.text).find(row => row.phone_number === free)!;
  assert.deepEqual(
    [row.tags, row.metadata, row.locked, row.until],
    ['-c, a b', '{"crm":{"id":"=A,1"}}', 'true', ''],
  );
  assert.match(full.text, /,"'@shop",/);
});

test('an empty list is the line of columns in CSV and nothing in NDJSON', async () => {
  const query = `organization_id=${await newOrganization(server)}`;
  assert.match((await ask(`${query}&format=csv`)).text, /^id,phone_number,[a-z_,]+\r\n$/);
  assert.equal((await ask(`${query}&format=ndjson`)).text, '');
});

test('a format is asked for by name, or by an Accept header without JSON', async () => {
  const { organization } = await demanding();
  const query = `organization_id=${organization}`;
  const json = (await ask(query)).text;
  for (const format of formats) {
    const named = await ask(`${query}&format=${format}`);
    const accepted = await ask(query, { headers: { accept: types[format] } });
    assert.equal(accepted.text, named.text);
    for (const { headers } of [named, accepted]) {
      assert.equal(headers.get('content-type'), `${types[format]}; charset=utf-8`);
      const disposition = `attachment; filename="numbers-${organization}.${format}"`;
      assert.equal(headers.get('content-disposition'), disposition);
    }
    for (const accept of [`application/json, ${types[format]}`, '*/*', 'text/html'])
      assert.equal((await ask(query, { headers: { accept } })).text, json);
    const explicit = await ask(`${query}&format=json`, { headers: { accept: types[format] } });
    assert.equal(explicit.text, json);
    assert.equal(explicit.headers.get('content-disposition'), null);
  }
});

test('paging is refused with a format that has no pages', async () => {
  const query = `organization_id=${await newOrganization(server)}`;
  for (const format of formats)
    for (const [path, headers, more] of [
      [numbers, {}, `&format=${format}`],
      [`${numbers}/available`, {}, `&format=${format}`],
      [numbers, { accept: types[format] }, ''],
      [numbers, { 'if-none-match': '*' }, `&format=${format}`],
    ] as [string, Record<string, string>, string][])
      for (const [field, value] of Object.entries({ limit: '10', cursor: 'x', total: 'true' })) {
        const {
          status,
          body,
          headers: sent,
        } = await server.call('GET', `${path}?${query}${more}&${field}=${value}`, { headers });
        const error = `${field} cannot be combined with ${format.toUpperCase()}, which always has all numbers`;
        assert.deepEqual([status, body?.error], [400, error]);
        assert.equal(sent.get('content-type'), 'application/json; charset=utf-8');
        assert.equal(sent.get('content-disposition'), null);
      }
  const { status, body } = await server.call('GET', `${numbers}?${query}&format=xml`);
  assert.deepEqual([status, body.code], [400, 'invalid_request']);
  assert.match(body.error, /^format must be /);
  await ask(`${query}&format=csv&total=false`);
});

test('each format has its own ETag, valid until something changes', async () => {
  const { organization, free } = await demanding();
  const query = `organization_id=${organization}`;
  const asking = ['', '&format=csv', '&format=ndjson'];
  const tags = await Promise.all(asking.map(async more => (await ask(query + more)).headers.get('etag')!));
  assert.equal(new Set(tags).size, 3);
  for (const [index, more] of asking.entries())
    for (const tag of tags) {
      const options = { headers: { 'if-none-match': tag } };
      const reply = await server.call('GET', `${numbers}?${query}${more}`, options);
      assert.equal(reply.status, tag === tags[index] ? 304 : 200);
      assert.match(reply.headers.get('vary')!, /^accept, accept-encoding$/);
      const accepted = formats[index - 1];
      if (!accepted) continue;
      const headers = { ...options.headers, accept: types[accepted] };
      const same = await server.call('GET', `${numbers}?${query}`, { headers });
      assert.deepEqual([same.status, same.text], [reply.status, reply.text]);
    }
  const edited = { body: { nickname: 'New' }, headers: { 'if-match': tags[1]! } };
  assert.equal((await server.call('PATCH', `${numbers}/${free}`, edited)).status, 200);
  for (const [index, more] of asking.entries()) {
    const reply = await ask(query + more, { headers: { 'if-none-match': tags[index]! } });
    assert.notEqual(reply.headers.get('etag'), tags[index]);
  }
  assert.equal(await assertSame(query), 3);
});

test('a key and a user see in every format what they see in JSON', async () => {
  const [{ organization, user, sales }, other] = [await demanding(), await demanding()];
  const query = `organization_id=${organization}`;
  const bound = await server.newKey({ organization_id: organization, permission: 'read' });
  assert.equal(await assertSame(query, { key: bound }), 3);
  const own = { key: '', headers: await asUser(server, organization, 'user', user) };
  assert.equal(await assertSame(`${query}&view=full`, own), 1);
  assert(!(await ask(`${query}&format=csv`, { key: bound })).text.includes(other.sales));
  assert((await ask(`${query}&format=csv`, own)).text.includes(sales));
  for (const key of [await server.newTenant(), await server.newKey({ organization_id: other.organization })])
    for (const format of formats) {
      const reply = await server.call('GET', `${numbers}?${query}&format=${format}`, { key });
      assert.deepEqual([reply.status, reply.body.code], [404, 'organization_not_found']);
    }
});

test('an export can be imported into another organization, and gives the same list', async () => {
  await fc.assert(
    fc.asyncProperty(
      inventory,
      fc.constantFrom<[Format, string]>(['csv', 'list'], ['csv', 'full'], ['ndjson', 'full']),
      async ({ users, numbers: given }, [format, view]) => {
        const [from, to] = await Promise.all(
          ['from', 'to'].map(async () => {
            const key = await server.newTenant();
            const organization = await newOrganization(server, key);
            for (const body of users) {
              const path = `/v1/organizations/${organization}/users`;
              assert.equal((await server.call('POST', path, { key, body })).status, 201);
            }
            return { key, query: `organization_id=${organization}`, organization };
          }),
        );
        await newNumbers(server, from!.organization, given, from!.key);
        const file = await ask(`${from!.query}&format=${format}&view=${view}`, { key: from!.key });
        const { body: report } = await importFile(server.url, to!.organization, {
          key: to!.key,
          body: file.text,
          headers: { 'content-type': types[format] },
        });
        assert.deepEqual([report.imported, report.rejections], [given.length, []]);
        const lists = await Promise.all(
          [from!, to!].map(async ({ key, query }) =>
            (await ask(query, { key })).body.phone_numbers.map(
              ({ id, assigned_at, created_at, ...item }: Item) => item,
            ),
          ),
        );
        assert.deepEqual(lists[1], lists[0]);
      },
    ),
    fuzzing('exports'),
  );
});

test('a list of any length arrives whole, and a client that goes away leaks no connection', async () => {
  const organization = await newOrganization(server);
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, nickname, available_since, since_revision)
    select tenant_id, id, gen_random_uuid(), '+1' || (5000000000 + n), '', repeat(n::text || E',\n', 20), now(), 1
    from organizations, generate_series(1, 12001) n where unique_id = ${organization}`.execute(
    server.database.db,
  );
  assert.equal(await assertSame(`organization_id=${organization}`), 12_001);
  for (const format of formats)
    for (let round = 0; round < 15; round++) {
      const gone = new AbortController();
      const headers = { 'x-api-key': server.key, accept: types[format] };
      const path = `${numbers}?organization_id=${organization}`;
      const response = await fetch(server.url + path, { headers, signal: gone.signal });
      assert.equal(response.status, 200);
      gone.abort();
    }
  // More than there are connections.
  assert.equal(await assertSame(`organization_id=${organization}&sort=-created_at`), 12_001);
});
