import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdTimeOuts, runOutOfTime } from '../../carriers/testing/time-outs.ts';
import { check } from '../check/check.ts';
import { newNumbers, newUser } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { newShop, type TestShop } from '../testing/shop.ts';

/** No timed-out call is still in flight, so a purchase that the carrier does not know will never appear. */
const settled = { settleMs: 0 };

let server: TestServer;
before(async () => {
  server = await startTestServer(undefined, settled);
});
after(async () => {
  assert.deepEqual((await check(server.database)).findings, []);
  await server.stop();
});

const purchase = ({ key, organization }: TestShop, body: object = {}, headers: Record<string, string> = {}) =>
  server.call('POST', '/v1/sms/phone-numbers/purchase', {
    key,
    body: { organization_id: organization, area_code: '415', ...body },
    headers,
  });

const get = async ({ key }: TestShop, path: string) => (await server.call('GET', path, { key })).body;
const list = (shop: TestShop) => get(shop, `/v1/sms/phone-numbers?organization_id=${shop.organization}`);
const chargesOf = ({ book }: TestShop) =>
  book(({ numbers }) => numbers.filter(number => !number.released).flatMap(number => number.charges));

test('a number of the area code is bought, kept and assigned at once', async () => {
  const shop = await newShop(server);
  const user = await newUser(server, shop.organization, shop.key);
  const reply = await purchase(shop, { user_id: user, nickname: 'Support' });
  assert.equal(reply.status, 200);
  const { phone_number, phone_id } = reply.body;
  assert.match(phone_number, /^\+1415/);
  assert.deepEqual(reply.body, {
    success: true,
    phone_number,
    phone_id,
    pretty_phone_number: `+1 415-${phone_number.slice(5, 8)}-${phone_number.slice(8)}`,
    assigned_to: user,
    stored: true,
    powered_by: 'Teli',
  });
  const [number] = (await list(shop)).phone_numbers;
  assert.equal(number.id, phone_id);
  assert.equal(number.nickname, 'Support');
  assert.equal(number.assigned_to.user_id, user);
  const { order } = await get(shop, reply.headers.get('location')!);
  assert.equal(order.status, 'bought');
  assert.equal(order.phone_id, phone_id);
  assert.equal(order.candidates, 1);
  assert.equal((await chargesOf(shop)).length, 1);
  const fees = await server.database.db
    .selectFrom('charges')
    .selectAll()
    .where('tenant_id', '=', shop.tenantId)
    .where('type', '=', 'number.purchase_fee')
    .execute();
  assert.deepEqual(
    fees.map(fee => [fee.phone_number, fee.amount, fee.order_id]),
    [[phone_number, 1, order.id]],
  );
});

test('what the contract refuses is refused in its words, and changes nothing', async () => {
  const shop = await newShop(server, { max: 1 });
  const refused = async (status: number, error: string, body?: object) => {
    const reply = await purchase(shop, body);
    assert.equal(reply.body.error, error);
    assert.equal(reply.status, status);
  };
  const set = (column: string, value: unknown, table: 'tenants' | 'organizations' = 'tenants') =>
    server.database.db
      .updateTable(table)
      .set({ [column]: value } as never)
      .where((table === 'tenants' ? 'id' : 'tenant_id') as never, '=', shop.tenantId as never)
      .execute();
  await set('purchases_enabled', false);
  await refused(400, 'Multi-SMS numbers not enabled for this tenant. Contact support to enable.');
  // Whoever may set it is told what to set, and nobody else.
  const detailFor = async (key: string) => {
    const path = `/v1/sms/phone-numbers/search?organization_id=${shop.organization}`;
    return (await server.call('GET', path, { key })).body.detail;
  };
  assert.match(await detailFor(shop.key), /^Set `purchases_enabled` to true .*PATCH \/v1\/tenant$/);
  for (const input of [{ permission: 'read' as const }, { organization_id: shop.organization }])
    assert.equal(await detailFor(await server.newKey(input, shop.key)), undefined);
  await set('purchases_enabled', true);
  await set('sms_active', false, 'organizations');
  await refused(400, 'Organization SMS not active (10DLC approval required)');
  await set('sms_active', true, 'organizations');
  await refused(400, 'No numbers available in area code 999', { area_code: '999' });
  await refused(400, 'User not found', { user_id: 'nobody' });
  await refused(400, 'phone_number names one number: leave out area_code', { phone_number: '+14155550101' });
  const nothing =
    'the body must say which number to buy: area_code, starts_with, ends_with, contains or toll_free, or phone_number';
  await refused(400, nothing, { area_code: undefined });
  await set('carrier_account_id', null);
  await refused(400, 'No carrier account is set for buying numbers');
  await set('carrier_account_id', shop.account);
  await newNumbers(server, shop.organization, undefined, shop.key);
  await refused(400, 'Organization already has 1/1 SMS numbers');
  assert.equal((await list(shop)).count, 1);
  assert.deepEqual(await chargesOf(shop), []);
});

