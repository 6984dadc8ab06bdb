import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandLine, linekeeper } from '../testing/command-line.ts';

const cli = new CommandLine();
const { run, json } = cli;

test('the settings are shown and edited', async () => {
  const show = await run('settings', 'show');
  assert.match(show.stdout, /\nCool-down +none\nCool-down after a transfer +45d\n.* none\n.* none\n/);
  const edit = [
    '--name',
    'Ours',
    '--time-zone',
    'Europe/Lisbon',
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
    /\nName +Ours\nTime zone +Europe\/Lisbon\nCool-down +90s\nCool-down after a transfer +36h\n.* 2h\nLow stock below +20\n/,
  );
  const { tenant } = await json('settings', 'edit', '--no-low-stock', '--cool-down', '0s');
  const { cool_down_seconds, release_undo_seconds, low_stock_threshold } = tenant;
  assert.deepEqual([cool_down_seconds, release_undo_seconds, low_stock_threshold], [0, 7200, null]);
});

test('the weekly price is for the numbers of carriers, or for all', async () => {
  assert.match((await run('settings', 'show')).stdout, /\nWeekly price for +numbers of carriers\n/);
  const edited = await run('settings', 'edit', '--weekly-fee-for', 'all', '--weekly-price', '0.5');
  assert.match(edited.stdout, /\nWeekly price +0\.50 USD\nWeekly price for +all numbers\n/);
  const wrong = await run('settings', 'edit', '--weekly-fee-for', 'some');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /carrier, all/);
  assert.equal(
    (await json('settings', 'edit', '--weekly-fee-for', 'carrier')).tenant.weekly_fee_for,
    'carrier',
  );
});

test('a key is shown once, listed, and invalid when revoked', async () => {
  await json('organizations', 'create', 'Keys', '--id', 'org_keys');
  const bound = ['--organization', 'org_keys', '--expires-at', '2999-07-01'];
  const created = await run('keys', 'create', 'inbound router', '--permission', 'read', ...bound);
  const key = /^API key +(lk_live_\w{38})$/m.exec(created.stdout)?.[1];
  const id = /^ID +(\S+)$/m.exec(created.stdout)?.[1];
  assert.ok(key && id, created.stdout);
  assert.match(created.stdout, /\nOrganization +org_keys\n[\s\S]*\nExpires +2999-06-30T23:00:00Z\n/);
  assert.equal(created.stderr, 'Keep the key: it is shown only this once.\n');

  const mine = { ...cli.env, LINEKEEPER_API_KEY: key };
  assert.equal((await linekeeper(['organizations', 'show', 'org_keys'], mine)).code, 0);
  const list = await run('keys', 'list');
  assert.match(list.stdout, new RegExp(`\n${id} +${key.slice(0, 12)} +read +org_keys .* inbound router\n`));
  assert.ok(!list.stdout.includes(key));

  const revoked = await run('keys', 'revoke', id);
  assert.match(revoked.stdout, /\nRevoked +\d{4}-.*Z\n/);
  assert.equal((await linekeeper(['organizations', 'show', 'org_keys'], mine)).code, 1);
  assert.match((await run('keys', 'list')).stdout, new RegExp(`\n${id} .* revoked \\d{4}-`));
});
