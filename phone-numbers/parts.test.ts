import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readFirstDigits, readLastDigits, readPattern } from './parts.ts';
import { countries } from './phone-number.ts';

const part = (read: ReturnType<typeof readLastDigits>) => (typeof read === 'string' ? read : read.part);
const first = (text: string, country = 'US') => part(readFirstDigits(text, country));
const pattern = (text: string, country = 'US') => part(readPattern(text, country));

test('first digits are with the country code or without it, in any formatting', () => {
  for (const text of [
    '415555',
    '(415) 555',
    '+1 415-555',
    '1 415 555',
    '1-415-555',
    '415.555',
    '\u202a415 555\u202c',
  ])
    assert.equal(first(text), '+1415555', text);
  assert.equal(first('800-FLOW'), '+18003569');
  assert.equal(first('020 79', 'GB'), '+442079');
  assert.equal(first('+44 20 79', 'GB'), '+442079');
  assert.equal(first('4921', 'DE'), '+494921');
  for (const text of ['+44 (0)20', '0044 20', '(0)20', '20', '(020)'])
    assert.equal(first(text, 'GB'), '+4420', text);
  assert.equal(first('8 495', 'RU'), '+7495');
  assert.equal(first('06 1', 'HU'), '+361');
  assert.equal(first('011 1 415'), '+1415');
  assert.match(first('011 44 20'), /is not of country US/);
  assert.equal(first('06', 'IT'), '+3906');
  assert.equal(first('876', 'JM'), '+1876');
  assert.match(first('+44 20'), /is not of country US, whose numbers begin with \+1$/);
  assert.match(first('+'), /must be the first digits/);
  assert.match(first('0'), /begins with 0/);
  assert.match(first('1'), /must have at least one digit/);
  assert.match(first('123456789012'), /must have at most 10 digits/);
  assert.match(first('415-XXX'), /write \* in contains/);
});

test('last digits may be letters of a keypad', () => {
  assert.equal(part(readLastDigits('-0199')), '0199');
  assert.equal(part(readLastDigits('cars')), '2277');
  assert.equal(part(readLastDigits('FAX')), '329');
  for (const wrong of ['', '*', '+1', '12345678901', 'ä'])
    assert.match(part(readLastDigits(wrong)), /must be the/, wrong);
});

test('a pattern has * for any one digit', () => {
  assert.equal(pattern('555*99'), '555*99');
  assert.equal(pattern('415-***-0199'), '1415***0199');
  assert.equal(pattern('+1 (415) ***-0199'), '1415***0199');
  assert.equal(pattern('1-800-FLOWERS'), '18003569377');
  assert.equal(pattern('800-FLOWERS'), '18003569377');
  assert.equal(pattern('FLOWERS'), '3569377');
  assert.equal(pattern('2079460958', 'GB'), '2079460958');
  for (const [wrong, why] of [
    ['5', /at least two digits/],
    ['*********', /at least two digits/],
    ['41555501*999*', /at most 11 places/],
    ['555?', /must have digits/],
    ['555%', /must have digits/],
    ['', /must have digits/],
    ['NXX-5', /write \*/],
  ] as const)
    assert.match(pattern(wrong), why, wrong);
});

test('nothing that is written makes a reader fail', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[+*0-9A-Z -]{0,20}$/)),
      fc.constantFrom(...countries),
      (text, country) => {
        for (const read of [readFirstDigits(text, country), readLastDigits(text), readPattern(text, country)])
          if (typeof read !== 'string') assert.match(read.part, /^\+?[\d*]+$/);
      },
    ),
    { numRuns: 2000 },
  );
});
