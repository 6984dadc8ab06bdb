import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectOptions } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { referenceOf } from '../reference.ts';
import { memoryStore } from '../sandbox/memory-store.ts';
import { carrierContract, type Make } from '../testing/contract.ts';
import { unhurried } from '../testing/time-outs.ts';
import { basic, credentials, startTwilio } from './fake.ts';
import { accountUri, error, errorText, notFound, showAvailable } from './fake-answers.ts';
import { services } from './fake-routes.ts';
import { twilio } from './twilio.ts';

type T = Parameters<Make>[0];

let accounts = 0;

async function setUp(t: T) {
  const { fake, account, urls, world } = await startTwilio(t);
  const around: ConnectOptions = {
    account: `twilio-${++accounts}`,
    urls,
    ...unhurried,
    concurrency: 4,
    sandbox: memoryStore(),
  };
  return { fake, account, world, around, carrier: twilio.connect(credentials.token, around) };
}

carrierContract('Twilio', twilio, async t => {
  const { world, carrier, around } = await setUp(t);
  const { account_sid, secret } = credentials.token;
  const stranger = twilio.connect({ account_sid, secret: 'a-secret-of-somebody-else' }, around);
  return {
    carrier,
    world,
    stranger,
    secrets: [secret, basic(account_sid, secret), errorText],
    tagless: true,
  };
});

const rejected = async (call: Promise<unknown>): Promise<CarrierError> => {
  const error = await call.then(
    () => assert.fail('the call is done'),
    error => error,
  );
  assert.ok(error instanceof CarrierError);
  return error;
};

test('buys with one POST that names the number, whether or not the answer arrives', async t => {
  const { fake, account, world, carrier } = await setUp(t);
  await world.stock('415');
  for (const kind of ['error_after', 'timeout_after', 'torn', 'other_number', 'hang'] as const) {
    const [phoneNumber = ''] = account.forSale;
    await world.fault({ call: 'buy', kind, times: 1 });
    fake.asked.length = 0;
    assert.equal((await rejected(carrier.buy(phoneNumber, 'one-post'))).outcome, 'outcome_unknown', kind);
    const posts = fake.asked.filter(({ method }) => method === 'POST').map(({ form }) => [...form]);
    const form = { PhoneNumber: phoneNumber, FriendlyName: 'one-post' };
    assert.deepEqual(posts, [Object.entries(form)], kind);
  }
});

const order = '0190c2a4-7a52-7cc4-9f1e-abcdef012345';

test('a purchase whose number was renamed before its outcome was known is found', async t => {
  const { account, world, carrier } = await setUp(t);
  await world.stock('415');
  const [phoneNumber = ''] = account.forSale;
  const reference = referenceOf(order, 1);
  const attemptedAt = new Date();
  await world.fault({ call: 'buy', kind: 'timeout_after', times: 1 });
  await rejected(carrier.buy(phoneNumber, reference));
  const number = account.numbers.get(phoneNumber)!;
  const found = () => carrier.findPurchase(phoneNumber, reference, attemptedAt);
  const renamed = async (friendly_name: string, secondsBefore: number) => {
    Object.assign(number, { friendly_name, created: new Date(attemptedAt.getTime() - secondsBefore * 1000) });
    return found();
  };
  for (const secondsBefore of [-30, 0, 30]) {
    const purchase = await renamed('Front desk', secondsBefore);
    assert.ok(purchase?.state === 'owned');
    assert.deepEqual([purchase.number.name, purchase.number.reference], ['Front desk', reference]);
  }
  const twoDays = 2 * 86_400;
  assert.equal(await renamed('Front desk', twoDays), undefined, 'the account had it long before');
  assert.equal(await renamed(referenceOf(order, 2), 0), undefined, 'another purchase of ours');
  // The clocks may be wrong, so nobody knows.
  const doubt = await rejected(renamed('Front desk', 3600));
  assert.equal(doubt.outcome, 'outcome_unknown');
  assert.match(doubt.message, /give it that name/);
  assert.equal((await renamed(reference, 3600))?.state, 'owned');
});

