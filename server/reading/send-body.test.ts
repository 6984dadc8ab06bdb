import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { newNumbers, newOrganization, uniqueNumber } from '../testing/factories.ts';
import { type RawReply, request } from '../testing/request.ts';
import { fuzzing } from '../testing/runs.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { encodings } from './body-cache.ts';

let server: TestServer;
let url: string;
let short: string;
before(async () => {
  server = await startTestServer();
  const list = (organization: string) => `/v1/sms/phone-numbers?organization_id=${organization}`;
  const organization = await newOrganization(server);
  await newNumbers(
    server,
    organization,
    Array.from({ length: 30 }, () => ({ phone_number: uniqueNumber(), nickname: 'Réception' })),
  );
  url = list(organization);
  short = list(await newOrganization(server));
  // From here on both lists are cached.
  for (const each of [url, short]) await get({}, each);
});
after(() => server.stop());

const get = (headers: Record<string, string>, from = url) =>
  request(server.url, from, { headers: { 'x-api-key': server.key, ...headers } });

/** One member of Accept-Encoding: its text and its meaning. */
const member = fc
  .record({
    name: fc.constantFrom(...encodings, '*', 'identity', 'deflate', 'x-what', ''),
    upper: fc.boolean(),
    weight: fc.constantFrom('', ';q=1', '; q=0.5', ';Q=0.001', ' ; q=1.000', ';q=0', '; q=0.0', ' ;Q=0.000'),
  })
  .map(({ name, upper, weight }) => ({
    name,
    text: `${upper ? name.toUpperCase() : name}${weight}`,
    accepted: !/=0(\.0+)?$/.test(weight),
  }));
const header = fc.uniqueArray(member, { maxLength: 6, selector: ({ name }) => name });

test('the encoding is one that the client accepts, decodes to the same body, and has its own tag', async () => {
  const plain = await get({});
  const tag = plain.headers.etag!;
  assert.equal(plain.headers['content-encoding'], undefined);
  await fc.assert(
    fc.asyncProperty(header, async members => {
      const says = (name: string) => members.find(member => member.name === name)?.accepted;
      const expected = encodings.find(name => says(name) ?? says('*'));
      const accept = { 'accept-encoding': members.map(({ text }) => text).join(', ') };
      const reply = await get(accept);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['content-encoding'], expected, accept['accept-encoding']);
      assert.equal(reply.headers.vary, 'accept, accept-encoding');
      assert.equal(reply.text, plain.text);
      assert.equal(Number(reply.headers['content-length']), reply.bytes.length);
      const own = expected ? `${tag.slice(0, -1)}-${expected}"` : tag;
      assert.equal(reply.headers.etag, own);
      if (expected) assert(reply.bytes.length < plain.bytes.length * 0.9);
      for (const known of [tag, own]) {
        const again = await get({ ...accept, 'if-none-match': known });
        assert.equal(again.status, 304);
        assert.equal(again.headers.etag, known);
        assert.equal(again.bytes.length, 0);
      }
    }),
    fuzzing(60),
  );
});

test('a body that fits into a packet is not encoded', async () => {
  const reply = await get({ 'accept-encoding': 'gzip, br, zstd' }, short);
  assert.equal(reply.headers['content-encoding'], undefined);
  assert.equal(JSON.parse(reply.text).count, 0);
});

test('the tag of another revision, list or encoding does not match', async () => {
  const tag = (await get({})).headers.etag!;
  const [, revision, rest] = /^"(\d+)-(.*)"$/.exec(tag)!;
  const wrong = [
    `"${Number(revision) + 1}-${rest}"`,
    `"${Number(revision) - 1}-${rest}-gzip"`,
    `"${revision}-${rest}-deflate"`,
    (await get({}, short)).headers.etag!,
    tag.slice(1, -1),
  ];
  for (const known of wrong) assert.equal((await get({ 'if-none-match': known })).status, 200, known);
});

const long = 'x'.repeat(10_000);
const badLists = [
  'organization_id=%00',
  'organization_id=a%00b',
  'organization_id=%ED%A0%80',
  'organization_id=%ff%fe',
  `organization_id=${long}`,
  'organization_id=a&organization_id=b',
  'organization_id[]=a',
  'organization_id=',
  'organization_id=%0A%0A',
  'organization_id=%F0%9F%93%9E',
  '',
];
const badNumbers = ['%00', '%2B1415%00', '%ED%A0%80', 'x'.repeat(300), '٤١٥٥٥٥١٢٣٤', '+', '%0A%0A'];
const badSecrets = ['undefined', 'null', 'lk_', 'x'.repeat(8000), '\x80\xff', "' or true --"];

test('a nonsensical request does not harm the requests that share its look-up', async () => {
  const { lookups } = server.database;
  // While the look-ups wait for a connection, all requests gather in one batch.
  const clients = await Promise.all(Array.from({ length: lookups.options.max! }, () => lookups.connect()));
  let come = 0;
  const counting = () => void come++;
  server.app.server.on('request', counting);
  const good = () => get({});
  const first: Promise<RawReply>[] = [];
  for (const [index] of clients.entries()) {
    first.push(get({ 'x-api-key': `${server.key}${index}` }));
    while (lookups.waitingCount <= index) await sleep(1);
  }
  const base = '/v1/sms/phone-numbers';
  const bad = [
    ...badLists.map(query => get({}, `${base}?${query}`)),
    ...badNumbers.map(number =>
      get({}, `${base}/${encodeURI(decodeURI(number.replaceAll('%', '%25'))).replaceAll('%25', '%')}`),
    ),
    ...badSecrets.map(secret => get({ 'x-api-key': secret })),
    ...badSecrets.map(secret => get({ authorization: `Bearer ${secret}` })),
  ];
  const between = Array.from({ length: 20 }, good);
  const all = first.length + bad.length + between.length;
  while (come < all) await sleep(1);
  // The requests have arrived. Their look-ups are asked for in this turn of the event loop or the next.
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  for (const client of clients) client.release();
  server.app.server.off('request', counting);
  for (const reply of await Promise.all(between)) assert.equal(reply.status, 200, reply.text);
  for (const reply of await Promise.all([...first, ...bad]))
    assert([400, 401, 404].includes(reply.status), `${reply.status} ${reply.text}`);
});
