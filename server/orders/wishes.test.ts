import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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

const numbers = '/v1/sms/phone-numbers';
const purchase = ({ key, organization }: TestShop, body: object, headers: Record<string, string> = {}) =>
  server.call('POST', `${numbers}/purchase`, {
    key,
    body: { organization_id: organization, ...body },
    headers,
  });
const bought = async (shop: TestShop, body: object): Promise<string> => {
  const reply = await purchase(shop, body);
  return reply.body.phone_number ?? reply.body.error;
};
const search = async ({ key, organization }: TestShop, query: string) => {
  const { status, body } = await server.call(
    'GET',
    `${numbers}/search?organization_id=${organization}&${query.replace(/[^!-~]+/g, encodeURIComponent)}`,
    { key },
  );
  return status === 200
    ? body.numbers.map((found: { phone_number: string }) => found.phone_number)
    : body.error;
};
const order = async ({ key }: TestShop, location: string | null) =>
  (await server.call('GET', location!, { key })).body.order;

/** Sells all numbers of an area code to somebody else, but for these lines. */
const sellOut = ({ book }: TestShop, areaCode: string, ...left: string[]) =>
  book(({ taken }) => {
    for (let line = 100; line < 200; line++)
      if (!left.includes(`0${line}`)) taken.push(`+1${areaCode}5550${line}`);
  });

test('a search is by first digits, last digits, a pattern, toll-free, and several area codes in order', async () => {
  const shop = await newShop(server);
  const two = ['+16285550117', '+14155550117'];
  assert.deepEqual(await search(shop, 'area_code=628,415&ends_with=0117'), two);
  assert.deepEqual(await search(shop, 'area_code=628&area_code=415&ends_with=0117'), two);
  assert.deepEqual(await search(shop, 'area_code=628,415&ends_with=0117&limit=1'), two.slice(0, 1));
  for (const digits of [
    '4155550117',
    '%2B14155550117',
    '+1 (415) 555-0117',
    '14155550117',
    '４１５５５５０１１７',
  ])
    assert.deepEqual(await search(shop, `starts_with=${digits}`), ['+14155550117'], digits);
  assert.equal((await search(shop, 'starts_with=415555012&limit=100')).length, 10);
  assert.deepEqual(await search(shop, 'area_code=415&contains=5501*7&ends_with=17'), ['+14155550117']);
  assert.deepEqual(await search(shop, 'contains=415-***-0117'), ['+14155550117']);
  assert.deepEqual(await search(shop, 'contains=%2B1 415 *** 0117'), ['+14155550117']);
  assert.deepEqual(await search(shop, 'toll_free=true&area_code=888&ends_with=0117'), ['+18885550117']);
  assert.equal((await search(shop, 'toll_free=true&ends_with=0117')).length, 7);
  // The area code, or the digits, say by themselves that it is toll-free.
  assert.deepEqual(await search(shop, 'area_code=888,415&ends_with=0117'), ['+18885550117', '+14155550117']);
  assert.deepEqual(await search(shop, 'starts_with=8885550117'), ['+18885550117']);
  assert.deepEqual(await search(shop, 'contains=888***0117'), ['+18885550117']);
  assert.ok(
    !(await search(shop, 'ends_with=0117&limit=100')).some((found: string) => found.startsWith('+18885')),
  );
  // 55 1 is JK1, and 5501 99 ends in JK0 1XX, which stands for digits that are not said.
  assert.deepEqual(await search(shop, 'area_code=415&ends_with=KL0117'), ['+14155550117']);
  assert.deepEqual(await search(shop, 'area_code=415,628&ends_with=9999'), []);
});

