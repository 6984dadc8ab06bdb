import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials } from '../../carriers/twilio/fake.ts';
import { newNumbers, newOrganization } from '../testing/factories.ts';
import { asUser } from '../testing/names.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { add, added, path, twilioAccount, withTwilio } from './testing.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

test('an account is tested before it is stored, and shows everything but its secret', async t => {
  const { own, twilio } = await withTwilio(t, server);
  const account = await added(own, { ...twilioAccount, name: 'Main', compare_every_seconds: 3600 });
  assert.ok(twilio.fake.asked.length > 0);
  const { id, verified_at, compare_due_at, created_at, modified_at, ...rest } = account;
  assert.deepEqual(rest, {
    carrier: 'twilio',
    name: 'Main',
    status: 'active',
    credentials: { account_sid: credentials.token.account_sid },
    problem: null,
    compare_every_seconds: 3600,
  });
  assert.ok(verified_at && created_at === modified_at);
  assert.equal(Date.parse(compare_due_at) - Date.parse(created_at), 3_600_000);
  assert.deepEqual((await own.call('GET', `${path}/${id}`)).body.carrier_account, account);
  assert.deepEqual((await own.call('GET', path)).body.carrier_accounts, [account]);
  const again = await add(own, { ...twilioAccount, name: 'Main' });
  assert.deepEqual([again.status, again.body.code], [409, 'carrier_account_taken']);
});

test('credentials are not stored if the carrier rejects them or cannot be asked', async t => {
  const { own, twilio } = await withTwilio(t, server);
  const wrong = { ...twilioAccount, credentials: { ...credentials.token, secret: 'wrong' } };
  const rejected = await add(own, wrong);
  const { status, body } = rejected;
  assert.deepEqual([status, body.code], [400, 'carrier_rejected']);
  assert.deepEqual(
    [body.error, body.detail],
    ['The carrier does not accept these credentials', 'Twilio says: authentication failed (20003)'],
  );
  for (const kind of ['hang', 'timeout_after', 'error_before', 'torn'] as const) {
    twilio.fake.fault({ call: 'check', kind, times: 9 });
    const failed = await add(own, twilioAccount);
    assert.deepEqual([failed.status, failed.body.code], [502, 'carrier_failed'], kind);
    assert.match(failed.body.detail, /^Twilio /);
    twilio.fake.calm();
  }
  assert.deepEqual((await own.call('GET', path)).body.carrier_accounts, []);
  const asked = twilio.fake.asked.length;
  assert.equal((await added(own, { ...wrong, verify: false })).verified_at, null);
  assert.equal(twilio.fake.asked.length, asked);
});

test('a test tells whether the credentials work now, and the account records why not', async t => {
  const { own, twilio } = await withTwilio(t, server);
  const { id, verified_at } = await added(own, { ...twilioAccount, verify: false });
  const now = () => own.call('POST', `${path}/${id}/test`);
  const problem = async () => (await own.call('GET', `${path}/${id}`)).body.carrier_account.problem;
  assert.equal(verified_at, null);
  const good = await now();
  const { carrier_account, account, balance } = good.body;
  assert.deepEqual([good.status, account], [200, credentials.token.account_sid]);
  assert.deepEqual(balance, { amount: '-12.05', currency: 'USD' });
  assert.ok(carrier_account.verified_at);

  twilio.fake.fault({ call: 'check', kind: 'authentication_failed', times: 1 });
  const bad = await now();
  assert.deepEqual([bad.status, bad.body.code], [400, 'carrier_rejected']);
  assert.equal(await problem(), 'Twilio says: authentication failed (20003)');
  // A carrier that cannot be asked proves nothing about the credentials.
  twilio.fake.fault({ call: 'check', kind: 'error_before', times: 9 });
  assert.equal((await now()).status, 502);
  assert.equal(await problem(), 'Twilio says: authentication failed (20003)');
  twilio.fake.calm();
  assert.equal((await now()).body.carrier_account.problem, null);
});

