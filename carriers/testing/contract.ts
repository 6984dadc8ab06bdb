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

export type { GivenNumber, Make, Subject, World } from './world.ts';

/**
 * The contract suite: it holds an adapter to the promises of carrier.ts, from the caller's side and from the carrier's.
 * Tests of what the kind cannot do (`kind.can`) are skipped.
 *
 * @param make each test calls it for a world of its own
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

/** For a kind without an API. */
function withoutAnApi(make: Make): void {
  test('sells nothing', async t => {
    const { carrier } = await open(t, make);
    assert.deepEqual(await carrier.search({ country: 'US', area_code: '415', limit: 5 }), []);
    assert.equal(await outcomeOf(carrier.buy('+14155550100', 'manual-1')), 'unavailable');
    assert.equal(await carrier.findPurchase('+14155550100', 'manual-1'), undefined);
  });

  test('has no list, since an empty one would look as if every number were lost', async t => {
    const { carrier } = await open(t, make);
    assert.equal(await outcomeOf(carrier.list(undefined)), 'unavailable');
  });

  test('releases a number as often as it is told to', async t => {
    const { carrier } = await open(t, make);
    await carrier.release('anything');
    await carrier.release('anything');
  });
}
