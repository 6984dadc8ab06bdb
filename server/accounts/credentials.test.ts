import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials, startTwilio } from '../../carriers/twilio/fake.ts';
import { newNumbers, newOrganization } from '../testing/factories.ts';
import { type Reply, startTestServer, type TestServer } from '../testing/server.ts';
import { add, added, path, twilioAccount, withTwilio } from './testing.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const { account_sid, secret } = credentials.token;

test('each kind of carrier lists the fields of its credentials', async () => {
  const { body } = await server.call('GET', '/v1/carriers');
  assert.equal(body.count, body.carriers.length);
  const kind = (name: string) => body.carriers.find((one: { name: string }) => one.name === name);
  assert.deepEqual(kind('sandbox').credentials, []);
  const { title, can, credentials } = kind('twilio');
  assert.deepEqual([title, can.buy, can.messaging], ['Twilio', true, ['service']]);
  assert.deepEqual(
    credentials.map((field: { name: string; required: boolean; secret: boolean }) => [
      field.name,
      field.required,
      field.secret,
    ]),
    [
      ['account_sid', true, false],
      ['key_sid', false, false],
      ['secret', true, true],
    ],
  );
});

test('an error in credentials names the field and never shows its value', async () => {
  const wrong: [object | string, RegExp][] = [
    [{}, /^credentials\.account_sid is required; credentials\.secret is required$/],
    [{ account_sid }, /^credentials\.secret is required$/],
    [
      { account_sid, secret: 'has a marker' },
      /^credentials\.secret must be 1 to 200 ASCII characters without blanks/,
    ],
    [{ account_sid, secret: 7_346_295 }, /^credentials\.secret must be a string$/],
    [{ account_sid: 'marker', secret }, /^credentials\.account_sid must be AC and 32 hexadecimal digits/],
    [{ account_sid, secret, toString: 'marker' }, /^credentials\.toString is not a known field$/],
    [{ account_sid, secret: 'marker\0' }, /^credentials\.secret has a character/],
    ['marker', /^credentials must be an object$/],
  ];
  for (const [given, error] of wrong) {
    const { status, body, text } = await add(server, { carrier: 'twilio', credentials: given });
    assert.deepEqual([status, body.code], [400, 'invalid_request']);
    assert.match(body.error, error);
    assert.doesNotMatch(text, /marker|7346295/);
  }
  assert.equal((await add(server, { carrier: 'nobody' })).status, 400);
  assert.equal((await add(server, { carrier: 'constructor' })).status, 400);
});

test("no tenant can choose a carrier's address", async t => {
  const { own, twilio } = await withTwilio(t, server);
  const elsewhere = await startTwilio(t);
  const { id } = await added(own, twilioAccount);
  for (const field of ['url', 'urls', 'base_url', 'api', 'host', 'messaging', 'region', 'edge']) {
    const given = { ...credentials.token, [field]: elsewhere.urls.api };
    for (const reply of [
      await add(own, { carrier: 'twilio', credentials: given }),
      await own.call('PATCH', `${path}/${id}`, { body: { credentials: given } }),
    ])
      assert.deepEqual([reply.status, reply.body.error], [400, `credentials.${field} is not a known field`]);
    const beside = await add(own, { ...twilioAccount, [field]: elsewhere.urls.api });
    assert.deepEqual([beside.status, beside.body.error], [400, `${field} is not a known field`]);
  }
  assert.equal(elsewhere.fake.asked.length, 0);
  assert.equal(twilio.fake.asked.length, 2);
});

test('new credentials are tested, replace the old ones, and are used by every server at once', async t => {
  const { own, twilio } = await withTwilio(t, server);
  const other = await startTestServer(server.database, { urls: { twilio: twilio.urls } });
  t.after(() => other.app.close());
  const { id } = await added(own, twilioAccount);
  const rotate = (given: object) => own.call('PATCH', `${path}/${id}`, { body: { credentials: given } });
  const usedByOther = async () => {
    const before = twilio.fake.asked.length;
    assert.equal((await other.call('POST', `${path}/${id}/test`, { key: own.key })).status, 200);
    const { authorization = '' } = twilio.fake.asked[before]!.headers;
    return Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
  };
  assert.equal((await rotate({ ...credentials.key, secret: 'wrong' })).body.code, 'carrier_rejected');
  assert.equal(await usedByOther(), `${account_sid}:${secret}`);
  const rotated = await rotate(credentials.key);
  const { key_sid } = credentials.key;
  assert.deepEqual(rotated.body.carrier_account.credentials, { account_sid, key_sid });
  assert.equal(await usedByOther(), `${key_sid}:${credentials.key.secret}`);
});

