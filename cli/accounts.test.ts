import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../server/testing/server.ts';
import { linekeeper } from './testing/linekeeper.ts';

let server: TestServer;
let env: NodeJS.ProcessEnv;
before(async () => {
  server = await startTestServer();
  env = { LINEKEEPER_URL: server.url, LINEKEEPER_API_KEY: server.key };
});
after(() => server.stop());

const run = (...args: string[]) => linekeeper(args, env);

/** The one document of a command that must succeed. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--json');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return JSON.parse(stdout);
}

test('an organization is created, edited, shown and listed', async () => {
  const contact = ['--contact-email', 'ops@acme.example'];
  const created = await run('organizations', 'create', 'Acme Dental', '--id', 'org_acme', ...contact);
  assert.match(
    created.stdout,
    /^ID +org_acme\nName +Acme Dental\nStatus +active\nContact +ops@acme\.example\nSMS active +no\n/,
  );
  const edit = ['--no-contact-email', '--sms-active', 'true', '--sms-registration-status', 'approved'];
  const { organization } = await json('organizations', 'edit', 'org_acme', ...edit);
  const { contact_email, sms_active, sms_registration_status, status } = organization;
  assert.deepEqual(
    [contact_email, sms_active, sms_registration_status, status],
    [null, true, 'approved', 'active'],
  );
  const off = await json(
    'organizations',
    'edit',
    'org_acme',
    '--sms-active',
    'false',
    '--status',
    'suspended',
  );
  assert.deepEqual([off.organization.sms_active, off.organization.status], [false, 'suspended']);
  assert.deepEqual((await json('organizations', 'show', 'org_acme')).organization, off.organization);
  const list = await run('organizations', 'list');
  assert.match(list.stdout, /\norg_acme +Acme Dental +suspended +no +approved +-\n$/);
  assert.equal(list.stderr, '1 organization\n');
});

test('a user is created, edited, shown and listed', async () => {
  await json('organizations', 'create', 'Users', '--id', 'org_users');
  const here = ['--organization', 'org_users'];
  const create = ['users', 'create', 'John Smith', '--email', 'john@company.com', '--phone', '555', ...here];
  const { user } = await json(...create, '--id', 'user_john');
  assert.deepEqual([user.unique_id, user.permission, user.phone], ['user_john', 'user', '555']);
  const again = await run(...create);
  assert.match(again.stderr, /^error: A user with email john@company\.com already exists/);
  assert.equal(again.code, 1);
  const edit = ['--name', 'John H. Smith', '--no-phone', '--permission', 'admin', '--status', 'inactive'];
  const edited = await run('users', 'edit', 'user_john', ...edit, ...here);
  assert.match(
    edited.stdout,
    /\nName +John H\. Smith\n[\s\S]*\nPhone +-\nPermission +admin\nStatus +inactive\n/,
  );
  assert.equal((await json('users', 'show', 'user_john', ...here)).user.name, 'John H. Smith');
  const list = await run('users', 'list', ...here);
  assert.match(list.stdout, /\nuser_john +John H\. Smith +john@company\.com +admin +inactive +-\n$/);
  assert.equal(list.stderr, '1 user\n');
});

test('a token is made for a user, shown once, and worth nothing when revoked', async () => {
  await json('organizations', 'create', 'Tokens', '--id', 'org_tokens');
  const here = ['--organization', 'org_tokens'];
  await json('users', 'create', 'Ann', '--email', 'ann@acme.example', '--id', 'user_ann', ...here);
  const created = await run('users', 'tokens', 'create', 'user_ann', '--for', '2h', ...here);
  const token = /^Token +(lk_user_\w{38})$/m.exec(created.stdout)?.[1];
  const id = /^ID +(\S+)$/m.exec(created.stdout)?.[1];
  assert.ok(token && id, created.stdout);
  assert.equal(created.stderr, 'Keep the token: it is shown only this once.\n');
  const hours = (Date.parse(/^Expires +(\S+)$/m.exec(created.stdout)![1]!) - Date.now()) / 3_600_000;
  assert.ok(hours > 1.9 && hours < 2.1, created.stdout);

  const asAnn = { key: '', headers: { authorization: `Bearer ${token}` } };
  const list = '/v1/sms/phone-numbers?organization_id=org_tokens';
  assert.equal((await server.call('GET', list, asAnn)).status, 200);
  const revoked = await run('users', 'tokens', 'revoke', id, '--user', 'user_ann', ...here);
  assert.match(revoked.stdout, /\nRevoked +\d{4}-.*Z\n$/);
  assert.equal((await server.call('GET', list, asAnn)).status, 401);
});

test('the settings are shown and edited', async () => {
  const show = await run('settings', 'show');
  assert.match(show.stdout, /\nRest after unassigning +none\nRest after a transfer +45d\n.* none\n.* none\n/);
  const edit = [
    '--name',
    'Ours',
    '--cool-down',
    '90s',
    '--transfer-cool-down',
    '36h',
    '--release-undo',
    '2h',
  ];
  const edited = await run('settings', 'edit', ...edit, '--low-stock', '20');
  assert.match(
    edited.stdout,
    /\nName +Ours\nRest after unassigning +90s\nRest after a transfer +36h\n.* 2h\nLow stock below +20\n/,
  );
  const { tenant } = await json('settings', 'edit', '--no-low-stock', '--cool-down', '0s');
  const { cool_down_seconds, release_undo_seconds, low_stock_threshold } = tenant;
  assert.deepEqual([cool_down_seconds, release_undo_seconds, low_stock_threshold], [0, 7200, null]);
});

test('a key is shown once, listed, and worth nothing when revoked', async () => {
  await json('organizations', 'create', 'Keys', '--id', 'org_keys');
  const bound = ['--organization', 'org_keys', '--expires-at', '2999-01-01'];
  const created = await run('keys', 'create', 'inbound router', '--permission', 'read', ...bound);
  const key = /^API key +(lk_live_\w{38})$/m.exec(created.stdout)?.[1];
  const id = /^ID +(\S+)$/m.exec(created.stdout)?.[1];
  assert.ok(key && id, created.stdout);
  assert.match(created.stdout, /\nOrganization +org_keys\n[\s\S]*\nExpires +2999-01-01T00:00:00Z\n/);
  assert.equal(created.stderr, 'Keep the key: it is shown only this once.\n');

  const mine = { ...env, LINEKEEPER_API_KEY: key };
  assert.equal((await linekeeper(['organizations', 'show', 'org_keys'], mine)).code, 0);
  const list = await run('keys', 'list');
  assert.match(list.stdout, new RegExp(`\n${id} +${key.slice(0, 12)} +read +org_keys .* inbound router\n`));
  assert.ok(!list.stdout.includes(key));

  const revoked = await run('keys', 'revoke', id);
  assert.match(revoked.stdout, /\nRevoked +\d{4}-.*Z\n/);
  assert.equal((await linekeeper(['organizations', 'show', 'org_keys'], mine)).code, 1);
  assert.match((await run('keys', 'list')).stdout, new RegExp(`\n${id} .* revoked \\d{4}-`));
});
