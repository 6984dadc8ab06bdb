import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newShop, type TestShop } from '../../server/testing/shop.ts';
import { CommandLine } from '../testing/command-line.ts';

let shop: TestShop;
const cli = new CommandLine(async server => {
  shop = await newShop(server, { max: 20 });
  cli.env.LINEKEEPER_API_KEY = shop.key;
});
const { run } = cli;

test('a number is found, priced and bought', async () => {
  const found = await run('numbers', 'search', '--organization', shop.organization, '--area-code', '415');
  assert.equal(found.code, 0);
  const number = /\+1415\d{7}/.exec(found.stdout)![0];
  assert.match(found.stderr, /1\.00 USD once and 0\.50 USD a week/);
  const buy = ['numbers', 'buy', '--organization', shop.organization, '--number', number];
  const price = await run(...buy, '--dry-run');
  assert.match(price.stdout, /Charged at once +1\.50 USD/);
  const bought = await run(...buy, '--nickname', 'Front desk', '--external-id', 'crm-2');
  assert.equal(bought.code, 0);
  assert.match(bought.stdout, new RegExp(`Number +\\${number}`));
  assert.match((await run('numbers', 'show', number)).stdout, /^External ID +crm-2$/m);
  const none = await run('numbers', 'buy', '--organization', shop.organization, '--area-code', '999');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /No numbers available in area code 999/);
});

test('many numbers are ordered and followed, and a bought one cannot be cancelled', async () => {
  const place = [
    'orders',
    'place',
    '--organization',
    shop.organization,
    '--item',
    '212:3',
    '--item',
    '628:2',
  ];
  const placed = JSON.parse((await run(...place, '--json')).stdout);
  assert.equal(placed.count, 5);
  const list = ['orders', 'list', '--bulk', placed.bulk_id];
  let listed = await run(...list);
  while (!/5 orders bought/.test(listed.stderr)) listed = await run(...list);
  assert.equal(listed.stdout.match(/bought {2,}\+1212/g)!.length, 3);
  const [{ id }] = placed.orders;
  assert.match((await run('orders', 'show', id)).stdout, /Status +bought/);
  const late = await run('orders', 'cancel', id);
  assert.equal(late.code, 1);
  assert.match(late.stderr, /The order is bought/);
  const wrong = await run('orders', 'place', '--organization', shop.organization, '--item', '415');
  assert.equal(wrong.code, 2);
});

test('numbers are found, bought and ordered by digits, toll-free, and by several area codes in order', async () => {
  const organization = ['--organization', shop.organization];
  const found = await run(
    'numbers',
    'search',
    ...organization,
    ...['--area-code', '628,415', '--area-code', '212'],
    ...['--starts-with', '+1 (415) 555', '--ends-with', '0117'],
  );
  assert.match(found.stdout, /^\+14155550117 /m);
  assert.doesNotMatch(found.stdout, /\+1628|\+1212/);
  const tollFree = await run(
    'numbers',
    'search',
    ...organization,
    '--toll-free',
    '--contains',
    '888-***-01*5',
  );
  assert.match(tollFree.stdout, /^\+18885550105 /m);
  const none = await run('numbers', 'search', ...organization, '--area-code', '415', '--toll-free');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^error: area_code 415 is not toll-free/);

  const buy = await cli.json(
    'numbers',
    'buy',
    ...organization,
    '--area-code',
    '999,628',
    '--ends-with',
    '34',
  );
  assert.equal(buy.phone_number, '+16285550134');
  const abroad = await run('numbers', 'search', ...organization, '--country', 'ca', '--contains', '55501');
  assert.match(abroad.stdout, /^\+1204555/m);
  const items = ['--item', '999,212:2', '--item', 'any:1'];
  const placed = await cli.json('orders', 'place', ...organization, ...items, '--contains', '5501*5');
  assert.equal(placed.count, 3);
  const list = ['orders', 'list', '--bulk', placed.bulk_id];
  let listed = await run(...list);
  while (!/3 orders bought/.test(listed.stderr)) listed = await run(...list);
  assert.equal(listed.stdout.match(/bought +\+121255501\d5 +999,212 /g)!.length, 2);
  const ofTwo = placed.orders.find(({ area_codes }: { area_codes: string[] }) => area_codes.length === 2);
  const shown = await run('orders', 'show', ofTwo.id);
  assert.match(shown.stdout, /^Area code +999, then 212$/m);
  assert.match(shown.stdout, /^Contains +5501\*5$/m);
  const free = await cli.json(
    'orders',
    'place',
    ...organization,
    '--item',
    'any:1',
    '--toll-free',
    '--dry-run',
  );
  assert.equal(free.count, 1);
  const wrong = await run('orders', 'place', ...organization, '--item', '415,:2');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /such as 415:20 or 415,628:20, or any:20/);
});
