import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../server/testing/server.ts';
import { linekeeper } from './testing.ts';

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
