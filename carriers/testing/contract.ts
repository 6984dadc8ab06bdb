import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CarrierKind } from '../carrier.ts';
import { changingContract } from './changing-contract.ts';
import { listContract } from './list-contract.ts';
import { purchaseContract } from './purchase-contract.ts';
import { readingContract } from './reading-contract.ts';
import { searchContract } from './search-contract.ts';
import { open, outcomeOf } from './subject.ts';
import type { Make } from './world.ts';

export type { Given, Make, Subject, World } from './world.ts';

/**
 * The suite that every carrier passes: what carrier.ts promises, seen from both sides. What a kind cannot do
 * (`kind.can`) is left out, and said to be.
 *
 * @param make called by each test for a world of its own
 */
export function carrierContract(name: string, kind: CarrierKind, make: Make): void {
  describe(`${name} keeps the carrier contract`, () => {
    if (!kind.can.buy) return withoutAnApi(make);
    searchContract(make);
    purchaseContract(make);
    readingContract(kind, make);
    listContract(make);
    changingContract(kind, make);
  });
}

/** A kind that nothing is bought through has nobody to ask: it says nothing that it cannot know. */
function withoutAnApi(make: Make): void {
  test('sells nothing', async t => {
    const { carrier } = await open(t, make);
    assert.deepEqual(await carrier.search({ country: 'US', area_code: '415', limit: 5 }), []);
    assert.equal(await outcomeOf(carrier.buy('+14155550100', 'manual-1')), 'unavailable');
    assert.equal(await carrier.findPurchase('+14155550100', 'manual-1'), undefined);
  });

  test('has no list that could look as if every number had been lost', async t => {
    const { carrier } = await open(t, make);
    assert.equal(await outcomeOf(carrier.list(undefined)), 'unavailable');
  });

  test('lets go of a number, as often as it is told to', async t => {
    const { carrier } = await open(t, make);
    await carrier.release('anything');
    await carrier.release('anything');
  });
}
