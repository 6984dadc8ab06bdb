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

  test('offers numbers by their first digits, their last digits and a pattern', async t => {
    const { carrier, world } = await open(t, make);
    await world.stock('415');
    await world.stock('212');
    const found = async (wish: object) => {
      const offers = await carrier.search({ country: 'US', limit: 100, ...wish });
      return offers
        .map(({ phone_number }) => phone_number)
        .filter(number => number < '+14155550120')
        .sort();
    };
    const of = (areaCode: string, ...lines: string[]) => lines.map(line => `+1${areaCode}55501${line}`);
    const ten = Array.from({ length: 10 }, (_, index) => `1${index}`);
    assert.deepEqual(await found({ starts_with: '+14155550117' }), of('415', '17'));
    assert.deepEqual(await found({ starts_with: '+1415555011' }), of('415', ...ten));
    assert.deepEqual(await found({ starts_with: '+1415', ends_with: '17' }), of('415', '17'));
    assert.deepEqual(
      await found({ starts_with: '+1415', area_code: '415', ends_with: '5' }),
      of('415', '05', '15'),
    );
    assert.deepEqual(await found({ starts_with: '+1212', area_code: '415' }), []);
    assert.deepEqual(await found({ area_code: '415', ends_with: '4155550117' }), of('415', '17'));
    assert.deepEqual(await found({ area_code: '212', contains: '2555*117' }), of('212', '17'));
    assert.deepEqual(await found({ area_code: '415', contains: '5*01*7' }), of('415', '07', '17'));
    assert.deepEqual(await found({ contains: '1415*550117' }), of('415', '17'));
    assert.deepEqual(await found({ area_code: '415', contains: '155501*7' }), []);
    assert.deepEqual(
      await found({ area_code: '415', contains: '55501*7', ends_with: '17' }),
      of('415', '17'),
    );
  });

  test('offers nothing, and does not fail, if no number has what the carrier cannot filter by', async t => {
    const { carrier, world } = await open(t, make);
    await world.stock('415');
    for (const contains of ['9*9', '5*9*5', '14159******'])
      assert.deepEqual(await carrier.search({ country: 'US', area_code: '415', contains, limit: 5 }), []);
  });

  test('offers toll-free numbers if they are wished for, and not otherwise', async t => {
    const { carrier, world } = await open(t, make);
    await world.stock('415');
    await world.stock('888');
    const found = async (wish: object) => {
      const offers = await carrier.search({ country: 'US', limit: 100, ...wish });
      return new Set(offers.map(({ phone_number }) => phone_number.slice(2, 5)));
    };
    assert.ok((await found({ toll_free: true, ends_with: '17' })).has('888'));
    assert.deepEqual(await found({ toll_free: true, area_code: '888' }), new Set(['888']));
    assert.deepEqual(await found({ toll_free: true, starts_with: '+1888555' }), new Set(['888']));
    assert.ok(!(await found({ ends_with: '17' })).has('888'));
    const wanted = { country: 'US', phone_number: '+18885550117', toll_free: true, limit: 5 };
    assert.equal((await carrier.search(wanted))[0]?.phone_number, '+18885550117');
    await bought({ carrier, world, secrets: [] }, '+18885550117', 'toll-free-1');
    assert.equal(await world.charges('+18885550117'), 1);
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