test('what no number can be like is refused, with the field and the rule', async () => {
  const shop = await newShop(server);
  for (const [query, error] of [
    ['area_code=41', /^area_code must be area codes of three digits/],
    ['area_code=415;628', /^area_code must be area codes of three digits/],
    [
      `area_code=${Array.from({ length: 21 }, (_, index) => 201 + index)
        .filter(code => code !== 211)
        .concat(230)
        .join(',')}`,
      /^area_code must not have more than 20/,
    ],
    ['area_code=415&area_code=41', /^area_code\[1\] must be three digits/],
    ['starts_with=%2B44', /^starts_with is not of country US, whose numbers begin with \+1$/],
    ['starts_with=x', /^starts_with has N or X/],
    ['starts_with=%2B1', /^starts_with must have at least one digit after the country code$/],
    ['starts_with=015', /^starts_with begins with 0 after \+1/],
    ['starts_with=41555501999', /^starts_with must have at most 10 digits/],
    ['starts_with=', /^starts_with must/],
    ['starts_with=*', /^starts_with must be the first digits/],
    ['ends_with=12345678901', /^ends_with must be the last digits/],
    ['ends_with=%25', /^ends_with must be/],
    ['contains=5', /^contains must have at least two digits/],
    ['contains=****5****', /^contains must have at least two digits/],
    ['contains=555%25', /^contains must have digits, letters for digits, and \*/],
    ['contains=NXX5', /^contains has N or X/],
    ['contains=1**4155550199', /^contains must have at most 11 places$/],
    ['toll_free=yes', /^toll_free must be true or false$/],
    [
      'toll_free=true&area_code=415',
      /^area_code 415 is not toll-free: .* 800, 833, 844, 855, 866, 877, 888$/,
    ],
    ['toll_free=true&starts_with=415', /^starts_with \+1415 is not toll-free: .* 888$/],
    ['area_code=415&country=ZZ', /^country ZZ has no phone numbers$/],
    ['toll_free=true&country=GB', /^toll_free numbers are North American: country must be US or CA$/],
    ['area_code=415,628&starts_with=212', /^starts_with \+1212 is in none of area_code 415, 628: leave/],
    ['starts_with=20&country=ZZ', /^country ZZ has no phone numbers$/],
    ['pattern=5', /^pattern is not a known parameter$/],
  ] as const)
    assert.match(await search(shop, query), error, query);
  for (const [body, error] of [
    [{}, /^the body must say which number to buy: area_code, /],
    [{ toll_free: false }, /^the body must say which number to buy/],
    [{ area_code: [] }, /^area_code must not have fewer than 1 items$/],
    [{ area_code: ['415', '41'] }, /^area_code\[1\] must be three digits/],
    [{ area_code: 415 }, /^area_code must be a string or an array$/],
    [
      { phone_number: '+14155550101', ends_with: '1' },
      /^phone_number names one number: leave out ends_with$/,
    ],
    [{ phone_number: '+14155550101', toll_free: true }, /leave out toll_free$/],
    [{ area_code: '415', toll_free: true }, /^area_code 415 is not toll-free/],
    [{ ends_with: '' }, /^ends_with must not have fewer/],
  ] as const)
    assert.match(await bought(shop, body), error, JSON.stringify(body));
  const items = [{ area_code: '415', quantity: 1 }, { quantity: 2 }];
  const bulk = await server.call('POST', '/v1/sms/orders', {
    key: shop.key,
    body: { organization_id: shop.organization, items },
  });
  assert.match(bulk.body.error, /^items\[1\] must say which number to buy: .* or toll_free$/);
  items[1] = { area_code: '628', starts_with: '415', quantity: 1 } as never;
  const none = await server.call('POST', '/v1/sms/orders', {
    key: shop.key,
    body: { organization_id: shop.organization, items },
  });
  assert.match(none.body.error, /^items\[1\]\.starts_with \+1415 is in none of items\[1\]\.area_code 628/);
});

test('a purchase has all that is wished for, and its order shows what was wished for', async () => {
  const shop = await newShop(server);
  const reply = await purchase(shop, {
    area_code: ['415', '628'],
    starts_with: '(415) 555',
    ends_with: '77',
  });
  assert.equal(reply.body.phone_number, '+14155550177');
  const { area_code, area_codes, starts_with, ends_with, contains, toll_free, wanted_number } = await order(
    shop,
    reply.headers.get('location'),
  );
  assert.deepEqual(
    { area_code, area_codes, starts_with, ends_with, contains, toll_free, wanted_number },
    {
      area_code: '415',
      area_codes: ['415', '628'],
      starts_with: '+1415555',
      ends_with: '77',
      contains: null,
      toll_free: false,
      wanted_number: null,
    },
  );
  const tollFree = await purchase(shop, { toll_free: true, contains: '5550*9' });
  assert.match(tollFree.body.phone_number, /^\+18\d\d5550\d9/);
  assert.equal((await order(shop, tollFree.headers.get('location'))).toll_free, true);
  const implied = await purchase(shop, { area_code: '877' });
  assert.match(implied.body.phone_number, /^\+1877/);
  assert.equal((await order(shop, implied.headers.get('location'))).toll_free, true);
  assert.equal(await bought(shop, { phone_number: '+1 888 555 0123' }), '+18885550123');
  assert.match(await bought(shop, { ends_with: '0142' }), /^\+1\d{6}0142$/);
  const { events } = (
    await server.call('GET', `/v1/events?organization_id=${shop.organization}`, { key: shop.key })
  ).body;
  const placed = events.find((event: { type: string }) => event.type === 'orders.placed').data.orders[0];
  assert.deepEqual([placed.area_codes, placed.ends_with], [['415', '628'], '77']);
});

