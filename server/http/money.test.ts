import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzing } from '../testing/runs.ts';
import { assertDollars } from './money.ts';

const refused = { code: 'invalid_request', message: 'fee must have at most 4 decimals' };

test('amounts with up to four decimals are accepted, and none with more', () => {
  const digits = (count: number) => fc.stringMatching(new RegExp(`^\\d{0,${count}}$`));
  const whole = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(
    fc.property(whole, digits(4), (dollars, rest) => assertDollars(Number(`${dollars}.${rest}`), 'fee')),
    fuzzing(200),
  );
  fc.assert(
    fc.property(whole, digits(4), fc.integer({ min: 1, max: 9 }), (dollars, rest, last) => {
      const amount = Number(`${dollars}.${rest.padEnd(4, '0')}${last}`);
      assert.throws(() => assertDollars(amount, 'fee'), refused);
    }),
    fuzzing(200),
  );
  assertDollars(null, 'fee');
  assertDollars(undefined, 'fee');
});