test('thirty at once at a limit of ten: ten numbers, twenty refusals, ten charges', async () => {
  const shop = await newShop(server, { max: 10 });
  const replies = await Promise.all(Array.from({ length: 30 }, () => purchase(shop)));
  const bought = replies.filter(reply => reply.status === 200).map(reply => reply.body.phone_number);
  assert.equal(new Set(bought).size, 10);
  const refusals = replies.filter(reply => reply.status === 400).map(reply => reply.body.error);
  assert.deepEqual(
    refusals,
    Array.from({ length: 20 }, () => 'Organization already has 10/10 SMS numbers'),
  );
  assert.equal((await list(shop)).count, 10);
  assert.equal((await chargesOf(shop)).length, 10);
});

test('a candidate that is gone meanwhile is replaced by the next, up to a bound', async () => {
  const shop = await newShop(server);
  await shop.book(book => book.faults.push({ call: 'buy', kind: 'unavailable', times: 2 }));
  const reply = await purchase(shop);
  assert.equal(reply.status, 200);
  const { order } = await get(shop, reply.headers.get('location')!);
  assert.equal(order.candidates, 3);
  await shop.book(book => book.faults.push({ call: 'buy', kind: 'unavailable', times: 5 }));
  const none = await purchase(shop);
  assert.equal(none.status, 400);
  assert.equal(none.body.error, 'No numbers available in area code 415');
  assert.equal((await chargesOf(shop)).length, 1);
});

test('what the carrier refuses is a final answer with its reason', async () => {
  const shop = await newShop(server);
  for (const kind of ['out_of_funds', 'needs_compliance', 'authentication_failed', 'rate_limited'] as const) {
    await shop.book(book => book.faults.push({ call: 'buy', kind, times: 1 }));
    const reply = await purchase(shop);
    assert.equal(reply.status, 502, kind);
    assert.equal(reply.body.code, 'carrier_failed');
    assert.match(reply.body.error, new RegExp(kind));
  }
  assert.deepEqual(await chargesOf(shop), []);
  assert.equal((await list(shop)).count, 0);
});

test('an answer that was lost: the order is followed up, and the number is ours', async () => {
  const shop = await newShop(server);
  for (const kind of ['timeout_after', 'error_after', 'torn', 'other_number', 'pending'] as const) {
    await shop.book(book => book.faults.push({ call: 'buy', kind, times: 1 }));
    const reply = await purchase(shop);
    assert.equal(reply.status, 200, `${kind}: ${reply.text}`);
  }
  assert.equal((await chargesOf(shop)).length, 5);
  assert.equal((await list(shop)).count, 5);
});

test('a purchase that never came about is found not to be there, and another number is bought', async () => {
  const shop = await newShop(server);
  holdTimeOuts();
  for (const kind of ['timeout_before', 'error_before', 'hang'] as const) {
    await shop.book(book => book.faults.push({ call: 'buy', kind, times: 1 }));
    let isAnswered = false;
    const answer = purchase(shop).finally(() => {
      isAnswered = true;
    });
    while (kind === 'hang' && !isAnswered) {
      runOutOfTime();
      await sleep(20);
    }
    const reply = await answer;
    assert.equal(reply.status, 200, `${kind}: ${reply.text}`);
    const { order } = await get(shop, reply.headers.get('location')!);
    assert.equal(order.candidates, 2, kind);
  }
  assert.equal((await chargesOf(shop)).length, 3);
});

test('one key, many requests: one number, one charge, equal answers', async () => {
  const shop = await newShop(server);
  const headers = { 'idempotency-key': 'buy-1' };
  const replies = await Promise.all(Array.from({ length: 20 }, () => purchase(shop, {}, headers)));
  const answers = new Set(replies.filter(reply => reply.status === 200).map(reply => reply.text));
  assert.equal(answers.size, 1);
  for (const { status, body } of replies) if (status !== 200) assert.equal(body.code, 'idempotency_running');
  assert.equal((await chargesOf(shop)).length, 1);
  const failing = { 'idempotency-key': 'buy-2' };
  const [first, second] = [
    await purchase(shop, { area_code: '999' }, failing),
    await purchase(shop, { area_code: '999' }, failing),
  ];
  assert.equal(first.body.error, 'No numbers available in area code 999');
  assert.equal(second.body.error, first.body.error);
  const other = await purchase(shop, { area_code: '212' }, headers);
  assert.equal(other.status, 422);
});

test('a spending cap stops purchases, with what is ordered counted in', async () => {
  const shop = await newShop(server, { fee: 1, weekly: 0.25, cap: 3 });
  const replies = await Promise.all(Array.from({ length: 5 }, () => purchase(shop)));
  assert.equal(replies.filter(reply => reply.status === 200).length, 2);
  const refused = replies.find(reply => reply.status === 400)!;
  assert.equal(refused.body.code, 'spending_cap_reached');
  assert.match(refused.body.detail, /of 3 USD/);
});

