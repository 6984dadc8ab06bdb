import assert from 'node:assert/strict';
import { test } from 'node:test';
import { believe, exactly, fitting } from './answers.ts';
import type { Offer } from './carrier.ts';

const numbers = (...found: string[]) => found.map(phone_number => ({ phone_number }));

test('an answer is believed only if it is about what was asked', () => {
  const answer = { id: 'A', phone_number: '+14155550100' };
  assert.equal(believe(answer, { id: 'A' }, 'transient'), answer);
  assert.equal(believe(answer, { id: 'A', phone_number: '+14155550100' }, 'transient'), answer);
  assert.throws(() => believe(answer, { id: 'B' }, 'transient'), { outcome: 'transient' });
  const other = { id: 'A', phone_number: '+14155550101' };
  assert.throws(() => believe(answer, other, 'outcome_unknown'), { outcome: 'outcome_unknown' });
});

test('a number is found by exactly its digits among those that contain them', () => {
  const found = numbers('+4420794609581', '+442079460958');
  assert.equal(exactly(found, '+442079460958'), found[1]);
  assert.equal(exactly(numbers('+4420794609581'), '+442079460958'), undefined);
  assert.equal(exactly([], '+442079460958'), undefined);
  assert.throws(() => exactly(numbers('+14155550100'), '+14155550101'), { outcome: 'transient' });
});

test('offers are those that were wanted', () => {
  const fit = (offered: string[], wanted: object) => {
    const offers: Offer[] = offered.map(phone_number => ({ phone_number, locality: null, region: null }));
    return fitting(offers, { country: 'US', limit: 10, ...wanted }).map(offer => offer.phone_number);
  };
  const two = ['+14155550100', '+12125550100'];
  assert.deepEqual(fit(two, {}), two);
  assert.deepEqual(fit(two, { limit: 1 }), ['+14155550100']);
  assert.deepEqual(fit(two, { area_code: '212' }), ['+12125550100']);
  assert.deepEqual(fit(two, { contains: '4155550' }), ['+14155550100']);
  assert.deepEqual(fit(two, { phone_number: '+12125550100' }), ['+12125550100']);
  assert.deepEqual(fit([], { area_code: '212' }), []);
  assert.deepEqual(fit(['+442079460958'], { country: 'GB', area_code: '20' }), ['+442079460958']);
  assert.deepEqual(fit(['+442079460958'], { country: 'GB', area_code: '020' }), ['+442079460958']);
  assert.throws(() => fit(two, { area_code: '999' }), { outcome: 'transient' });
  assert.throws(() => fit(two, { country: 'GB' }), { outcome: 'transient' });
});
