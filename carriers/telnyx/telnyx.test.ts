import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectOptions, Purchase } from '../carrier.ts';
import { CarrierError, type Outcome } from '../errors.ts';
import { referenceOf } from '../reference.ts';
import { memoryStore } from '../sandbox/memory-store.ts';
import { carrierContract, type Make } from '../testing/contract.ts';
import { unhurried } from '../testing/time-outs.ts';
import { apiKey, registrations, startTelnyx } from './fake.ts';
import { errorText } from './fake-answers.ts';
import { telnyx } from './telnyx.ts';
import { telnyxApi } from './wire.ts';

let accounts = 0;

async function setUp(t: Parameters<Make>[0]) {
  const { fake, account, world } = await startTelnyx(t);
  accounts += 1;
  const options: ConnectOptions = {
    account: `telnyx-${accounts}`,
    urls: { api: fake.url('api') },
    ...unhurried,
    concurrency: 4,
    sandbox: memoryStore(),
  };
  const carrier = telnyx.connect({ api_key: apiKey }, options);
  const changes = () => fake.asked.filter(({ method }) => method !== 'GET').map(({ method }) => method);
  return { fake, account, world, carrier, options, changes };
}

carrierContract('Telnyx', telnyx, async t => {
  const { world, carrier, options } = await setUp(t);
  const stranger = telnyx.connect({ api_key: 'KEY-of-somebody-else' }, options);
  return { carrier, world, stranger, secrets: [apiKey, errorText], nameless: true };
});

/** A search has found +1 415 555 0100, so Telnyx sells it. */
async function setUpPurchase(t: Parameters<Make>[0]) {
  const made = await setUp(t);
  await made.world.stock('415');
  await made.carrier.search({ country: 'US', area_code: '415', limit: 1 });
  return { ...made, phoneNumber: '+14155550100' };
}

const failsWith = (outcome: Outcome, carrierCode?: string) => (error: unknown) => {
  assert.ok(error instanceof CarrierError);
  assert.deepEqual([error.outcome, error.carrierCode], [outcome, carrierCode]);
  return true;
};

const stateOf = (purchase: Purchase | undefined) => purchase?.state;

test('searches by area code, and by the digits after it', async t => {
  const { fake, carrier } = await setUp(t);
  const asked = async (wish: object, limit = 5) => {
    assert.deepEqual(await carrier.search({ country: 'US', limit: 5, ...wish }), []);
    const filters = [...fake.asked.pop()!.query].map(([name, value]) => [name.replace('filter', ''), value]);
    const {
      '[country_code]': _country,
      '[features][]': _features,
      '[best_effort]': _bestEffort,
      '[limit]': size,
      ...rest
    } = Object.fromEntries(filters);
    assert.equal(size, `${limit}`);
    return rest;
  };
  /** Telnyx is asked for more, because the rest is filtered here. */
  const partly = (wish: object) => asked(wish, 100);
  const local = { '[phone_number_type]': 'local' };
  const in415 = { ...local, '[national_destination_code]': '415' };
  const area_code = '415';
  assert.deepEqual(await asked({ area_code }), in415);
  const tollFree = { '[phone_number_type]': 'toll_free', '[national_destination_code]': '888' };
  assert.deepEqual(await asked({ toll_free: true, area_code: '888' }), tollFree);
  assert.deepEqual(await asked({ toll_free: true }), { '[phone_number_type]': 'toll_free' });
  assert.deepEqual(await asked({ starts_with: '+1415' }), in415);
  const begins = { ...in415, '[phone_number][starts_with]': '55' };
  assert.deepEqual(await asked({ starts_with: '+141555' }), begins);
  assert.deepEqual(await asked({ area_code, starts_with: '+141555' }), begins);
  assert.deepEqual(await asked({ starts_with: '+141' }), { ...local, '[phone_number][starts_with]': '41' });
  const ends = { ...in415, '[phone_number][ends_with]': '5550199' };
  assert.deepEqual(await asked({ area_code, ends_with: '5550199' }), ends);
  assert.deepEqual(await partly({ area_code, ends_with: '4155550199' }), ends);
  const inside = (digits: string) => ({ ...in415, '[phone_number][contains]': digits });
  assert.deepEqual(await asked({ area_code, contains: '999' }), inside('999'));
  assert.deepEqual(await partly({ area_code, contains: '9*999' }), inside('999'));
  // The first 5 may be that of the area code.
  assert.deepEqual(await partly({ area_code, contains: '599' }), inside('99'));
  const whole = { ...in415, '[phone_number][starts_with]': '99', '[phone_number][ends_with]': '0199' };
  assert.deepEqual(await partly({ contains: '141599*0199' }), {
    ...whole,
    '[phone_number][contains]': '0199',
  });
});