test('a dry run says number and price and orders nothing', async () => {
  const shop = await newShop(server, { fee: 1, weekly: 0.25, cap: 3, max: 7 });
  const { status, body } = await purchase(shop, { dry_run: true });
  assert.equal(status, 200);
  assert.match(body.phone_number, /^\+1415/);
  assert.equal(body.stored, false);
  const price = { purchase_fee: 1, weekly_price: 0.25, due_now: 1.25, spent: 0, spending_cap: 3 };
  assert.deepEqual(body.price, { ...price, numbers: 0, max_per_org: 7 });
  assert.equal((await get(shop, '/v1/sms/orders')).count, 0);
  const gone = await purchase(shop, { dry_run: true, area_code: '999' });
  assert.equal(gone.body.error, 'No numbers available in area code 999');
});

test('what is found by a search can be bought by its number, once', async () => {
  const shop = await newShop(server);
  const found = await get(
    shop,
    `/v1/sms/phone-numbers/search?organization_id=${shop.organization}&area_code=628&limit=3`,
  );
  assert.equal(found.count, 3);
  const { phone_number } = found.numbers[1];
  const reply = await purchase(shop, { area_code: undefined, phone_number });
  assert.equal(reply.body.phone_number, phone_number);
  const again = await purchase(shop, { area_code: undefined, phone_number });
  assert.equal(again.status, 400);
  assert.equal(again.body.error, `Phone number ${phone_number} is not for sale`);
});

test('many at once, partly successful, and which is told apart', async () => {
  const shop = await newShop(server, { max: 25 });
  const items = [
    { area_code: '415', quantity: 12 },
    { area_code: '999', quantity: 3 },
    { area_code: '212', quantity: 10 },
  ];
  const order = (more: object) =>
    server.call('POST', '/v1/sms/orders', {
      key: shop.key,
      body: { organization_id: shop.organization, items, ...more },
    });
  const preview = await order({ dry_run: true });
  assert.equal(preview.body.price.due_now, 37.5);
  assert.equal(preview.body.count, 25);
  await shop.book(book => book.faults.push({ call: 'search', kind: 'rate_limited', times: 5 }));
  const { status, body } = await order({});
  assert.equal(status, 202);
  assert.equal(body.orders.length, 25);
  const full = await order({});
  assert.equal(full.body.error, 'Organization already has 25/25 SMS numbers');
  for (;;) {
    const { counts, orders } = await get(shop, `/v1/sms/orders?bulk_id=${body.bulk_id}`);
    if (counts.bought + counts.failed < 25) {
      await sleep(50);
      continue;
    }
    assert.equal(counts.bought, 22);
    const failed = orders.filter((one: { status: string }) => one.status === 'failed');
    assert.deepEqual(
      failed.map((one: { error: string }) => one.error),
      Array.from({ length: 3 }, () => 'No numbers available in area code 999'),
    );
    break;
  }
  assert.equal((await chargesOf(shop)).length, 22);
  const first = await get(shop, `/v1/sms/orders?bulk_id=${body.bulk_id}&limit=10`);
  const second = await get(
    shop,
    `/v1/sms/orders?bulk_id=${body.bulk_id}&limit=20&cursor=${first.next_cursor}`,
  );
  assert.equal(new Set([...first.orders, ...second.orders].map(one => one.id)).size, 25);
  assert.equal(second.next_cursor, null);
});

test('an order can be cancelled while nothing is bought for it', async () => {
  const shop = await newShop(server);
  // As if the server had died right after placing it.
  const { db } = server.database;
  await shop.book(book => book.faults.push({ call: 'search', kind: 'rate_limited', times: 1 }));
  const { body } = await server.call('POST', '/v1/sms/orders', {
    key: shop.key,
    body: { organization_id: shop.organization, items: [{ area_code: '415', quantity: 1 }] },
  });
  const [{ id }] = body.orders;
  await db.updateTable('orders').set({ next_at: null }).where('id', '=', id).execute();
  const cancelled = await server.call('POST', `/v1/sms/orders/${id}/cancel`, { key: shop.key });
  if (cancelled.status === 200) assert.equal(cancelled.body.order.status, 'cancelled');
  const again = await server.call('POST', `/v1/sms/orders/${id}/cancel`, { key: shop.key });
  assert.equal(again.status, 409);
});

test('a user who has gone meanwhile does not keep the number out', async () => {
  const shop = await newShop(server);
  const user = await newUser(server, shop.organization, shop.key);
  await shop.book(book => book.faults.push({ call: 'buy', kind: 'timeout_after', times: 1 }));
  const buying = purchase(shop, { user_id: user });
  while ((await get(shop, '/v1/sms/orders')).count === 0) await sleep(5);
  const path = `/v1/organizations/${shop.organization}/users/${user}`;
  await server.call('PATCH', path, { key: shop.key, body: { status: 'inactive' } });
  const { status, body } = await buying;
  assert.equal(status, 200);
  assert.equal((await list(shop)).phone_numbers[0].is_available, body.assigned_to === null);
});
