import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { beginningAtHome, digitsOf, hasDigits, readBeginning } from './beginnings.ts';
import { readPhoneNumber } from './phone-number.ts';

const written = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...' +-().0145٤＋４\u200b"') }),
);

test('the first digits of a number are read as its country writes them', () => {
  const writings: [country: string, e164: string, ...texts: string[]][] = [
    ['GB', '447700', '07700', '7700', '(0) 7700', '+44 7700', '+44 (0)7700', '0044 7700', ' 447700'],
    ['US', '1415', '415', '(415)', '1 415', '+1-415', '1415'],
    ['IT', '39011', '011', '+39 011', '39 011'],
    ['AR', '5411', '011', '11'],
    ['FR', '331', '01', '1', '+33 (0)1'],
    ['RU', '7495', '8 495', '495', '+7 495'],
    ['HU', '361', '06 1', '1'],
    ['AU', '4420', '0011 44 20', '+44 20'],
    ['US', '4420', '011 44 20', '00 44 20'],
    ['CI', '22507', '07', '+225 07'],
  ];
  for (const [country, e164, ...texts] of writings)
    for (const text of texts) assert(readBeginning(text, country).includes(e164), `${text} in ${country}`);
});

test('without a country the digits begin with a country code', () => {
  assert.deepEqual(readBeginning('415'), ['415']);
  assert.deepEqual(readBeginning('07700'), ['07700']);
  for (const text of ['0044 77', '+44 77', ' 4477', '44-77', '٤٤٧٧'])
    assert.deepEqual(readBeginning(text), ['4477']);
});

test('digits that stand anywhere are at the beginning too if numbers are written so at home', () => {
  assert.equal(beginningAtHome('07700', 'GB'), '447700');
  for (const [digits, country] of [
    ['7700', 'GB'],
    ['0049', 'GB'],
    ['01149', 'US'],
    ['07700', undefined],
  ] as const)
    assert.equal(beginningAtHome(digits, country), undefined);
});

test('what has digits can be read in any country, and every number begins with its own', () => {
  fc.assert(
    fc.property(written, fc.constantFrom('US', 'GB', 'IT', 'BR', undefined), (text, country) => {
      if (!hasDigits(text)) return;
      for (const digits of [...readBeginning(text, country), ...digitsOf(text)])
        assert.match(digits, /^\d+$/);
      assert(readBeginning(text, country).length > 0);
    }),
  );
  const number = readPhoneNumber('020 7946 0958', 'GB');
  assert(typeof number === 'object');
  for (let length = 1; length <= '02079460958'.length; length++) {
    const begins = readBeginning('02079460958'.slice(0, length), 'GB');
    assert(begins.some(digits => number.e164.startsWith(`+${digits}`)));
  }
});