test('Telnyx sells only numbers that a search has found', async t => {
  const { world, carrier } = await setUp(t);
  await world.stock('415');
  await assert.rejects(carrier.buy('+14155550100', 'reference-1'), failsWith('unavailable', '85000'));
  const offers = await carrier.search({ country: 'US', area_code: '415', limit: 1 });
  assert.deepEqual(offers, [{ phone_number: '+14155550100', locality: 'SNFC CNTRL', region: 'CA' }]);
  assert.equal((await carrier.buy('+14155550100', 'reference-1')).state, 'pending');
});

test('Telnyx completes an order later, and the number has an id of its own', async t => {
  const { world, carrier, phoneNumber, changes } = await setUpPurchase(t);
  const purchase = await carrier.buy(phoneNumber, 'reference-1');
  assert.ok(purchase.state === 'pending');
  // Telnyx lists it already, as pending.
  assert.equal(await carrier.findNumber(phoneNumber), undefined);
  assert.deepEqual(await carrier.list(undefined), { numbers: [], next: null, total: null });
  assert.deepEqual(await carrier.findPurchase(phoneNumber, 'reference-1'), purchase);
  const found = await carrier.findPurchase(phoneNumber, 'reference-1');
  assert.ok(found?.state === 'owned' && found.number.id !== purchase.order);
  assert.deepEqual(changes(), ['POST']);
  assert.equal(await world.charges(phoneNumber), 1);
});

test('a Telnyx number that did not get the reference of its order gets it from us', async t => {
  const { fake, account, carrier, phoneNumber } = await setUpPurchase(t);
  account.ways.carryReference = false;
  await carrier.buy(phoneNumber, 'reference-1');
  await carrier.findPurchase(phoneNumber, 'reference-1');
  // Not at once, if that fails. The order shows the purchase.
  fake.fault({ call: 'edit', kind: 'error_before', times: 1 });
  const found = await carrier.findPurchase(phoneNumber, 'reference-1');
  assert.ok(found?.state === 'owned' && found.number.reference === 'reference-1');
  assert.equal((await carrier.findNumber(phoneNumber))?.reference, null);
  assert.equal(stateOf(await carrier.findPurchase(phoneNumber, 'reference-1')), 'owned');
  assert.equal((await carrier.findNumber(phoneNumber))?.reference, 'reference-1');
});

test('a Telnyx order that fails later was no purchase', async t => {
  const { account, world, carrier, phoneNumber } = await setUpPurchase(t);
  account.ways.fail = 1;
  await carrier.buy(phoneNumber, 'reference-1');
  assert.equal(stateOf(await carrier.findPurchase(phoneNumber, 'reference-1')), 'pending');
  await assert.rejects(carrier.findPurchase(phoneNumber, 'reference-1'), failsWith('unavailable'));
  assert.equal(await world.charges(phoneNumber), 0);
  // Of two orders under one reference, the one that succeeds counts.
  await carrier.buy(phoneNumber, 'reference-1');
  assert.equal(stateOf(await carrier.findPurchase(phoneNumber, 'reference-1')), 'pending');
  assert.equal(stateOf(await carrier.findPurchase(phoneNumber, 'reference-1')), 'owned');
});

test('a number that Telnyx calls taken may be our own purchase', async t => {
  const { world, carrier, phoneNumber } = await setUpPurchase(t);
  const first = await carrier.buy(phoneNumber, 'reference-1');
  assert.deepEqual(await carrier.buy(phoneNumber, 'reference-1'), first);
  await assert.rejects(carrier.buy(phoneNumber, 'reference-2'), failsWith('unavailable', '85001'));
  await world.fault({ call: 'find', kind: 'error_before', times: 100 });
  await assert.rejects(carrier.buy(phoneNumber, 'reference-1'), failsWith('outcome_unknown'));
  assert.equal(await world.charges(phoneNumber), 1);
});

test('a Telnyx order that waits for documents is withdrawn', async t => {
  const { fake, account, world, carrier, phoneNumber } = await setUpPurchase(t);
  account.ways.wantDocuments = 2;
  await assert.rejects(carrier.buy(phoneNumber, 'reference-1'), failsWith('needs_compliance'));
  await assert.rejects(carrier.findPurchase(phoneNumber, 'reference-1'), failsWith('unavailable'));
  assert.equal(await world.charges(phoneNumber), 0);
  // Until it is withdrawn it is pending.
  fake.fault({ call: 'edit', kind: 'timeout_before', times: 1 });
  assert.equal((await carrier.buy(phoneNumber, 'reference-2')).state, 'pending');
  assert.equal(await world.charges(phoneNumber), 1);
  await assert.rejects(carrier.findPurchase(phoneNumber, 'reference-2'), failsWith('needs_compliance'));
  assert.equal(await world.charges(phoneNumber), 0);
});

