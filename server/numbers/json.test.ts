import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { newNumbers, newOrganization, uniqueNumber } from '../testing/factories.ts';
import { fuzzing } from '../testing/runs.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

const size = 40;
let server: TestServer;
let organization: string;
const users = Array.from({ length: size }, (_, index) => `user${index}`);
before(async () => {
  server = await startTestServer();
  organization = await newOrganization(server);
  for (const unique_id of users)
    await server.call('POST', `/v1/organizations/${organization}/users`, {
      body: { name: unique_id, email: `${unique_id}@example.com`, unique_id },
    });
  const numbers = users.map(user_id => ({ phone_number: uniqueNumber(), user_id }));
  await newNumbers(server, organization, numbers);
});
after(() => server.stop());

/** Gives number n the n-th nickname and note, and its user the n-th name. Bypasses the API, which refuses the longest. */
async function store(texts: string[]): Promise<void> {
  await sql`
    with t as (select text, place from unnest(${texts}::text[]) with ordinality as t (text, place)),
    o as (update organizations set revision = revision + 1 where unique_id = ${organization} returning tenant_id, id),
    n as (select n.tenant_id, n.id, row_number() over (order by n.phone_number) as place
      from phone_numbers n join o on o.tenant_id = n.tenant_id and o.id = n.organization_id),
    renamed as (update users u set name = t.text from t, o
      where u.tenant_id = o.tenant_id and u.organization_id = o.id and u.unique_id = 'user' || (t.place - 1))
    update phone_numbers p set nickname = t.text, metadata = jsonb_build_object('text', t.text), tags = array[t.text]
    from n join t using (place) where p.tenant_id = n.tenant_id and p.id = n.id`.execute(server.database.db);
}

type Item = { nickname: string; assigned_to: { name: string }; metadata: { text: string }; tags: string[] };

async function assertShown(texts: string[]): Promise<void> {
  await store(texts);
  const url = `/v1/sms/phone-numbers?organization_id=${organization}`;
  const plain = await server.call('GET', url);
  assert.equal(plain.status, 200, plain.text);
  assert.equal(plain.text, JSON.stringify(plain.body));
  const shown = (name: (item: Item) => string, items: Item[]) =>
    assert.deepEqual(items.slice(0, texts.length).map(name), texts);
  shown(item => item.nickname, plain.body.phone_numbers);
  shown(item => item.assigned_to.name, plain.body.phone_numbers);
  const full = await server.call('GET', `${url}&view=full`);
  assert.equal(full.status, 200, full.text);
  shown(item => item.nickname, full.body.phone_numbers);
  shown(item => item.metadata.text, full.body.phone_numbers);
  shown(item => item.tags[0]!, full.body.phone_numbers);
  const [first] = full.body.phone_numbers;
  const detail = await server.call('GET', `/v1/sms/phone-numbers/${first.phone_number}`);
  const { leaving, release_problem, ...rest } = detail.body.phone_number;
  assert.deepEqual([leaving, release_problem], [false, null]);
  assert.deepEqual(rest, first);
}

test('every character that PostgreSQL stores is printed as JSON.stringify prints it', async () => {
  const texts: string[] = [];
  let text = '';
  for (let point = 1; point <= 0x10ffff; point += point < 0x11000 ? 1 : 251) {
    // PostgreSQL does not store lone surrogates.
    if (point >= 0xd800 && point <= 0xdfff) continue;
    text += String.fromCodePoint(point);
    if ([...text].length < 180 && point + 251 <= 0x10ffff) continue;
    texts.push(text);
    text = '';
  }
  for (let from = 0; from < texts.length; from += size) await assertShown(texts.slice(from, from + size));
});

const storable = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          '\\',
          '"',
          '/',
          '\u2028',
          '\u2029',
          '\x01',
          '\x1f',
          '\x7f',
          '\b',
          '\f',
          '\n',
          '\r',
          '\t',
          '\\u0041',
          '\ufeff',
          '👩‍👩‍👧',
          '\u202e',
          '</script>',
          "'",
          '$1',
          '%s',
          '{',
          ',',
          ' ',
        ),
        { minLength: 1, maxLength: 20 },
      )
      .map(parts => parts.join('')),
  )
  .filter(text => !text.includes('\0') && text.isWellFormed());

test('every text that PostgreSQL stores is printed as JSON.stringify prints it', () =>
  fc.assert(
    fc.asyncProperty(fc.array(storable, { minLength: size, maxLength: size }), assertShown),
    fuzzing(15),
  ));
