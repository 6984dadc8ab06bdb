import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import {
  newCarrierAccount,
  newCarrierNumbers,
  registerOrganization,
  runCaller,
  setFaults,
} from '../../server/testing/carrier-numbers.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../server/testing/factories.ts';
import { CommandLine } from '../testing/command-line.ts';

const cli = new CommandLine();
const { run, json } = cli;
let organization: string;
let user: string;
let number: string;
beforeEach(async () => {
  organization = await newOrganization(cli.server);
  user = await newUser(cli.server, organization);
  number = (await newNumbers(cli.server, organization))[0]!.phone_number;
});

const show = async () => (await json('numbers', 'show', number)).phone_number;

test('claim takes the first area code with a number, and says what it tried when none fits', async () => {
  const own = await newOrganization(cli.server);
  const ann = await newUser(cli.server, own);
  await newNumbers(cli.server, own, [{ phone_number: '+16285550100' }, { phone_number: '+14155550100' }]);
  const claim = ['numbers', 'claim', '--organization', own, '--user', ann];
  const first = await run(
    ...claim,
    '--area-code',
    '212,415',
    '--area-code',
    '628',
    '--starts-with',
    '+1 (415)',
  );
  assert.match(first.stdout, new RegExp(`^Number +\\+14155550100\nAssigned to +${ann}\nSince +\\d{4}-`));
  const near = await json(...claim, '--area-code', '415', '--nearby');
  assert.equal(near.phone_number, '+16285550100');
  const none = await run(...claim, '--tag', 'west', '--tag', 'gold');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^error: No available number fits\n {7}Tried: tagged west and gold\. /);
});

test('a reservation is made, renewed, assigned and cancelled', async () => {
  const reserved = await run('numbers', 'reserve', number, '--for', '15m', '--note', 'cart 1093');
  assert.match(reserved.stdout, new RegExp(`\nNumber +\\${number}\nUntil +\\d{4}-.*Z\nFor +cart 1093\n$`));
  const id = /^Reservation +(\S+)$/m.exec(reserved.stdout)![1]!;
  const shown = await run('numbers', 'show', number);
  assert.match(
    shown.stdout,
    new RegExp(`^Status +reserved\nUntil .*\nReservation +${id}\nReserved for +cart`, 'm'),
  );
  const earliest = Date.now() + 3 * 86_400_000;
  const { expires_at } = await json('reservations', 'renew', id, '--for', '3d');
  const latest = Date.now() + 3 * 86_400_000;
  // The API cuts moments to the second.
  const expires = Date.parse(expires_at);
  assert.ok(earliest - 1000 < expires && expires <= latest, expires_at);
  const assigned = await run('reservations', 'assign', id, '--user', user);
  assert.match(assigned.stdout, new RegExp(`^Number +\\${number}\nAssigned to +${user}\n`));

  await json('numbers', 'unassign', number);
  const { reservation_id } = await json('numbers', 'reserve', number, '--for', '5400s');
  const cancelled = await run('reservations', 'cancel', reservation_id);
  assert.equal(cancelled.stdout, `Available again  ${number}\n`);
  assert.equal((await show()).status, 'available');
});

test('a number is transferred, from a user only with --end-assignment, and its cool-down is ended', async () => {
  const other = await newOrganization(cli.server, cli.server.key, 'Other');
  await json('numbers', 'assign', number, '--user', user);
  const refused = await run('numbers', 'transfer', number, '--to', other);
  assert.deepEqual([refused.code, (await show()).organization_id], [1, organization]);
  const moved = await run('numbers', 'transfer', number, '--to', other, '--end-assignment');
  assert.match(
    moved.stdout,
    new RegExp(`^Status +cooling_down\nUntil .*\nOrganization +Other, ${other}$`, 'm'),
  );
  const ended = await json('numbers', 'end-cool-down', number);
  assert.equal(ended.phone_number.status, 'available');
});

test('a release is final, or can be restored as long as the settings say', async () => {
  await json('settings', 'edit', '--release-undo', '24h');
  try {
    const started = await run('numbers', 'release', number);
    assert.match(
      started.stdout,
      new RegExp(`^Number +\\${number}\nCan be restored until +\\d.*Z\nReleased before +no\n$`),
    );
    assert.match((await run('numbers', 'restore', number)).stdout, /^Status +available$/m);
  } finally {
    await json('settings', 'edit', '--release-undo', '0s');
  }
  assert.match((await run('numbers', 'release', number)).stdout, /\nReleased +\d.*Z\nReleased before +no\n$/);
  assert.equal((await json('numbers', 'release', number)).already_released, true);
  const { body } = await cli.server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  assert.equal(body.count, 0);
});

test('a pending number says why, attach tries again, and billing stops when the carrier has released it', async () => {
  const { db } = cli.server.database;
  const caller = await runCaller(db, organization);
  await registerOrganization(db, caller, organization, 'rejected-campaign');
  const account = await newCarrierAccount(db, caller);
  number = uniqueNumber();
  await newCarrierNumbers(db, caller, organization, account, [number], { pending: true });
  const failed = /^Status +pending\nPending because +The sandbox rejects/m;
  while (!failed.test((await run('numbers', 'show', number)).stdout));
  await registerOrganization(db, caller, organization, 'campaign');
  assert.match((await run('numbers', 'attach', number)).stdout, /^Status +pending\nOrganization/m);
  while ((await show()).status === 'pending');
  assert.match(
    (await run('numbers', 'show', number)).stdout,
    new RegExp(`^Carrier account +${account}$`, 'm'),
  );

  await json('settings', 'edit', '--release-undo', '24h');
  assert.match(
    (await run('numbers', 'release', number)).stdout,
    /\nBilling stopped +no\nReleased before +no\n$/,
  );
  await json('numbers', 'restore', number);
  await json('settings', 'edit', '--release-undo', '0s');
  await setFaults(db, account, [{ call: 'release', kind: 'rate_limited', times: 1 }]);
  const refused = await run('numbers', 'release', number);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^error: The carrier has been asked too often: nothing was changed; the request may be repeated\n {7}The sandbox/,
  );
  assert.match((await run('numbers', 'release', number)).stdout, /\nReleased +\d.*Z\n/);
});