test('a later purchase of a Telnyx number is not taken for the first one', async t => {
  const { carrier, phoneNumber } = await setUpPurchase(t);
  const references = [1, 2].map(attempt => referenceOf('0190c2a4-7a52-7cc4-9f1e-abcdef012345', attempt));
  for (const reference of references) {
    let purchase: Purchase | undefined = await carrier.buy(phoneNumber, reference);
    while (purchase?.state === 'pending') purchase = await carrier.findPurchase(phoneNumber, reference);
    assert.ok(purchase);
    if (reference === references[0]) await carrier.release(purchase.number.id);
  }
  await assert.rejects(carrier.findPurchase(phoneNumber, references[0]!), failsWith('unavailable'));
});

test('a Telnyx number that somebody has given another reference may still be the purchase', async t => {
  const { account, carrier, phoneNumber } = await setUpPurchase(t);
  await carrier.buy(phoneNumber, 'reference-1');
  await carrier.findPurchase(phoneNumber, 'reference-1');
  while (stateOf(await carrier.findPurchase(phoneNumber, 'reference-1')) === 'pending');
  account.numbers.get(phoneNumber)!.reference = 'Front desk';
  await assert.rejects(carrier.findPurchase(phoneNumber, 'reference-1'), failsWith('outcome_unknown'));
});

test('a Telnyx list does not count short codes and pending numbers', async t => {
  const { world, carrier, phoneNumber } = await setUpPurchase(t);
  await world.own(Array.from({ length: 300 }, (_, i) => ({ phone_number: `+1212555${1000 + i}` })));
  await world.own([{ phone_number: '24242' }]);
  await carrier.buy(phoneNumber, 'reference-1');
  const first = await carrier.list(undefined);
  const second = await carrier.list(first.next ?? undefined);
  assert.deepEqual(
    [first.numbers.length + second.numbers.length, second.next, second.total],
    [300, null, null],
  );
});

test('Telnyx attaches to a profile alone, and writes nothing twice', async t => {
  const { account, world, carrier, changes } = await setUp(t);
  await world.own([{ phone_number: '+12125550101' }]);
  const number = (await carrier.findNumber('+12125550101'))!;
  const to = { service: registrations.profile, campaign: null };
  assert.deepEqual(await carrier.attachment(number, to), { state: 'none' });
  assert.deepEqual(await carrier.attach(number, to), { state: 'attached' });
  assert.deepEqual(await carrier.attach(number, to), { state: 'attached' });
  assert.deepEqual(await carrier.attachment(number, to), { state: 'attached' });
  assert.equal(account.numbers.get('+12125550101')?.profile, registrations.profile);
  assert.deepEqual(changes(), ['PATCH']);
});

test('a later Telnyx campaign replaces the one before, and a failed one is tried again', async t => {
  const { account, world, carrier, changes } = await setUp(t);
  await world.own([{ phone_number: '+12125550101' }]);
  const number = (await carrier.findNumber('+12125550101'))!;
  const { open, closed } = world.registrations;
  assert.deepEqual(await carrier.attach(number, closed), { state: 'pending' });
  assert.equal((await carrier.attachment(number, closed)).state, 'pending');
  assert.equal((await carrier.attachment(number, closed)).state, 'failed');
  // Its id at The Campaign Registry names it as well.
  assert.equal((await carrier.attachment(number, { service: null, campaign: 'CCAMPA1' })).state, 'failed');
  assert.deepEqual(await carrier.attachment(number, open), { state: 'none' });
  assert.deepEqual(await carrier.attach(number, closed), { state: 'pending' });
  assert.deepEqual(await carrier.attach(number, open), { state: 'pending' });
  assert.equal(account.assignment('+12125550101')?.campaign, open.campaign);
  assert.deepEqual(changes(), ['PATCH', 'POST', 'PUT', 'PUT']);
});

test('Telnyx errors are told apart by their codes', () => {
  const told = (status: number, code: string | number, title = 'Anything') =>
    telnyxApi('http://127.0.0.1', apiKey).explain(status, { errors: [{ code, title }] })?.outcome;
  // One code with several statuses, and as a number.
  for (const status of [400, 403, 409, 422]) assert.equal(told(status, '85001'), 'unavailable');
  assert.equal(told(403, 20100), 'out_of_funds');
  assert.equal(told(403, '20012'), 'authentication_failed');
  assert.equal(told(400, '10011'), 'rate_limited');
  assert.equal(told(422, '10005'), 'not_found');
  // Codes that are not in our list.
  assert.equal(told(401, '99999'), 'authentication_failed');
  assert.equal(told(404, '99999'), 'not_found');
  assert.equal(told(422, '99999', 'Requirement group is missing'), 'needs_compliance');
  assert.equal(told(422, '99999'), 'unavailable');
  assert.equal(told(408, '10008'), undefined);
  // The first code that is in our list counts.
  const errors = [{ code: '10015', title: 'Bad Request' }, { code: '20100' }];
  assert.equal(telnyxApi('', '').explain(400, { errors })?.outcome, 'out_of_funds');
  for (const body of [undefined, 'Not Found', {}, { errors: [] }, { errors: [{}] }])
    assert.equal(telnyxApi('', '').explain(404, body), undefined);
});
