import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bought, offered, open, outcomeOf } from './subject.ts';
import type { Make } from './world.ts';

/** The search for numbers that are for sale. */
export function searchContract(make: Make): void {
  test('offers numbers of the area code, each once and no more than the limit', async t => {
    const { carrier, world } = await open(t, make);
    await world.stock('415');
    const offers = await carrier.search({ country: 'US', area_code: '415', limit: 5 });
    assert.equal(offers.length, 5);
    assert.equal(new Set(offers.map(offer => offer.phone_number)).size, 5);
    for (const { phone_number } of offers) assert.match(phone_number, /^\+1415\d{7}$/);
  });

  test('offers one particular number until somebody else has it', async t => {
    const { carrier, world } = await open(t, make);
    await world.stock('415');
    const wanted = { country: 'US', phone_number: '+14155550107', limit: 10 };
    const offers = await carrier.search(wanted);
    assert.deepEqual(
      offers.map(offer => offer.phone_number),
      ['+14155550107'],
    );
    await world.takeAway('+14155550107');
    assert.deepEqual(await carrier.search(wanted), []);
  });

  test('offers numbers that contain the digits', async t => {
    const { carrier, world } = await open(t, make);
    await world.stock('415');
    const offers = await carrier.search({ country: 'US', area_code: '415', contains: '555011', limit: 50 });
    assert.ok(offers.length > 0);
    for (const { phone_number } of offers) assert.match(phone_number, /^\+1415.*555011/);
  });

  test('offers nothing in an area code without numbers', async t => {
    const { carrier } = await open(t, make);
    assert.deepEqual(await carrier.search({ country: 'US', area_code: '999', limit: 5 }), []);
  });

  test('does not offer a number that we have bought', async t => {
    const subject = await open(t, make);
    const phoneNumber = await offered(subject, '415');
    await bought(subject, phoneNumber, 'search-1');
    const offers = await subject.carrier.search({ country: 'US', area_code: '415', limit: 100 });
    assert.ok(!offers.some(offer => offer.phone_number === phoneNumber));
  });

  test('never accepts an offer of another area code', async t => {
    const { carrier, world } = await open(t, make);
    await world.stock('415');
    if (!(await world.fault({ call: 'search', kind: 'other_number', times: 1000 })))
      return t.skip('the carrier cannot be made to');
    // An empty list would say that there are no numbers in this area code. We do not know that.
    assert.equal(await outcomeOf(carrier.search({ country: 'US', area_code: '415', limit: 5 })), 'transient');
  });
}