test('every field of a number is edited and cleared', async () => {
  const own = ['--nickname', 'Sales', '--external-id', 'crm-7'];
  const edit = [...own, '--tags', 'west, gold', '--lock', '--metadata', '{"crm":7}'];
  const edited = await run('numbers', 'edit', number, ...edit);
  assert.match(
    edited.stdout,
    /^Nickname +Sales\nExternal ID +crm-7\nTags +gold, west\nLocked +yes\nMetadata +\{"crm":7\}$/m,
  );
  const list = ['numbers', 'list', '--organization', organization];
  assert.equal((await json(...list, '--external-id', 'crm-7')).count, 1);
  assert.equal((await json(...list, '--external-id', 'crm-8')).count, 0);
  assert.match((await run('numbers', 'release', number)).stderr, /^error: Phone number is locked/);
  const none = ['--no-nickname', '--no-external-id', '--no-tags', '--unlock', '--no-metadata'];
  const { phone_number: n } = await json('numbers', 'edit', number, ...none);
  assert.deepEqual([n.nickname, n.external_id, n.tags, n.locked, n.metadata], [null, null, [], false, {}]);
});

test('--if-match refuses a change after another one', async () => {
  const { revision } = (await cli.server.call('GET', `/v1/events?organization_id=${organization}`)).body;
  const edit = ['numbers', 'edit', number, '--nickname', 'New'];
  const stale = await run(...edit, '--if-match', String(revision - 1));
  assert.match(stale.stderr, /^error: The organization is at revision \d+\n/);
  assert.deepEqual([stale.code, (await show()).nickname], [1, null]);
  const { phone_number } = await json(...edit, '--if-match', String(revision));
  assert.equal(phone_number.nickname, 'New');
});

test('the same --idempotency-key gets the first answer, and a new API key is not shown twice', async () => {
  const claim = ['numbers', 'claim', '--organization', organization, '--user', user];
  await newNumbers(cli.server, organization);
  const first = await json(...claim, '--idempotency-key', 'cart-1');
  assert.deepEqual(await json(...claim, '--idempotency-key', 'cart-1'), first);
  assert.notEqual((await json(...claim)).phone_number, first.phone_number);

  const create = ['keys', 'create', 'router', '--permission', 'read', '--idempotency-key', 'key-1'];
  assert.match((await run(...create)).stdout, /^API key +lk_live_/);
  const again = await run(...create);
  assert.match(again.stdout, /^API key +-\n/);
  assert.equal(again.stderr, 'The key was shown when it was made, and cannot be shown again.\n');
});

test('history shows users and events of a number, across organizations and releases', async () => {
  const other = await newOrganization(cli.server);
  await json('numbers', 'assign', number, '--user', user);
  await json('numbers', 'transfer', number, '--to', other, '--end-assignment');
  await json('numbers', 'release', number);
  await newNumbers(cli.server, organization, [{ phone_number: number, nickname: 'Again' }]);
  const { code, stdout, stderr } = await run('numbers', 'history', number);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const [before, since] = stdout.split('\n\n\n');
  assert.match(
    before!,
    new RegExp(`^Number +\\${number}\nFrom .*\nUntil +\\d.*\nOrganization +${other}\nStatus +released\n`),
  );
  assert.match(
    before!,
    new RegExp(`\nFROM +UNTIL +USER .*\n\\S+Z +\\S+Z +Ann Example <.*> +${user} +${organization}\n`),
  );
  const happened = [...before!.matchAll(/Z +(number\S*) +(\w+)/g)].map(
    ([, event, status]) => `${event} ${status}`,
  );
  assert.deepEqual(happened, [
    'numbers.added available',
    'number.assigned assigned',
    'number.transferred_in cooling_down',
    'number.released released',
  ]);
  assert.match(
    since!,
    /^Number .*\nFrom .*\nUntil +now\n[\s\S]*\nStatus +available\n\nAT [\s\S]* Again +- +- +key \S+\n$/,
  );
});

test('summary counts the numbers, and shows a low stock', async () => {
  await newNumbers(cli.server, organization, [{ phone_number: uniqueNumber(), user_id: user }]);
  await json('settings', 'edit', '--low-stock', '2');
  try {
    const { stdout } = await run('numbers', 'summary', '--organization', organization);
    assert.match(
      stdout,
      /^Numbers +2\nAvailable +1\nLow stock below +2\nStock is low +yes\n\nSTATUS +NUMBERS\n/,
    );
    assert.match(stdout, new RegExp(`\n\nNUMBERS +USER +ID\n1 +Ann Example <.*> +${user}\n$`));
  } finally {
    await json('settings', 'edit', '--no-low-stock');
  }
  const { stock } = await json('numbers', 'summary', '--organization', organization);
  assert.deepEqual(stock, { available: 1, threshold: null, low: false });
});
