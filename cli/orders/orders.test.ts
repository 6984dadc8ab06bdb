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
