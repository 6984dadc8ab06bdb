import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import { areaCodes } from '../../../phone-numbers/area-codes.ts';
import { geographicAreaCodes } from '../../../phone-numbers/regions.ts';
import { check } from '../../check/check.ts';
import { newCarrierAccount, newCarrierNumbers, runCaller } from '../../testing/carrier-numbers.ts';
import { newNumbers, newOrganization, newUser } from '../../testing/factories.ts';
import { type Reply, startTestServer, type TestServer } from '../../testing/server.ts';
import { endAllDue } from './clock.ts';

let server: TestServer;
let key: string;
let organization: string;
let user: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
  user = await newUser(server, organization, key);
});
after(() => server.stop());

const claim = (wish: object = {}): Promise<Reply> =>
  server.call('POST', '/v1/sms/phone-numbers/claim', {
    key,
    body: { organization_id: organization, user_id: user, ...wish },
  });

const claimed = async (wish: object = {}): Promise<string> => {
  const reply = await claim(wish);
  return reply.body.phone_number ?? reply.body.code;
};

const add = (...numbers: string[]) =>
  newNumbers(
    server,
    organization,
    numbers.map(phone_number => ({ phone_number })),
    key,
  );

const hundred = Array.from({ length: 100 }, (_, i) => `+14155550${String(i).padStart(3, '0')}`);

function assertShared(replies: Reply[], numbers: string[]) {
  const won = replies.filter(reply => reply.status === 200).map(reply => reply.body.phone_number);
  assert.deepEqual(won.sort(), numbers);
  const lost = replies.filter(reply => reply.status !== 200);
  for (const reply of lost) assert.deepEqual([reply.status, reply.body.code], [409, 'none_available']);
}

async function assertConsistent() {
  const { findings } = await check(server.database);
  assert.deepEqual(findings, []);
}

test('200 clients share a pool of 100: each number goes to one of them', async () => {
  await add(...hundred);
  const replies = await Promise.all(Array.from({ length: 200 }, () => claim()));
  assertShared(replies, hundred);
  await assertConsistent();
});

test('200 clients share a pool of 100, 30 of them reserved until halfway through', async () => {
  await add(...hundred);
  const reserved = hundred.slice(0, 30);
  for (const number of reserved) {
    const path = `/v1/sms/phone-numbers/${number}/reserve`;
    assert.equal((await server.call('POST', path, { key, body: { expires_in: 3600 } })).status, 201);
  }
  const early = Array.from({ length: 60 }, () => claim());
  await early[0];
  await sql`update phone_numbers set until = clock_timestamp() - make_interval(secs => 0.001) where phone_number = any(${reserved}::text[]) and status = 'reserved'`.execute(
    server.database.db,
  );
  const ending = endAllDue(server.database.db);
  const meanwhile = Array.from({ length: 60 }, () => claim());
  await Promise.all([ending, ...early, ...meanwhile]);
  const late = Array.from({ length: 80 }, () => claim());
  assertShared(await Promise.all([...early, ...meanwhile, ...late]), hundred);
  await assertConsistent();
});

test('in a race for one number one client wins, and the other gets the error of the contract', async () => {
  const other = await newUser(server, organization, key);
  for (const number of hundred.slice(0, 20)) {
    await add(number);
    const replies = await Promise.all(
      [user, other].map(user_id =>
        server.call('POST', `/v1/sms/phone-numbers/${number}/assign`, { key, body: { user_id } }),
      ),
    );
    const [won, lost] = replies.sort((a, b) => a.status - b.status);
    assert.deepEqual([won!.status, lost!.status], [200, 400]);
    assert.equal(lost!.body.error, 'Phone number already assigned to a user');
  }
});

test('the number that has been available the longest goes first; of numbers added together, the lowest', async () => {
  await add('+14155550003', '+14155550002');
  await add('+14155550001');
  await server.call('POST', '/v1/sms/phone-numbers/+14155550002/assign', { key, body: { user_id: user } });
  await server.call('DELETE', '/v1/sms/phone-numbers/+14155550002/assign', { key });
  assert.deepEqual(
    [await claimed(), await claimed(), await claimed(), await claimed()],
    ['+14155550003', '+14155550001', '+14155550002', 'none_available'],
  );
});

test('area codes are tried in the order given', async () => {
  await add('+14155550001', '+12125550001', '+16285550001');
  assert.equal(await claimed({ area_code: '628' }), '+16285550001');
  assert.equal(await claimed({ area_code: ['628', '212', '415'] }), '+12125550001');
  assert.equal(await claimed({ area_code: ['628', '212', '415'] }), '+14155550001');
  assert.equal(await claimed({ area_code: ['628', '212', '415'] }), 'none_available');
});