test('an account is removed only when nothing refers to it', async () => {
  const { id } = await added(server);
  const other = await added(server);
  const organization = await newOrganization(server);
  const [number] = await newNumbers(server, organization);
  const remove = () => server.call('DELETE', `${path}/${id}`);
  const usedBy = async (reason: RegExp) => {
    const { status, body } = await remove();
    assert.deepEqual([status, body.code], [409, 'carrier_account_used']);
    assert.match(body.detail, reason);
  };
  const tenant = (carrier_account_id: string | null) =>
    server.call('PATCH', '/v1/tenant', { body: { carrier_account_id } });
  const edit = (carrier_account_id: string | null) =>
    server.call('PATCH', `/v1/organizations/${organization}`, { body: { carrier_account_id } });
  await tenant(id);
  await usedBy(/^It is the tenant's account for buying/);
  await tenant(other.id);
  await edit(id);
  await usedBy(/^It is an organization's account for buying/);
  await edit(null);
  const from = (account: string | null) =>
    server.database.db
      .updateTable('phone_numbers')
      .set({ carrier_account_id: account, carrier_number_id: account && 'sandbox-number-1' })
      .where('id', '=', number!.id)
      .execute();
  await from(id);
  await usedBy(/^It has phone numbers/);
  await from(null);
  const removed = await remove();
  assert.deepEqual([removed.status, removed.body.carrier_account.id], [200, id]);
  assert.equal((await remove()).status, 404);
  const books = await server.database.pool.query('select account from sandbox_books where account = $1', [
    id,
  ]);
  assert.equal(books.rowCount, 0);
});

test('an account shows when its next comparison is due', async () => {
  const account = await added(server);
  assert.equal(account.compare_due_at, null);
  const began = Date.now() - 1000;
  const edit = async (body: object) => {
    const reply = await server.call('PATCH', `${path}/${account.id}`, { body });
    assert.equal(reply.status, 200, reply.text);
    const { compare_due_at } = reply.body.carrier_account;
    // The hours are counted from the first edit: a slow machine needs less than one for all of them.
    return compare_due_at && Math.floor((Date.parse(compare_due_at) - began) / 3_600_000);
  };
  assert.equal(await edit({ compare_every_seconds: 86_400 }), 24);
  assert.equal(await edit({ compare_every_seconds: 3600 }), 1); // brought forward
  assert.equal(await edit({ compare_every_seconds: 86_400 }), 1); // not put off
  assert.equal(await edit({ status: 'disabled' }), null);
  assert.equal(await edit({ status: 'active', name: 'Compared' }), 24);
  assert.equal(await edit({ compare_every_seconds: null }), null);
  const manual = await add(server, { carrier: 'manual', compare_every_seconds: 3600 });
  assert.deepEqual([manual.status, manual.body.code], [400, 'carrier_incapable']);
});

test('only keys of the tenant can use accounts, not bound keys or users', async () => {
  const { id } = await added(server);
  const organization = await newOrganization(server);
  const bound = await server.newKey({ organization_id: organization });
  const read = await server.newKey({ permission: 'read' });
  const admin = await asUser(server, organization, 'admin');
  const codes = async (method: string, at: string, body?: object) => {
    const options = { ...(body && { body }) };
    const all = [
      await server.call(method, path + at, { ...options, key: read }),
      await server.call(method, path + at, { ...options, key: bound }),
      await server.call(method, path + at, { ...options, key: '', headers: admin }),
    ];
    return all.map(reply => reply.body.code ?? reply.status);
  };
  for (const at of ['', `/${id}`, `/${id}/sandbox`])
    assert.deepEqual(await codes('GET', at), [200, 'key_bound', 'admin_required']);
  const refused = ['admin_required', 'key_bound', 'admin_required'];
  assert.deepEqual(await codes('POST', '', { carrier: 'sandbox', name: 'x' }), refused);
  assert.deepEqual(await codes('POST', `/${id}/test`), refused);
  assert.deepEqual(await codes('PATCH', `/${id}`, { name: 'x' }), refused);
  assert.deepEqual(await codes('DELETE', `/${id}`), refused);
});

test('the sandbox makes the faults that were set, as often as set, and a replay sets none', async () => {
  const { id } = await added(server);
  const faults = [
    { call: 'check', kind: 'authentication_failed', times: 1 },
    { call: 'buy', kind: 'timeout_after', times: 2 },
  ];
  const set = () =>
    server.call('PUT', `${path}/${id}/sandbox/faults`, {
      body: { faults },
      headers: { 'idempotency-key': 'faults' },
    });
  const { status, body } = await set();
  assert.deepEqual([status, body.faults, body.numbers, body.charges], [200, faults, [], 0]);
  const outcomes = [];
  for (let time = 0; time < 2; time++)
    outcomes.push((await server.call('POST', `${path}/${id}/test`)).status);
  assert.deepEqual(outcomes, [400, 200]);
  assert.equal((await set()).headers.get('idempotency-replayed'), 'true');
  const book = await server.call('GET', `${path}/${id}/sandbox`);
  assert.deepEqual(book.body.faults, [faults[1]]);
  const manual = await added(server, { carrier: 'manual' });
  for (const reply of [
    await server.call('GET', `${path}/${manual.id}/sandbox`),
    await server.call('PUT', `${path}/${manual.id}/sandbox/faults`, { body: { faults } }),
  ])
    assert.deepEqual([reply.status, reply.body.code], [400, 'carrier_incapable']);
});

test('where the operator has switched the sandbox off, nobody adds it or lets it make faults; what is there goes on', async () => {
  const { id } = await added(server);
  const strict = await startTestServer(server.database, { sandbox: false });
  try {
    const call = (method: string, at: string, body?: object) =>
      strict.call(method, path + at, { key: server.key, ...(body && { body }) });
    const faults = [{ call: 'check', kind: 'hang', times: 1 }];
    for (const reply of [
      await call('POST', '', { carrier: 'sandbox', name: 'Mine' }),
      await call('PUT', `/${id}/sandbox/faults`, { faults }),
    ]) {
      assert.deepEqual([reply.status, reply.body.code], [400, 'carrier_incapable']);
      assert.match(reply.body.error, /LINEKEEPER_SANDBOX=1/);
    }
    const { carriers } = (await strict.call('GET', '/v1/carriers')).body;
    assert.ok(!carriers.some(({ name }: { name: string }) => name === 'sandbox'));
    assert.equal((await call('POST', '', { carrier: 'manual', name: 'Other' })).status, 201);
    assert.equal((await call('POST', `/${id}/test`)).status, 200);
  } finally {
    await strict.app.close();
  }
});
