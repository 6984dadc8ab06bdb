import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandLine } from '../testing/command-line.ts';

const cli = new CommandLine();
const { run, json } = cli;

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
  for (const user of ['user_john', 'JOHN@company.com'])
    assert.equal((await json('users', 'show', user, ...here)).user.name, 'John H. Smith');
  const list = await run('users', 'list', ...here);
  assert.match(list.stdout, /\nuser_john +John H\. Smith +john@company\.com +admin +inactive +-\n$/);
  assert.equal(list.stderr, '1 user\n');
});

test('a token is made for a user, shown once, and invalid when revoked', async () => {
  await json('organizations', 'create', 'Tokens', '--id', 'org_tokens');
  const here = ['--organization', 'org_tokens'];
  await json('users', 'create', 'Ann', '--email', 'ann@acme.example', '--id', 'user_ann', ...here);
  const created = await run('users', 'tokens', 'create', 'ann@acme.example', '--for', '2h', ...here);
  const token = /^Token +(lk_user_\w{38})$/m.exec(created.stdout)?.[1];
  const id = /^ID +(\S+)$/m.exec(created.stdout)?.[1];
  assert.ok(token && id, created.stdout);
  assert.equal(created.stderr, 'Keep the token: it is shown only this once.\n');
  const [made, ends] = ['Created', 'Expires'].map(field =>
    Date.parse(new RegExp(`^${field} +(\\S+)$`, 'm').exec(created.stdout)![1]!),
  );
  assert.equal(ends! - made!, 2 * 3_600_000);

  const asAnn = { key: '', headers: { authorization: `Bearer ${token}` } };
  const list = '/v1/sms/phone-numbers?organization_id=org_tokens';
  assert.equal((await cli.server.call('GET', list, asAnn)).status, 200);
  const revoked = await run('users', 'tokens', 'revoke', id, '--user', 'Ann@Acme.example', ...here);
  assert.match(revoked.stdout, /\nRevoked +\d{4}-.*Z\n$/);
  assert.equal((await cli.server.call('GET', list, asAnn)).status, 401);
});
