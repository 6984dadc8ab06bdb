import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { credentials } from '../../carriers/twilio/fake.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { reseal } from './reseal.ts';
import { createVault, readSecretKeys } from './vault.ts';

const [oldest, older, newest] = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
const secrets = '{"token":"Zoë 電話"}';
const missing = { code: 'secret_key_missing' };

let server: TestServer;
before(async () => {
  server = await startTestServer(undefined, { secretKeys: [oldest] });
});
after(() => server.stop());

test('sealed text opens only unchanged, with its key and its associated data', () => {
  const vault = createVault([oldest]);
  const sealed = vault.seal(secrets, 'here');
  assert.equal(vault.open(sealed, 'here'), secrets);
  assert.notDeepEqual(vault.seal(secrets, 'here'), sealed);
  assert.throws(() => vault.open(sealed, 'there'), missing);
  assert.throws(() => createVault([newest]).open(sealed, 'here'), missing);
  assert.throws(() => createVault([]).open(sealed, 'here'), missing);
  for (const length of [1, 12, 27, 28, sealed.length - 1])
    assert.throws(() => vault.open(sealed.subarray(0, length), 'here'), missing, `${length} bytes`);
  for (let place = 0; place < sealed.length; place++) {
    const changed = Buffer.from(sealed);
    changed[place]! ^= 1;
    assert.throws(() => vault.open(changed, 'here'), missing, `byte ${place}`);
  }
});

test('the first key seals, all keys open, and resealing makes an older key dispensable', () => {
  const before = createVault([oldest]).seal(secrets, 'here');
  const both = createVault([newest, older, oldest]);
  assert.deepEqual(both.open(before, 'here'), secrets);
  assert.deepEqual(createVault([newest]).open(both.seal(secrets, 'here'), 'here'), secrets);
  const anew = both.reseal(before, 'here')!;
  assert.deepEqual(createVault([newest]).open(anew, 'here'), secrets);
  assert.equal(both.reseal(anew, 'here'), undefined);
  assert.equal(createVault([newest]).reseal(before, 'here'), undefined);
  assert.equal(both.reseal(before, 'there'), undefined);
});

test('empty credentials need no key', () => {
  const vault = createVault([]);
  assert.throws(() => vault.seal(secrets, 'here'), missing);
  const sealed = vault.seal('{}', 'here');
  assert.deepEqual(
    [sealed.length, vault.open(sealed, 'here'), vault.reseal(sealed, 'here')],
    [0, '{}', undefined],
  );
});

test('the keys in the environment are base64 of 32 bytes each, separated by commas', () => {
  const text = [newest, oldest].map(key => key.toString('base64')).join(' , ');
  assert.deepEqual(readSecretKeys(text), [newest, oldest]);
  for (const wrong of [
    '',
    'x',
    newest.toString('hex'),
    `${newest.toString('base64')},`,
    randomBytes(31).toString('base64'),
  ])
    assert.throws(() => readSecretKeys(wrong), /LINEKEEPER_SECRET_KEY must be base64 of 32 bytes/);
});

const path = '/v1/carrier-accounts';
const body = { carrier: 'twilio', name: 'Main', credentials: credentials.token, verify: false };

test('a server rotates its key without losing credentials, and reports a missing key', async t => {
  const { key, database } = server;
  const created = await server.call('POST', path, { body });
  assert.equal(created.status, 201, created.text);
  const { id } = created.body.carrier_account;
  /** What a server with these keys shows of the account, and what it answers to using it and to adding another. */
  const withKeys = async (...secretKeys: Buffer[]) => {
    // The carrier cannot be reached. An attempt to connect shows that the credentials were opened.
    const other = await startTestServer(database, { secretKeys });
    t.after(() => other.app.close());
    const shown = await other.call('GET', `${path}/${id}`, { key });
    const used = await other.call('POST', `${path}/${id}/test`, { key });
    const more = await other.call('POST', path, { key, body });
    return [shown.body.carrier_account.credentials, used.body.code, more.body.code];
  };
  const { account_sid } = credentials.token;
  const works = [{ account_sid }, 'carrier_failed', 'carrier_account_taken'];
  assert.deepEqual(await withKeys(oldest), works);
  assert.deepEqual(await withKeys(newest, oldest), works);
  assert.deepEqual(await withKeys(newest), [null, 'secret_key_missing', 'carrier_account_taken']);
  assert.deepEqual(await withKeys(), [null, 'secret_key_missing', 'secret_key_missing']);
  assert.equal(await reseal(database.db, createVault([newest, oldest])), 1);
  assert.equal(await reseal(database.db, createVault([newest, oldest])), 0);
  assert.deepEqual(await withKeys(newest), works);
  assert.deepEqual(await withKeys(oldest), [null, 'secret_key_missing', 'carrier_account_taken']);
});

test('the sandbox works without any key', async t => {
  const other = await startTestServer(server.database, { secretKeys: [] });
  t.after(() => other.app.close());
  const { status, body } = await other.call('POST', path, { body: { carrier: 'sandbox', name: 'S' } });
  assert.deepEqual([status, body.carrier_account.credentials], [201, {}]);
  const tested = await other.call('POST', `${path}/${body.carrier_account.id}/test`);
  assert.equal(tested.status, 200);
});
