import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Carrier, CarrierNumber, Page } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { held, open, outcomeOf } from './subject.ts';
import type { GivenNumber, Make } from './world.ts';

/** The list of the account's numbers, page by page. */
export function listContract(make: Make): void {
  test('lists 2,345 numbers, none twice, through pages and a rate limit in the middle', async t => {
    const { carrier, world } = await open(t, make);
    const numbers = manyNumbers(2345);
    await world.own(numbers);
    const pages = await everyPage(carrier, async count => {
      if (count === 2) await world.fault({ call: 'list', kind: 'rate_limited', times: 2 });
    });
    assert.ok(pages.length > 2, 'more than one page before the rate limit and after it');
    const listed = pages.flatMap(page => page.numbers.map(number => number.phone_number));
    assert.equal(listed.length, 2345);
    assert.deepEqual(new Set(listed), new Set(numbers.map(number => number.phone_number)));
    for (const { total } of pages) assert.ok(total === null || total === 2345);
  });

  test('gives the same page for the same `next`', async t => {
    const { carrier, world } = await open(t, make);
    await world.own(manyNumbers(1500));
    const { next } = await carrier.list(undefined);
    assert.ok(next);
    assert.deepEqual((await carrier.list(next)).numbers, (await carrier.list(next)).numbers);
  });

  test('an account without numbers is an empty list', async t => {
    const { carrier } = await open(t, make);
    const { numbers, next } = await carrier.list(undefined);
    assert.deepEqual([numbers, next], [[], null]);
  });

  test('shows name, tags and id of each number', async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const tags = subject.tagless ? [] : ['VIP', 'north'];
    await world.own([{ phone_number: '+12125550101', name: 'Front desk', tags }]);
    const [number] = (await carrier.list(undefined)).numbers;
    assert.equal(number?.name, held(subject, 'Front desk'));
    assert.deepEqual(number.tags.toSorted(), tags);
    assert.deepEqual(await carrier.findNumber('+12125550101'), number);
    assert.deepEqual(await carrier.getNumber(number.id), number);
  });

  for (const fault of ['empty', 'cut'] as const)
    test(`a list that is ${fault} is not completed`, async t => {
      const { carrier, world } = await open(t, make);
      await world.own(manyNumbers(30));
      if (!(await world.fault({ call: 'list', kind: fault, times: 1000 })))
        return t.skip('the carrier cannot be made to');
      // The adapter either detects the fault, or returns the list with the total that the carrier gave.
      if ((await outcomeOf(carrier.list(undefined))) !== 'done')
        return assert.equal(await outcomeOf(carrier.list(undefined)), 'transient');
      const pages = await everyPage(carrier, async () => {});
      const numbers: CarrierNumber[] = pages.flatMap(page => page.numbers);
      assert.ok(numbers.length < 30);
      if (fault === 'cut') for (const { total } of pages) assert.ok(total === null || total === 30);
    });
}

/** Fictional numbers, a hundred in each area code. */
const manyNumbers = (count: number): GivenNumber[] =>
  Array.from({ length: count }, (_, i) => ({
    phone_number: `+1${201 + Math.floor(i / 100)}55501${String(i % 100).padStart(2, '0')}`,
  }));

/** Reads all pages. It asks again for a page that is `rate_limited`. */
async function everyPage(carrier: Carrier, afterPage: (count: number) => Promise<void>): Promise<Page[]> {
  const pages: Page[] = [];
  for (let next: string | null | undefined; next !== null; ) {
    try {
      const page = await carrier.list(next);
      pages.push(page);
      next = page.next;
      await afterPage(pages.length);
    } catch (error) {
      if (!(error instanceof CarrierError) || error.outcome !== 'rate_limited') throw error;
      await sleep(error.retryAfterMs ?? 1);
    }
  }
  return pages;
}