test('the credentials of another account at the carrier are refused', async t => {
  const { own } = await withTwilio(t, server);
  const { id } = await added(own, twilioAccount);
  const owned = (owner: string | null) =>
    own.database.db.updateTable('carrier_accounts').set({ owner }).where('id', '=', id).execute();
  const rotate = () => own.call('PATCH', `${path}/${id}`, { body: { credentials: credentials.key } });
  await owned('ACother');
  const { status, body } = await rotate();
  assert.deepEqual([status, body.code], [400, 'invalid_request']);
  assert.match(body.error, /^credentials must be those of ACother/);
  await owned(null); // never tested
  assert.equal((await rotate()).status, 200);
});

test('credentials that show none of the numbers of an account are those of another one', async t => {
  const { own, twilio } = await withTwilio(t, server);
  const { id } = await added(own, twilioAccount);
  const rotate = () => own.call('PATCH', `${path}/${id}`, { body: { credentials: credentials.key } });
  const organization = await newOrganization(own);
  const [first, second] = ['+14155550171', '+14155550172'] as const;
  await newNumbers(own, organization, [{ phone_number: first }, { phone_number: second }]);
  const link = (phone_number: string, carrier_number_id: string) =>
    own.database.db
      .updateTable('phone_numbers')
      .set({ carrier_account_id: id, carrier_number_id })
      .where('phone_number', '=', phone_number)
      .execute();
  await link(first, 'PNffffffffffffffffffffffffffffffff');
  const { status, body } = await rotate();
  assert.deepEqual([status, body.code], [400, 'invalid_request']);
  assert.match(body.error, /show none of \+14155550171: add another account/);
  await twilio.world.own([{ phone_number: second }]);
  await link(second, twilio.account.numbers.get(second)!.sid);
  assert.equal((await rotate()).status, 200);
});

test("secrets and a carrier's own words are in no reply, no log and no table", async t => {
  const { own, twilio } = await withTwilio(t, server);
  const replies: Reply[] = [];
  const seen = async (call: Promise<Reply>) => {
    replies.push(await call);
    return replies.at(-1)!;
  };
  const key = { 'idempotency-key': 'secrets' };
  const body = { ...twilioAccount, name: 'Secrets' };
  const first = await seen(add(own, body, key));
  const repeat = await seen(add(own, body, key));
  assert.deepEqual([first.status, repeat.text], [201, first.text]);
  assert.equal(repeat.headers.get('idempotency-replayed'), 'true');
  const { id } = first.body.carrier_account;
  const edit = (given: object, headers = {}) =>
    seen(own.call('PATCH', `${path}/${id}`, { body: { credentials: given }, headers }));
  assert.equal((await edit(credentials.key, { 'idempotency-key': 'rotation' })).status, 200);
  assert.equal((await edit({ ...credentials.token, secret: 'marker-wrong' })).status, 400);
  assert.equal((await edit({ ...credentials.token, secret: 'marker with spaces' })).status, 400);
  assert.equal((await edit({ ...credentials.token, secret: 'marker', url: 'marker' })).status, 400);
  for (const kind of [
    'error_after',
    'torn',
    'authentication_failed',
    'other_number',
    'rate_limited',
  ] as const) {
    twilio.fake.fault({ call: 'check', kind, times: 9 });
    twilio.fake.fault({ call: 'list', kind, times: 9 });
    await seen(own.call('POST', `${path}/${id}/test`));
    twilio.fake.calm();
  }
  for (const at of ['', `/${id}`]) await seen(own.call('GET', `${path}${at}`));
  assert.ok(own.logged.length > 10);
  const stored = await wholeDatabase(own);
  assert.match(stored, /Secrets/);
  const all = { replies: replies.map(reply => reply.text).join('\n'), logged: own.logged.join('\n'), stored };
  const words = [secret, credentials.key.secret, 'marker', 'words-of-the-fake', 'Authenticate'];
  for (const [place, text] of Object.entries(all))
    for (const word of words)
      for (const written of [
        word,
        Buffer.from(word).toString('hex'),
        Buffer.from(word).toString('base64url'),
      ])
        assert.ok(!text.includes(written), `${word} is in ${place}`);
});

/** Every row of every table as text, with binary columns in hexadecimal. */
async function wholeDatabase({ database }: TestServer): Promise<string> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const tables = rows.map(({ name }) => database.pool.query(`select t::text as text from ${name} t`));
  return (await Promise.all(tables)).flatMap(({ rows }) => rows.map(row => row.text)).join('\n');
}
