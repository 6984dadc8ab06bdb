import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdTimeOuts, runOutOfTime } from '../../carriers/testing/time-outs.ts';
import { check } from '../check/check.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { newShop, type TestShop } from '../testing/shop.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer(undefined, { settleMs: 0 });
});
after(async () => {
  assert.deepEqual((await check(server.database)).findings, []);
  await server.stop();
});

/** A server that answers at once, whatever has become of the purchase. */
const startImpatient = () => startTestServer(server.database, { settleMs: 0, patienceMs: 0 });

const path = '/v1/sms/phone-numbers/purchase';

async function orderOf({ key }: TestShop, location: string | null, ...statuses: string[]) {
  for (;;) {
    const { order } = (await server.call('GET', location!, { key })).body;
    if (statuses.includes(order.status)) return order;
    await sleep(20);
  }
}

test('while the outcome is open the answer is 202 with the order, which settles by itself', async () => {
  const impatient = await startImpatient();
  try {
    const shop = await newShop(server);
    await shop.book(book => {
      book.faults.push({ call: 'buy', kind: 'timeout_after', times: 1 });
      book.faults.push({ call: 'find', kind: 'transient', times: 1000 });
    });
    const headers = { 'idempotency-key': 'the-only-one' };
    const body = { organization_id: shop.organization, area_code: '212' };
    const reply = await impatient.call('POST', path, { key: shop.key, body, headers });
    assert.equal(reply.status, 202, reply.text);
    const open = await orderOf(shop, reply.headers.get('location'), 'settling');
    assert.match(open.phone_number, /^\+1212/);
    const late = await server.call('POST', `${reply.headers.get('location')}/cancel`, { key: shop.key });
    assert.equal(late.body.code, 'order_under_way');
    await shop.book(book => {
      book.faults = [];
    });
    const order = await orderOf(shop, reply.headers.get('location'), 'bought');
    const repeat = await impatient.call('POST', path, { key: shop.key, body, headers });
    assert.equal(repeat.status, 200);
    assert.equal(repeat.headers.get('idempotency-replayed'), 'true');
    assert.equal(repeat.body.phone_id, order.phone_id);
    assert.equal((await shop.book(({ numbers }) => numbers.flatMap(number => number.charges))).length, 1);
  } finally {
    await impatient.app.close();
  }
});

test('a carrier that hangs keeps no caller longer than patience lasts: the purchase goes on without them', async () => {
  holdTimeOuts();
  const impatient = await startImpatient();
  try {
    const shop = await newShop(server);
    await shop.book(book => book.faults.push({ call: 'search', kind: 'hang', times: 1 }));
    const body = { organization_id: shop.organization, area_code: '415' };
    const reply = await impatient.call('POST', path, { key: shop.key, body });
    assert.equal(reply.status, 202, reply.text);
    assert.equal(reply.body.order.status, 'placed');
    while ((await shop.book(({ faults }) => faults.length)) > 0) await sleep(5);
    const location = reply.headers.get('location');
    let order = await orderOf(shop, location, 'placed');
    while (order.status === 'placed') {
      runOutOfTime();
      await sleep(20);
      order = await orderOf(shop, location, 'placed', 'failed');
    }
    assert.deepEqual([order.status, order.problem], ['failed', 'carrier_failed']);
  } finally {
    await impatient.app.close();
  }
});

test('a server that stops waits for the purchase whose caller has gone', async () => {
  holdTimeOuts();
  const impatient = await startImpatient();
  const shop = await newShop(server);
  await shop.book(book => book.faults.push({ call: 'search', kind: 'hang', times: 1 }));
  const body = { organization_id: shop.organization, area_code: '415' };
  const reply = await impatient.call('POST', path, { key: shop.key, body });
  let isClosed = false;
  const closed = impatient.app.close().then(() => {
    isClosed = true;
  });
  while (!isClosed) {
    runOutOfTime();
    await sleep(20);
  }
  await closed;
  await orderOf(shop, reply.headers.get('location'), 'failed');
});