test('starts_with and tags are filters, and their characters are literal', async () => {
  await add('+14155550001', '+14165550001', '+442079460958');
  for (const [number, tags] of [
    ['+14155550001', ['a%b', 'vip']],
    ['+14165550001', ['axb']],
  ] as const) {
    await server.call('PATCH', `/v1/sms/phone-numbers/${number}`, { key, body: { tags } });
  }
  assert.equal(await claimed({ starts_with: '44' }), '+442079460958');
  assert.equal(await claimed({ tags: ['vip', 'axb'] }), 'none_available');
  assert.equal(await claimed({ tags: ['a%b', 'vip'] }), '+14155550001');
  assert.equal(await claimed({ starts_with: '+1 (416)' }), '+14165550001');
  await add('+442079460959');
  assert.equal(await claimed({ starts_with: '020 79', default_country: 'GB' }), '+442079460959');
  assert.equal((await claim({ starts_with: '1%' })).status, 400);
  const wrong = (await claim({ area_code: ['415', '41'], tags: ['a', 7] })).body.error;
  assert.match(wrong, /^area_code\[1\] must be three digits, [^;]*; tags\[1\] must be a string$/);
});

test('nearby: after the area code that was asked for come the others of its state or province, in ascending order', async () => {
  await add('+16285550001', '+12135550001', '+12125550001', '+16475550001');
  assert.equal(await claimed({ area_code: '415' }), 'none_available');
  assert.equal(await claimed({ area_code: '415', nearby: true }), '+12135550001');
  assert.equal(await claimed({ area_code: '415', nearby: true }), '+16285550001');
  assert.equal(await claimed({ area_code: '415', nearby: true }), 'none_available');
  assert.equal(await claimed({ area_code: ['212'], nearby: true }), '+12125550001');
  assert.equal(await claimed({ area_code: '416', nearby: true }), '+16475550001');
});

test('nearby knows every area code there is: of the United States, Canada and every other country', async () => {
  await add(...geographicAreaCodes.map(code => `+1${code}5550100`));
  for (const codes of Object.values(areaCodes).map(list => list.split(' '))) {
    // The last one first, so that the others do not come by their order alone.
    const asked = codes.at(-1)!;
    const got: string[] = [];
    for (const _ of codes) got.push((await claimed({ area_code: asked, nearby: true })).slice(2, 5));
    assert.deepEqual(got, [asked, ...codes.slice(0, -1)]);
    assert.equal(await claimed({ area_code: asked, nearby: true }), 'none_available');
  }
  await assertConsistent();
});

test('an area code that cannot be one is named with its place', async () => {
  for (const [area_code, error] of [
    ['41', /^area_code must be three digits/],
    [['415', '41'], /^area_code\[1\] must be three digits/],
    [[], /^area_code must not have fewer than 1 items$/],
    [415, /^area_code must be a string or an array$/],
  ] as const) {
    const { status, body } = await claim({ area_code });
    assert.equal(status, 400);
    assert.match(body.error, error);
  }
});

test('409 says what was tried and what is available', async () => {
  assert.equal((await claim()).body.detail, 'Tried: any number. The organization has no available number');
  await add('+14155550001', '+14155550002', '+12125550001', '+442079460958');
  const { status, body } = await claim({ area_code: ['303', '628'], starts_with: '1', tags: ['vip'] });
  assert.equal(status, 409);
  assert.equal(body.error, 'No available number fits');
  assert.equal(
    body.detail,
    'Tried: area code 303, then 628; starting with 1; tagged vip. Available: 4 (415: 2, 212: 1, no area code: 1)',
  );
});

test('numbers that are reserved, cooling down, assigned or being released are not claimed', async () => {
  await server.call('PATCH', '/v1/tenant', {
    key,
    body: { cool_down_seconds: 3600, release_undo_seconds: 3600 },
  });
  await add(...hundred.slice(0, 4));
  const [reserved, resting, assigned, releasing] = hundred.map(number => `/v1/sms/phone-numbers/${number}`);
  await server.call('POST', `${reserved}/reserve`, { key, body: { expires_in: 3600 } });
  for (const path of [resting, assigned])
    await server.call('POST', `${path}/assign`, { key, body: { user_id: user } });
  await server.call('DELETE', `${resting}/assign`, { key });
  await server.call('DELETE', releasing!, { key });
  assert.equal(await claimed(), 'none_available');
});

test('users of another organization and unknown users get nothing', async () => {
  await add('+14155550001');
  const elsewhere = await newUser(server, await newOrganization(server, key), key);
  for (const user_id of [elsewhere, 'user_nobody']) {
    const { status, body } = await claim({ user_id });
    assert.deepEqual([status, body.error], [400, 'User not found']);
  }
  assert.equal((await claim({ organization_id: 'org_none' })).status, 404);
});

test('a claim can ask for a number of one carrier', async () => {
  await add('+14155550100');
  const caller = await runCaller(server.database.db, organization);
  const account = await newCarrierAccount(server.database.db, caller);
  await newCarrierNumbers(server.database.db, caller, organization, account, ['+14155550101']);
  assert.equal(await claimed({ carrier: 'twilio' }), 'none_available');
  assert.equal(await claimed({ carrier: 'sandbox' }), '+14155550101');
  const none = await claim({ carrier: 'sandbox' });
  assert.match(none.body.detail, /^Tried: from sandbox\. Available: 1 /);
  const unknown = await claim({ carrier: 'nobody' });
  assert.equal(unknown.status, 400);
  assert.match(unknown.body.error, /carrier must be/);
});
