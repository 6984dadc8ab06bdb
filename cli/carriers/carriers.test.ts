import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { credentials, startTwilio } from '../../carriers/twilio/fake.ts';
import { newOrganization } from '../../server/testing/factories.ts';
import { startTestServer } from '../../server/testing/server.ts';
import { CommandLine, linekeeper } from '../testing/command-line.ts';

const ends: (() => unknown)[] = [];
const cli = new CommandLine(undefined, async () => {
  const { urls } = await startTwilio({ after: end => ends.push(end) });
  return startTestServer(undefined, { urls: { twilio: urls } });
});
const { run, json } = cli;
after(async () => {
  for (const end of ends) await end();
});

const { account_sid, secret } = credentials.token;
const key = credentials.key;
const inEnvironment = {
  LINEKEEPER_CARRIER_ACCOUNT_SID: account_sid,
  LINEKEEPER_CARRIER_KEY_SID: key.key_sid,
  LINEKEEPER_CARRIER_SECRET: key.secret,
};

test('the carriers are listed with the credentials that their accounts need', async () => {
  const { stdout } = await run('carriers', 'kinds');
  assert.match(stdout, /\ntwilio +Twilio +yes +service +account_sid, \[key_sid\], secret\n/);
  assert.match(stdout, /\nmanual +Manual +no +- +-\n/);
});

test('an account is added with credentials from stdin, shown, listed and tested', async () => {
  const add = ['carriers', 'add', 'twilio', '--name', 'Main', '--compare-every', '6h'];
  const added = await linekeeper([...add, '--credentials', '-'], cli.env, JSON.stringify(credentials.token));
  assert.deepEqual([added.code, added.stderr], [0, '']);
  assert.match(added.stdout, new RegExp(`\nCredentials +account_sid ${account_sid}\nLast verified +\\d{4}-`));
  assert.match(added.stdout, /\nCompared every +6h\n/);
  const id = /^ID +(\S+)$/m.exec(added.stdout)![1]!;
  assert.equal((await run('carriers', 'show', id)).stdout, added.stdout);
  const list = await run('carriers', 'list');
  assert.match(list.stdout, new RegExp(`\n${id} +twilio +Main +active +\\d{4}-\\S+ +-\n`));
  assert.equal(list.stderr, '1 account\n');
  const tested = await run('carriers', 'test', id);
  assert.match(tested.stdout, new RegExp(`^Account +${account_sid}\nBalance +-12.05 USD\nID +${id}\n`));
  for (const { stdout } of [added, list, tested]) assert.ok(!stdout.includes(secret));

  const edit = ['carriers', 'edit', id, '--name', 'Renamed', '--status', 'disabled', '--no-compare-every'];
  const edited = await linekeeper([...edit, '--credentials', '--json'], { ...cli.env, ...inEnvironment });
  assert.deepEqual([edited.code, edited.stderr], [0, '']);
  const { carrier_account } = JSON.parse(edited.stdout);
  const { name, status, compare_every_seconds, credentials: shown } = carrier_account;
  assert.deepEqual([name, status, compare_every_seconds], ['Renamed', 'disabled', null]);
  assert.deepEqual(shown, { account_sid, key_sid: key.key_sid });
  assert.match((await run('carriers', 'remove', id)).stdout, /\nName +Renamed\n/);
  assert.equal((await run('carriers', 'show', id)).code, 1);
});

