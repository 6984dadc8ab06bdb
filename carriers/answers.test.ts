import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findExact, matching, verify } from './answers.ts';
import type { Offer } from './carrier.ts';

const numbers = (...found: string[]) => found.map(phone_number => ({ phone_number }));

test('an answer is accepted only if it is about the number that was asked for', () => {
  const answer = { id: 'A', phone_number: '+14155550100' };
  assert.equal(verify(answer, { id: 'A' }, 'transient'), answer);
  assert.equal(verify(answer, { id: 'A', phone_number: '+14155550100' }, 'transient'), answer);
  assert.throws(() => verify(answer, { id: 'B' }, 'transient'), { outcome: 'transient' });
  const other = { id: 'A', phone_number: '+14155550101' };
  assert.throws(() => verify(answer, other, 'outcome_unknown'), { outcome: 'outcome_unknown' });
});

test('a number is found by exactly its digits among numbers that contain them', () => {
  const found = numbers('+4420794609581', '+442079460958');
  assert.equal(findExact(found, '+442079460958'), found[1]);
  assert.equal(findExact(numbers('+4420794609581'), '+442079460958'), undefined);
  assert.equal(findExact([], '+442079460958'), undefined);
  assert.throws(() => findExact(numbers('+14155550100'), '+14155550101'), { outcome: 'transient' });
});

test('offers match the query', () => {
  const fit = (offered: string[], wanted: object) => {
    const offers: Offer[] = offered.map(phone_number => ({ phone_number, locality: null, region: null }));
    return matching(offers, { country: 'US', limit: 10, ...wanted }).map(offer => offer.phone_number);
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
  assert.deepEqual(fit(two, { starts_with: '+1212' }), ['+12125550100']);
  assert.deepEqual(fit(two, { ends_with: '100', area_code: '415' }), ['+14155550100']);
  assert.deepEqual(fit(two, { contains: '415*5501' }), ['+14155550100']);
  assert.deepEqual(fit([...two, '+18885550100'], {}), two);
  assert.deepEqual(fit([...two, '+18885550100'], { toll_free: true }), ['+18885550100']);
  assert.throws(() => fit(two, { area_code: '999' }), { outcome: 'transient' });
  assert.throws(() => fit(two, { toll_free: true }), { outcome: 'transient' });
  assert.throws(() => fit(two, { country: 'GB' }), { outcome: 'transient' });
});

test('what a carrier cannot filter by is filtered here, and nothing may be left', () => {
  const offers: Offer[] = [{ phone_number: '+14155550100', locality: null, region: null }];
  const query = { country: 'US', area_code: '415', contains: '9*9', limit: 10 };
  assert.deepEqual(matching(offers, query, { country: 'US', area_code: '415' }), []);
  assert.throws(() => matching(offers, query, { country: 'US', area_code: '212' }), { outcome: 'transient' });
});
