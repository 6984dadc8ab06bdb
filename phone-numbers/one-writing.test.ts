import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPhoneNumber } from './phone-number.ts';

const numberOf = (text: string, country: string): string => {
  const read = readPhoneNumber(text, country);
  return typeof read === 'string' ? `${text} ${read}` : read.e164;
};

/** All writings of one line, with the country that they are written in. */
const lines: Record<string, [country: string, ...texts: string[]]> = {
  // Argentina: 9 from abroad, 15 within the country, neither for SMS.
  '+541123456701': [
    'AR',
    '+54 11 2345 6701',
    '+54 9 11 2345 6701',
    '+54 11 15 2345 6701',
    '011 2345-6701',
    '011 15-2345-6701',
    '11 15 2345-6701',
    '0054 9 11 2345 6701',
    '5491123456701',
    '+54 (0)11 15 2345 6701',
  ],
  '+543541431234': ['AR', '+54 9 3541 43-1234', '03541 15-43-1234', '3541 431234'],
  // Mexico: 1 from abroad, 01, 044 and 045 within the country, until 2019.
  '+525512345601': [
    'MX',
    '+52 55 1234 5601',
    '+52 1 55 1234 5601',
    '+52 01 55 1234 5601',
    '55 1234 5601',
    '01 55 1234 5601',
    '044 55 1234 5601',
    '045 55 1234 5601',
    '5215512345601',
    '0052 1 55 1234 5601',
  ],
  // Italy: a spreadsheet drops the zero of a fixed line. So do people who write (0).
  '+390669883501': [
    'IT',
    '+39 06 6988 3501',
    '+39 6 6988 3501',
    '+39 (0)6 6988 3501',
    '6 6988 3501',
    '39669883501',
  ],
  '+390212345678': ['IT', '02 1234 5678', '+39 2 1234 5678', '+39 (0)2 12345678'],
  '+390111234567': ['IT', '011 123 4567', '+39 11 123 4567', '+39 (0)11 123 4567'],
  '+390551234567': ['IT', '055 123 4567', '+39 55 123 4567'],
  '+393351234567': ['IT', '335 123 4567', '+39 335 123 4567', '+39 0335 123 4567', '+39 (0)335 123 4567'],
  '+39800123456': ['IT', '800 123456', '+39 800 123 456'],
  // Brazil: a 9 before mobile numbers, since 2012 to 2016.
  '+5511987654321': [
    'BR',
    '+55 11 98765-4321',
    '+55 11 8765-4321',
    '(11) 98765-4321',
    '(11) 8765-4321',
    '011 8765-4321',
    '0 21 11 98765-4321',
    '551187654321',
    '+55 (0)11 98765-4321',
  ],
  '+551178765432': ['BR', '+55 11 7876-5432', '(11) 7876-5432'], // trunking, which has kept its eight digits
  '+551143211234': ['BR', '+55 11 4321-1234', '(11) 4321-1234'],
  // Colombia: 60 before fixed lines, since 2021.
  '+576012345678': ['CO', '+57 601 234 5678', '+57 1 234 5678', '601 2345678'],
  '+573211234567': ['CO', '+57 321 123 4567', '321 123 4567'],
  // Benin: 01 before all numbers, since 2024.
  '+2290197123456': ['BJ', '+229 01 97 12 34 56', '+229 97 12 34 56', '97 12 34 56', '01 97 12 34 56'],
  // Gabon: old numbers of seven digits, which are dialled with a zero before them.
  '+24102123456': ['GA', '+241 2 12 34 56', '02 12 34 56', '+241 02 12 34 56', '+241 (0)2 12 34 56'],
  // Poland and others: a trunk zero that is none, or none any more.
  '+48225123456': [
    'PL',
    '+48 22 512 34 56',
    '+48 (0) 22 512 3456',
    '+48 022 512 3456',
    '022 512 34 56',
    '22 512 34 56',
  ],
  '+34912345678': ['ES', '+34 912 345 678', '+34 (0)912 345 678', '+34 0912 345 678'],
  // San Marino: the area code that is dialled from Italy.
  '+3780549886377': ['SM', '+378 0549 886377', '+378 886377', '0549 886377'],
  // Ivory Coast: a zero that is the number's own.
  '+2250707123456': ['CI', '+225 07 07 12 34 56', '+225 (0)7 07 12 34 56', '07 07 12 34 56'],
};

test('one line has one writing', () => {
  for (const [e164, [country, ...texts]] of Object.entries(lines)) {
    for (const text of [e164, ...texts]) assert.equal(numberOf(text, country), e164, text);
    // A text with + means the same number in every country.
    for (const text of texts.filter(text => text.startsWith('+')))
      assert.equal(numberOf(text, 'US'), e164, text);
  }
});

test('two lines are not made one', () => {
  const different = [
    ['+39 06 6988 3501', '+39 06 6988 3502'],
    ['+55 11 7876-5432', '+55 11 97876-5432'],
    ['+39 351 234 5678', '+39 0351 234 567'],
    ['+54 11 1523 4567', '+54 11 2345 6701'],
    ['+44 20 7946 0958', '+44 120 794 6095'],
  ];
  for (const [one, other] of different) {
    assert.match(numberOf(one!, 'US'), /^\+\d+$/);
    assert.notEqual(numberOf(one!, 'US'), numberOf(other!, 'US'));
  }
});