test('a purchase is not sent if its turn is over when the look-up before it has been answered', async t => {
  const { fake, account, world, carrier } = await setUp(t);
  await world.stock('415');
  const [phoneNumber = ''] = account.forSale;
  const late = new Error('too late');
  const begin = () => {
    assert.deepEqual(
      fake.asked.map(({ method }) => method),
      ['GET'],
    );
    throw late;
  };
  await assert.rejects(carrier.buy(phoneNumber, 'late-1', begin), late);
  assert.equal(fake.asked.length, 1);
  assert.deepEqual(account.charges, []);
});

test('a refusal of a purchase has the outcome of its code', async t => {
  const { fake, carrier } = await setUp(t);
  for (const [status, code, outcome] of [
    [400, 21404, 'out_of_funds'],
    [400, 21421, 'unavailable'],
    [400, 21422, 'unavailable'],
    [400, 21452, 'unavailable'],
    [400, 21631, 'needs_compliance'],
    [400, 21649, 'needs_compliance'],
    [400, 29999, 'unavailable'],
    [401, 20003, 'authentication_failed'],
    [403, 20006, 'authentication_failed'],
    [404, 20404, 'not_found'],
    [429, 20429, 'rate_limited'],
    [408, 20408, 'outcome_unknown'],
    [500, 21422, 'outcome_unknown'],
    [503, 20503, 'outcome_unknown'],
  ] as const) {
    fake.instead.buy = error(status, code, 'In short');
    const refusal = await rejected(carrier.buy('+14155550100', 'a-reason'));
    assert.equal(refusal.outcome, outcome, `${code}`);
    if (outcome === 'outcome_unknown') continue;
    assert.equal(refusal.carrierCode, `${code}`);
    assert.equal(refusal.message, `Twilio answered ${code}: "In short"`);
  }
});

test('searches by area code, by number, by digits, and abroad by the first digits', async t => {
  const { fake, carrier } = await setUp(t);
  const limit = 5;
  const asked = async (wish: object, country = 'US', kind = 'Local', pageSize = limit) => {
    assert.deepEqual(await carrier.search({ country, limit, ...wish }), []);
    const { path, query } = fake.asked.pop()!;
    assert.ok(path.endsWith(`/AvailablePhoneNumbers/${country}/${kind}.json`));
    const { SmsEnabled, PageSize, ...filter } = Object.fromEntries(query);
    assert.deepEqual([SmsEnabled, PageSize], ['true', `${pageSize}`]);
    return filter;
  };
  /** Twilio is asked for more, because the rest is filtered here. */
  const partly = (wish: object, country?: string) => asked(wish, country, 'Local', 1000);
  const area_code = '415';
  assert.deepEqual(await asked({ area_code }), { AreaCode: '415' });
  assert.deepEqual(await asked({ contains: '99' }), { Contains: '99' });
  assert.deepEqual(await asked({ starts_with: '+1415' }), { Contains: '+1415' });
  assert.deepEqual(await asked({ area_code, ends_with: '0199' }), { AreaCode: '415', Contains: '0199$' });
  const tollFree = await asked({ toll_free: true, area_code: '888' }, 'US', 'TollFree');
  assert.deepEqual(tollFree, { AreaCode: '888' });
  // A pattern needs at least two digits, and has no wildcard between digits.
  assert.deepEqual(await partly({ contains: '9' }), {});
  assert.deepEqual(await partly({ ends_with: '9' }), {});
  assert.deepEqual(await partly({ contains: '41*5550' }), { Contains: '5550' });
  // A pattern of the whole number says its first and its last digits.
  assert.deepEqual(await partly({ contains: '1415***0199' }), { Contains: '+1415' });
  assert.deepEqual(await partly({ contains: '1*******199' }), { Contains: '199$' });
  // The one with the most digits.
  const several = { starts_with: '+14', ends_with: '199', contains: '55' };
  assert.deepEqual(await partly(several), { Contains: '199$' });
  assert.deepEqual(await asked({ phone_number: '+14155550123' }), { Contains: '+14155550123' });
  assert.deepEqual(await asked({ area_code: '020' }, 'GB'), { Contains: '+4420' });
  assert.deepEqual(await asked({ area_code: '06' }, 'IT'), { Contains: '+3906' });
  assert.deepEqual(await partly({ area_code: '020', ends_with: '12345' }, 'GB'), { Contains: '12345$' });
});

