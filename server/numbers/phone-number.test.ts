import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getSupportedRegionCodes, parsePhoneNumber } from 'awesome-phonenumber';
import fc from 'fast-check';
import { nastyText } from '../testing/arbitrary.ts';
import { e164 } from '../testing/inventory.ts';
import { fuzzing } from '../testing/runs.ts';
import { type PhoneNumber, readPhoneNumber } from './phone-number.ts';

test('a number in any usual writing is the same number', () => {
  const writings: [country: string, text: string, e164: string][] = [
    ['US', '+14155551234', '+14155551234'],
    ['US', ' 14155551234', '+14155551234'], // a `+` in a query
    ['US', '14155551234', '+14155551234'],
    ['US', '4155551234', '+14155551234'],
    ['US', '(415) 555-1234', '+14155551234'],
    ['US', '415.555.1234', '+14155551234'],
    ['US', '1-415-555-1234', '+14155551234'],
    ['US', '+1 (415) 555 1234', '+14155551234'],
    ['US', 'tel:+1-415-555-1234', '+14155551234'],
    ['US', '415‑555‑1234', '+14155551234'], // with hyphens that do not break
    ['CA', '416 555 1234', '+14165551234'],
    ['GB', '+1 415 555 1234', '+14155551234'],
    ['GB', '00 1 415 555 1234', '+14155551234'],
    ['GB', 'tel:+1-415-555-1234', '+14155551234'],
    ['GB', '020 7946 0958', '+442079460958'],
    ['US', 'tel:+44-20-7946-0958', '+442079460958'],
    ['GB', '+44 20 7946 0958', '+442079460958'],
    ['US', '+44 (0)20 7946 0958', '+442079460958'],
    ['US', '011 44 20 7946 0958', '+442079460958'],
    ['DE', '030 123456', '+4930123456'],
    ['IT', '06 698 83511', '+390669883511'],
  ];
  for (const [country, text, expected] of writings) {
    const number = readPhoneNumber(text, country);
    assert.equal(typeof number === 'string' ? `${text} ${number}` : number.e164, expected);
  }
});

test('the country is that of the number, not the one that it was written in', () => {
  const countries: [country: string, text: string, own: string][] = [
    ['US', '416 555 1234', 'CA'],
    ['CA', '415 555 1234', 'US'],
    ['US', '011 44 20 7946 0958', 'GB'],
    ['GB', '07781 123456', 'GG'],
    ['US', '242 365 1234', 'BS'],
  ];
  for (const [country, text, own] of countries)
    assert.equal((readPhoneNumber(text, country) as PhoneNumber).country, own, text);
});

test('what is wrong is said', () => {
  const refusals: [text: string, problem: RegExp][] = [
    ['', /^is not a phone number$/],
    ['hello', /^is not a phone number$/],
    ['415-555-12', /./],
    ['+1 415 555 12345', /^has 11 digits after \+1 instead of 10$/],
    ['+11155551234', /^has 115 for an area code/],
    ['+19115551234', /^has 911 for an area code/],
    ['+14151551234', /^has 155 for an exchange/],
    ['+14159111234', /^has 911 for an exchange/],
    ['5551234', /./],
    ['+999123456789', /^has no known country code$/],
    ['+1 415 555 1234 ext. 5', /^has an extension/],
    ['4'.repeat(65), /^is too long for a phone number$/],
  ];
  for (const [text, problem] of refusals) {
    const read = readPhoneNumber(text, 'US');
    assert.match(typeof read === 'string' ? read : `${text} is ${read.e164}`, problem);
  }
});

test('every number of every country is read, printed as libphonenumber prints it, and read again', () => {
  const property = fc.property(e164, text => {
    const number = readPhoneNumber(text, 'US') as PhoneNumber;
    assert.equal(number.e164, text);
    assert.equal(number.pretty, parsePhoneNumber(text).number?.international);
    for (const writing of [number.pretty, text.replace('+', ' +'), parsePhoneNumber(text).number!.rfc3966])
      assert.deepEqual(readPhoneNumber(writing, 'US'), number, writing);
    const { national } = parsePhoneNumber(text).number!;
    const { regionCode } = parsePhoneNumber(text);
    if (regionCode && regionCode !== '001') {
      const read = readPhoneNumber(national, regionCode);
      // Some plans have numbers that only the international writing tells apart.
      if (typeof read !== 'string') assert.match(read.e164, /^\+[1-9]\d{6,14}$/);
    }
  });
  fc.assert(property, fuzzing(500));
});

test('text of any kind is read as a number that can be kept, or refused', () => {
  const text = fc.oneof(nastyText, fc.stringMatching(/^[+0-9 ().;=extp#*-]{0,30}$/));
  const property = fc.property(text, fc.constantFrom(...getSupportedRegionCodes()), (input, country) => {
    const read = readPhoneNumber(input, country);
    if (typeof read === 'string') return assert.match(read, /^(is|has) /);
    assert.match(read.e164, /^\+[1-9][0-9]{6,14}$/);
    assert(read.country === null || /^[A-Z]{2}$/.test(read.country), `${read.country}`);
    assert.deepEqual(readPhoneNumber(read.e164, 'US'), read);
  });
  fc.assert(property, fuzzing(3000));
});