test('credentials come from the environment, and a missing variable is named', async () => {
  const add = ['carriers', 'add', 'twilio', '--name', 'From the environment'];
  const { LINEKEEPER_CARRIER_SECRET: _, ...most } = inEnvironment;
  const missing = await linekeeper(add, { ...cli.env, ...most });
  assert.equal(missing.code, 2);
  assert.equal(
    missing.stderr,
    'error: Twilio needs secret: set LINEKEEPER_CARRIER_SECRET, or name a file with --credentials\n',
  );
  const wrong = await linekeeper(add, { ...cli.env, ...inEnvironment, LINEKEEPER_CARRIER_SECRET: 'marker' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^error: The carrier does not accept these credentials\n +Twilio says: auth/);
  assert.equal((await linekeeper(add, { ...cli.env, ...inEnvironment })).code, 0);
  const noJson = await linekeeper([...add, '--credentials', '-'], cli.env, '{"secret": marker}');
  assert.deepEqual([noJson.code, noJson.stderr], [1, 'error: - is not a JSON object\n']);
  for (const { stdout, stderr } of [wrong, noJson]) assert.doesNotMatch(stdout + stderr, /marker/);
  assert.match((await run('carriers', 'add', 'nobody', '--name', 'x')).stderr, /carrier must be one of/);
});

test('the sandbox is shown, and fails as its faults say', async () => {
  const { carrier_account } = await json('carriers', 'add', 'sandbox', '--name', 'Sandbox');
  const { id } = carrier_account;
  const set = await run('carriers', 'faults', id, 'check:authentication_failed', 'buy:timeout_after:3');
  assert.match(set.stdout, /^CALL +FAULT +TIMES\ncheck +authentication_failed +1\nbuy +timeout_after +3\n$/);
  assert.match((await run('carriers', 'test', id)).stderr, /^error: The carrier does not accept these/);
  const left = await run('carriers', 'sandbox', id);
  assert.doesNotMatch(left.stdout, /check/);
  assert.equal(left.stderr, '0 numbers, 0 charges, 1 fault\n');
  assert.deepEqual((await json('carriers', 'faults', id)).faults, []);
  assert.match(
    (await run('carriers', 'faults', id, 'sell:torn')).stderr,
    /faults\[0\]\.call must be one of check/,
  );
});

test('the settings and an organization hold the buying account, the prices and the spending cap', async () => {
  const { carrier_account } = await json('carriers', 'add', 'sandbox', '--name', 'Buys');
  const { id } = carrier_account;
  const edit = ['--purchases', 'on', '--max-per-organization', '10', '--purchase-fee', '1'];
  const more = ['--weekly-price', '0.525', '--spending-cap', '100', '--carrier-account', id];
  const settings = await run('settings', 'edit', ...edit, ...more);
  assert.match(
    settings.stdout,
    new RegExp(
      `bought +yes\nNumbers .* 10\nPurchase fee +1.00 USD\nWeekly price +0.525 USD\n.* carriers\n.* cap +100.00 USD\n.* ${id}\n$`,
    ),
  );
  const off = ['--purchases', 'off', '--no-spending-cap', '--no-carrier-account'];
  const { tenant } = await json('settings', 'edit', ...off);
  assert.deepEqual(
    [tenant.purchases_enabled, tenant.monthly_spending_cap, tenant.carrier_account_id],
    [false, null, null],
  );

  const organization = await newOrganization(cli.server);
  const show = await run('organizations', 'show', organization);
  assert.match(show.stdout, /\nBuying account +from the settings\nMonthly spending cap +from the settings\n/);
  const at = ['--messaging-service', 'MG1', '--campaign', 'C1'];
  const set = [
    'organizations',
    'edit',
    organization,
    '--carrier-account',
    id,
    '--spending-cap',
    '9.5',
    ...at,
  ];
  assert.match(
    (await run(...set)).stdout,
    new RegExp(`\n.* account +${id}\n.* cap +9.50 USD\nMessaging service +MG1\nCampaign +C1\n`),
  );
  const none = ['--no-carrier-account', '--no-spending-cap', '--no-messaging-service', '--no-campaign'];
  const { organization: cleared } = await json('organizations', 'edit', organization, ...none);
  const { carrier_account_id, monthly_spending_cap, messaging_service_id, campaign_id } = cleared;
  assert.deepEqual(
    [carrier_account_id, monthly_spending_cap, messaging_service_id, campaign_id],
    [null, null, null, null],
  );
});