test('an area code or a country without numbers at Twilio is an empty list', async t => {
  const { fake, carrier } = await setUp(t);
  for (const answer of [error(400, 21452, 'No phone numbers found in area code'), notFound]) {
    fake.instead.search = answer;
    assert.deepEqual(await carrier.search({ country: 'US', area_code: '533', limit: 5 }), []);
  }
});

test('offers numbers that take SMS, in either spelling', async t => {
  const { fake, carrier } = await setUp(t);
  const available_phone_numbers = [{ sms: true }, { SMS: true }, { SMS: false, voice: true }, null].map(
    (capabilities, i) => ({ ...showAvailable(`+1415555010${i}`), capabilities }),
  );
  fake.instead.search = { status: 200, body: { available_phone_numbers } };
  const offers = await carrier.search({ country: 'US', area_code: '415', limit: 5 });
  const lines = offers.map(({ phone_number }) => phone_number.at(-1));
  assert.deepEqual(lines, ['0', '1', '3']);
});

test('a next page is read from Twilio only, and from the list only', async t => {
  const { fake, carrier } = await setUp(t);
  const list = `${accountUri}/IncomingPhoneNumbers.json`;
  for (const [next_page_uri, next] of [
    [`${list}?Page=1&PageToken=PA1`, 'Page=1&PageToken=PA1'],
    [`${fake.url('api')}${list}?Page=1`, 'Page=1'],
    [`https://example.com${list}?Page=1`, undefined],
    [`//example.com${list}?Page=1`, undefined],
    [`${accountUri}/Messages.json?Page=1`, undefined],
    [`${list}/../Messages.json?Page=1`, undefined],
    ['http://[', undefined],
  ] as const) {
    fake.instead.list = { status: 200, body: { incoming_phone_numbers: [], next_page_uri } };
    if (next) assert.equal((await carrier.list(undefined)).next, next);
    else assert.equal((await rejected(carrier.list(undefined))).outcome, 'transient', next_page_uri);
  }
});

test('an API key is checked by reading numbers, since it may not read the account', async t => {
  const { fake, world, around } = await setUp(t);
  await world.own([{ phone_number: '+12125550101' }]);
  const carrier = twilio.connect(credentials.key, around);
  const balance = { amount: '-12.05', currency: 'USD' };
  assert.deepEqual(await carrier.check(), { account: credentials.key.account_sid, balance });
  assert.equal((await carrier.list(undefined)).numbers.length, 1);
  fake.instead.list = error(401, 20003, 'Authenticate');
  assert.equal((await rejected(carrier.check())).outcome, 'authentication_failed');
});

test('a suspended account does not pass the check', async t => {
  const { account, carrier } = await setUp(t);
  account.status = 'suspended';
  assert.equal((await rejected(carrier.check())).outcome, 'authentication_failed');
});

test('a number in another Messaging Service cannot be attached, and the reason says so', async t => {
  const { account, world, carrier } = await setUp(t);
  await world.own([{ phone_number: '+12125550101' }]);
  const number = (await carrier.findNumber('+12125550101'))!;
  account.numbers.get('+12125550101')!.service = services.full;
  const failed = { state: 'failed', reason: 'The number is in another Messaging Service' };
  assert.deepEqual(await carrier.attach(number, world.registrations.open), failed);
  assert.deepEqual(await carrier.attachment(number, world.registrations.open), { state: 'none' });
  // Until it is taken off that service. Names of campaigns are none of Twilio's.
  await carrier.detach(number, [services.open, services.full, 'campaign'], world.registrations.open);
  assert.deepEqual(await carrier.attach(number, world.registrations.open), { state: 'attached' });
});
