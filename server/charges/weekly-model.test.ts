import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { check } from '../check/check.ts';
import { type WeeklyFeeFor, weeklyFeeFor } from '../tenants/weekly-fee.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { uniqueNumber } from '../testing/factories.ts';
import { fuzzing, seed } from '../testing/runs.ts';
import { feeOf, newBook } from './testing.ts';
import { chargeWeeks } from './weekly.ts';

/*
 * Schedules of whatever can come between numbers and their fees, against a model that only knows which weeks there are.
 */

const day = 86_400_000;
const week = 7 * day;

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

type Change =
  | { do: 'bring'; to: 'north' | 'south'; count: number; fromAccount: boolean }
  | { do: 'chargeFor'; numbers: WeeklyFeeFor }
  | { do: 'transfer' | 'release'; which: number };
type Step =
  | Change
  | { do: 'price'; price: number }
  /** Negative: the clock is set back. */
  | { do: 'pass'; ms: number }
  | { do: 'run' }
  /** A round by a clock that is wrong by so much, and then is right again. */
  | { do: 'runAhead'; ms: number }
  /** Several servers at once, and somebody who changes something meanwhile. */
  | { do: 'race'; servers: number; change: Change | null }
  /** A server that is killed before its round is committed. */
  | { do: 'lose' };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    do: fc.constant('bring' as const),
    to: fc.constantFrom('north' as const, 'south' as const),
    count: fc.integer({ min: 1, max: 3 }),
    fromAccount: fc.boolean(),
  }),
  fc.record({ do: fc.constant('chargeFor' as const), numbers: fc.constantFrom(...weeklyFeeFor) }),
  fc.record({ do: fc.constantFrom('transfer' as const, 'release' as const), which: fc.nat(20) }),
);
const time = fc.constantFrom(1, 3_600_000, day, week - 1, week, week + 1, 3 * week);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: change },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('price' as const), price: fc.constantFrom(0, 0.0001, 1.25) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: time }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: time.map(ms => -ms) }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'run' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('runAhead' as const), ms: time }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('race' as const),
      servers: fc.integer({ min: 2, max: 3 }),
      change: fc.option(change),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'lose' as const }) },
);

type Modelled = {
  number: string;
  fromAccount: boolean;
  /** When its next week begins; null if it has none. */
  next: number | null;
  /** Who has had it, and from when. */
  organizations: { from: number; organization: string }[];
  released: number;
  /** The weeks that somebody has gone over, by their beginning, and what for. */
  weeks: Map<number, { organization: string; amount: number }>;
};

test('whatever comes between, each week of each number is charged once', async () => {
  const late: string[] = [];
  const property = fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async steps => {
    late.push(...(await play(steps)));
  });
  await fc.assert(property, fuzzing('weeks'));
  // Only a clock that was ahead can have charged for a week that then began after the release: that is found.
  const { findings } = await check(database);
  const found = findings.map(
    ({ problem }) => /^(\+\d+) was charged for a week from .* after its release$/.exec(problem)?.[1],
  );
  assert.deepEqual(found.sort(), late.sort(), `FUZZ_SEED=${seed} ${JSON.stringify(findings)}`);
});

/** A week that cost nothing has left no charge. */
const chargedWeeks = ({ weeks }: Modelled): number[] =>
  [...weeks].filter(([, { amount }]) => amount > 0).map(([begin]) => begin);

/** @returns the number of each charge for a week after its release */
async function play(steps: Step[]): Promise<string[]> {
  const { db } = database;
  const book = await newBook(db);
  const numbers: Modelled[] = [];
  let clock = Date.UTC(2024, 0, 1);
  // Revisions are never dated before the one that they follow, whatever the clock says.
  let dated = clock;
  let price = 0;
  // When all numbers were charged for, the last time.
  let all = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  for (const one of steps) {
    switch (one.do) {
      case 'price':
        price = one.price;
        await book.setPrice(price);
        break;
      case 'pass':
        clock += one.ms;
        break;
      case 'run':
        await run(clock);
        break;
      case 'runAhead':
        await run(clock + one.ms);
        break;
      case 'race': {
        const rounds = Array.from({ length: one.servers }, () => chargeWeeks(db, new Date(clock)));
        await Promise.all([...rounds, one.change && make(one.change)]);
        await run(clock);
        break;
      }
      case 'lose': {
        const lost = db.transaction().execute(async tx => {
          await chargeWeeks(tx, new Date(clock));
          throw new Error('killed');
        });
        await assert.rejects(lost, /killed/);
        break;
      }
      default:
        await make(one);
    }
  }
  await compare();
  await run(clock);
  await compare();
  // The next schedules have clocks of their own.
  await db.updateTable('phone_numbers').set({ next_fee_at: null }).execute();
  return numbers.flatMap(({ number, released, weeks }) =>
    [...weeks].filter(([begin, { amount }]) => begin > released && amount > 0).map(() => number),
  );

  async function run(at: number) {
    await chargeWeeks(db, new Date(at));
    for (const number of numbers) {
      const { released, organizations, weeks, fromAccount } = number;
      while (number.next !== null && number.next <= at) {
        const begin = number.next;
        if (begin < released && (fromAccount || (begin >= all.from && begin < all.to))) {
          const { organization } = organizations.findLast(({ from }) => from <= begin)!;
          assert.ok(!weeks.has(begin));
          weeks.set(begin, { organization, amount: price });
          number.next = begin + week;
        } else number.next = all.from > begin && all.from < released ? all.from : null;
      }
    }
  }

  async function make(change: Change): Promise<void> {
    dated = Math.max(dated, clock) + 1;
    if (change.do === 'bring') {
      const organization = book[change.to];
      const added = Array.from({ length: change.count }, uniqueNumber);
      for (const number of added)
        numbers.push({
          number,
          fromAccount: change.fromAccount,
          next: change.fromAccount || isForAll() ? dated : null,
          organizations: [{ from: dated, organization }],
          released: Number.POSITIVE_INFINITY,
          weeks: new Map(),
        });
      return book.bring(dated, organization, added, change.fromAccount);
    }
    if (change.do === 'chargeFor') {
      if (change.numbers === (isForAll() ? 'all' : 'carrier'))
        return void (await book.chargeFor(dated, change.numbers));
      if (change.numbers === 'carrier') all.to = dated;
      else {
        all = { from: dated, to: Number.POSITIVE_INFINITY };
        for (const number of numbers)
          if (number.released === Number.POSITIVE_INFINITY)
            number.next ??= Math.max(dated, ...chargedWeeks(number).map(begin => begin + week));
      }
      return void (await book.chargeFor(dated, change.numbers));
    }
    const live = numbers.filter(({ released }) => released === Number.POSITIVE_INFINITY);
    const chosen = live[change.which % live.length];
    if (!chosen) return;
    const { organization } = chosen.organizations.at(-1)!;
    if (change.do === 'release') {
      chosen.released = dated;
      return book.release(dated, organization, chosen.number);
    }
    const other = organization === book.north ? book.south : book.north;
    chosen.organizations.push({ from: dated, organization: other });
    return book.transfer(dated, chosen.number, other);
  }

  function isForAll(): boolean {
    return all.from < Number.POSITIVE_INFINITY && all.to === Number.POSITIVE_INFINITY;
  }

  async function compare() {
    const expected = numbers.flatMap(({ number, weeks }) =>
      [...weeks]
        .filter(([, { amount }]) => amount > 0)
        .map(([begin, { organization, amount }]) => feeOf(number, begin, organization, amount)),
    );
    assert.deepEqual(await book.fees(), expected.sort());
  }
}
