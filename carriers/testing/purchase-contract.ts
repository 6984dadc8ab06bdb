import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../sandbox/store.ts';
import { always, bought, faultsThatCan, foundPurchase, held, offered, open, outcomeOf } from './subject.ts';
import type { Make, Subject } from './world.ts';

/** A number is bought once, and the outcome of a purchase can always be looked up. */
export function purchaseContract(make: Make): void {
  test('buys a number once, and finds it again by number, id and reference', async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const phoneNumber = await offered(subject, '415');
    const number = await bought(subject, phoneNumber, 'reference-1');
    assert.equal(await world.charges(phoneNumber), 1);
    assert.deepEqual(await world.owned(), [phoneNumber]);
    assert.deepEqual(await carrier.findPurchase(phoneNumber, 'reference-1'), { state: 'owned', number });
    assert.deepEqual(await carrier.findNumber(phoneNumber), number);
    assert.deepEqual(await carrier.getNumber(number.id), number);
  });

  test('follows a pending order to its end', async t => {
    const subject = await open(t, make);
    const phoneNumber = await offered(subject, '415');
    if (!(await subject.world.fault({ call: 'buy', kind: 'pending', times: 1 })))
      return t.skip('this carrier sells at once');
    const purchase = await subject.carrier.buy(phoneNumber, 'pending-1');
    assert.equal(purchase.state, 'pending');
    assert.ok(purchase.state === 'pending' && purchase.order);
    assert.ok(await foundPurchase(subject, phoneNumber, 'pending-1'));
    assert.equal(await subject.world.charges(phoneNumber), 1);
  });

  test('keeps a reference of forty characters', async t => {
    const subject = await open(t, make);
    const reference = '0190c2a4-7a52-7cc4-9f1e-AbCdEf012345-999';
    assert.equal(reference.length, 40);
    await bought(subject, await offered(subject, '415'), reference);
  });

  test('a number that is gone is unavailable', async t => {
    const subject = await open(t, make);
    const phoneNumber = await offered(subject, '415');
    await subject.world.takeAway(phoneNumber);
    assert.equal(await outcomeOf(bought(subject, phoneNumber, 'gone-1')), 'unavailable');
    assert.equal(await subject.world.charges(phoneNumber), 0);
    assert.deepEqual(await subject.world.owned(), []);
  });

  test('a number that is owned under another reference stays that other purchase', async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const phoneNumber = await offered(subject, '415');
    const number = await bought(subject, phoneNumber, 'first');
    assert.equal(await carrier.findPurchase(phoneNumber, 'second'), undefined);
    assert.equal(await outcomeOf(bought(subject, phoneNumber, 'second')), 'unavailable');
    assert.equal(await foundPurchase(subject, phoneNumber, 'second').catch(() => undefined), undefined);
    assert.deepEqual(await foundPurchase(subject, phoneNumber, 'first'), number);
    assert.equal(await world.charges(phoneNumber), 1);
  });

  test('a number that the account had before is no purchase of ours', async t => {
    const subject = await open(t, make);
    await subject.world.own([{ phone_number: '+12125550101', name: 'Front desk' }]);
    assert.equal(await subject.carrier.findPurchase('+12125550101', 'mine-1'), undefined);
    assert.equal(await outcomeOf(bought(subject, '+12125550101', 'mine-1')), 'unavailable');
    assert.equal((await subject.carrier.findNumber('+12125550101'))?.name, held(subject, 'Front desk'));
  });

  test('the same purchase again costs nothing', async t => {
    const subject = await open(t, make);
    const phoneNumber = await offered(subject, '415');
    await bought(subject, phoneNumber, 'again-1');
    assert.ok(['done', 'unavailable'].includes(await outcomeOf(bought(subject, phoneNumber, 'again-1'))));
    assert.equal(await subject.world.charges(phoneNumber), 1);
    assert.ok(await foundPurchase(subject, phoneNumber, 'again-1'));
  });

  test('a released number can be bought again, as a new purchase', async t => {
    const subject = await open(t, make);
    const phoneNumber = await offered(subject, '415');
    const first = await bought(subject, phoneNumber, 'first');
    await subject.carrier.release(first.id);
    assert.equal(await subject.carrier.findNumber(phoneNumber), undefined);
    await subject.world.stock('415');
    await subject.carrier.search({ country: 'US', phone_number: phoneNumber, limit: 1 });
    await bought(subject, phoneNumber, 'second');
    assert.equal(await subject.world.charges(phoneNumber), 2);
  });

  test('each refusal has its own outcome, and nothing is bought', async t => {
    const subject = await open(t, make);
    for await (const kind of faultsThatCan(t, subject.world, 'buy', refusals, always)) {
      const phoneNumber = await offered(subject, '415');
      const reference = `refused-${kind.replaceAll('_', '-')}`;
      assert.equal(await outcomeOf(bought(subject, phoneNumber, reference)), kind);
      await subject.world.calm();
      assert.equal(await subject.world.charges(phoneNumber), 0, kind);
      // A carrier may keep an order that has failed.
      if (kind !== 'unavailable')
        assert.equal(await subject.carrier.findPurchase(phoneNumber, reference), undefined, kind);
    }
    assert.deepEqual(await subject.world.owned(), []);
  });

  // Each fault hits one request. A retry would be answered, and the outcome would be `done`.
  for (const kind of ['error_before', 'timeout_before'] as const)
    test(`${kind}: the outcome is unknown, and nothing is found`, async t => {
      const subject = await open(t, make);
      const phoneNumber = await loseAnswer(subject, kind);
      if (!phoneNumber) return t.skip('the carrier cannot be made to');
      assert.equal(await foundPurchase(subject, phoneNumber, 'lost-1'), undefined);
      assert.equal(await subject.carrier.findNumber(phoneNumber), undefined);
      assert.equal(await subject.world.charges(phoneNumber), 0);
      await bought(subject, phoneNumber, 'lost-2');
      assert.equal(await subject.world.charges(phoneNumber), 1);
    });

  for (const kind of ['error_after', 'timeout_after', 'torn', 'other_number'] as const)
    test(`${kind}: the outcome is unknown, and the purchase is found`, async t => {
      const subject = await open(t, make);
      const phoneNumber = await loseAnswer(subject, kind);
      if (!phoneNumber) return t.skip('the carrier cannot be made to');
      const number = await foundPurchase(subject, phoneNumber, 'lost-1');
      assert.equal(number?.phone_number, phoneNumber);
      assert.equal(await subject.world.charges(phoneNumber), 1);
      assert.deepEqual(await subject.world.owned(), [phoneNumber]);
    });

  test('hang: the outcome is unknown, and the look-up agrees with the charges', async t => {
    const subject = await open(t, make);
    const phoneNumber = await loseAnswer(subject, 'hang');
    if (!phoneNumber) return t.skip('the carrier cannot be made to');
    const number = await foundPurchase(subject, phoneNumber, 'lost-1');
    assert.equal(await subject.world.charges(phoneNumber), number ? 1 : 0);
  });
}

const refusals: Fault['kind'][] = [
  'unavailable',
  'rate_limited',
  'out_of_funds',
  'needs_compliance',
  'authentication_failed',
  'transient',
];

/** Buys a number as `lost-1` and loses the answer; undefined if the carrier cannot be made to lose it. */
async function loseAnswer(subject: Subject, kind: Fault['kind']): Promise<string | undefined> {
  const phoneNumber = await offered(subject, '415');
  if (!(await subject.world.fault({ call: 'buy', kind, times: 1 }))) return undefined;
  assert.equal(await outcomeOf(subject.carrier.buy(phoneNumber, 'lost-1')), 'outcome_unknown');
  await subject.world.calm();
  return phoneNumber;
}