test('the next area code is tried only when there is none for sale in the ones before it', async () => {
  const shop = await newShop(server);
  await sellOut(shop, '415', '0150', '0151');
  const wish = { area_code: ['415', '999', '628'] };
  const got = [await bought(shop, wish), await bought(shop, wish), await bought(shop, wish)];
  assert.deepEqual(got, ['+14155550150', '+14155550151', '+16285550100']);
  const preview = await purchase(shop, { ...wish, dry_run: true });
  assert.equal(preview.body.phone_number, '+16285550101');
  const none = await bought(shop, { area_code: ['415', '999'], ends_with: '50' });
  assert.equal(none, 'No numbers available in area code 415, then 999 that end in 50');
  assert.equal(
    await bought(shop, { toll_free: true, contains: '5*9*9' }),
    'No toll-free numbers available that contain 5*9*9',
  );
  // A search that fails says nothing of what there is.
  await shop.book(book => book.faults.push({ call: 'search', kind: 'transient', times: 1 }));
  assert.match(await bought(shop, { area_code: ['212', '628'] }), /transient/);
  // Five that somebody else was quicker to buy: the area code is given up, and not the order.
  await shop.book(book => book.faults.push({ call: 'buy', kind: 'unavailable', times: 5 }));
  const reply = await purchase(shop, { area_code: ['212', '628'] });
  assert.match(reply.body.phone_number, /^\+1628/);
  assert.equal((await order(shop, reply.headers.get('location'))).candidates, 6);
});

test('an area code says which country it is in', async () => {
  const shop = await newShop(server);
  assert.deepEqual(await search(shop, 'area_code=416,716,604&ends_with=0117'), [
    '+14165550117',
    '+17165550117',
    '+16045550117',
  ]);
  assert.equal(await bought(shop, { area_code: ['999', '416'], ends_with: '20' }), '+14165550120');
  assert.equal(await bought(shop, { starts_with: '514', ends_with: '20' }), '+15145550120');
  assert.equal(await bought(shop, { phone_number: '+1 902 555 0120' }), '+19025550120');
  assert.equal(await bought(shop, { contains: '867***0120' }), '+18675550120');
  assert.match(
    await bought(shop, { country: 'CA', contains: '1800', ends_with: '20' }),
    /^No numbers available that/,
  );
});

test('a repeat with the same key buys nothing, and another wish under it is refused', async () => {
  const shop = await newShop(server);
  const headers = { 'idempotency-key': 'wish-1' };
  const wish = { area_code: ['999', '415'], ends_with: '33' };
  const replies = await Promise.all(Array.from({ length: 5 }, () => purchase(shop, wish, headers)));
  const again = await purchase(shop, wish, headers);
  assert.equal(again.body.phone_number, '+14155550133');
  for (const { status, body } of replies)
    assert.ok(status === 200 ? body.phone_number === '+14155550133' : body.code === 'idempotency_running');
  assert.equal((await purchase(shop, { ...wish, area_code: ['415', '999'] }, headers)).status, 422);
  assert.equal(await shop.book(book => book.numbers.length), 1);
});

test('many at once, each with wishes of its own', async () => {
  const shop = await newShop(server);
  await sellOut(shop, '415', '0150', '0151');
  const items = [
    { area_code: ['415', '628'], quantity: 3 },
    { toll_free: true, ends_with: '00', quantity: 2 },
    { starts_with: '212555018', quantity: 1, nickname: 'Desk' },
  ];
  const { body } = await server.call('POST', '/v1/sms/orders', {
    key: shop.key,
    body: { organization_id: shop.organization, items },
  });
  assert.equal(body.count, 6);
  for (;;) {
    const path = `/v1/sms/orders?bulk_id=${body.bulk_id}`;
    const { counts, orders } = (await server.call('GET', path, { key: shop.key })).body;
    assert.equal(counts.failed, 0);
    if (counts.bought < 6) {
      await sleep(20);
      continue;
    }
    const got = orders.map((one: { phone_number: string }) => one.phone_number).sort();
    assert.equal(got.filter((number: string) => number.startsWith('+1415')).length, 2);
    assert.equal(got.filter((number: string) => number.startsWith('+1628')).length, 1);
    assert.equal(got.filter((number: string) => /^\+18\d\d5550100$/.test(number)).length, 2);
    assert.equal(got.filter((number: string) => number.startsWith('+1212555018')).length, 1);
    return;
  }
});
