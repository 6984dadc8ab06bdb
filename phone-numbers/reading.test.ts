import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PhoneNumber, readPhoneNumber } from './phone-number.ts';

/** What the texts are read as, each with the country that a number without + is read as before it: `GB 020 …`. */
function readAs(e164: string, texts: string[]): void {
  for (const text of texts) {
    const read = readPhoneNumber(text.slice(3), text.slice(0, 2));
    assert.equal(typeof read === 'string' ? read : read.e164, e164, text);
  }
}

test('a number in any usual writing is the same number', () => {
  readAs('+14155551234', [
    'US +14155551234',
    'US  14155551234', // a `+` in a query
    'US 14155551234',
    'US 4155551234',
    'US (415) 555-1234',
    'US 415.555.1234',
    'US 1-415-555-1234',
    'US +1 (415) 555 1234',
    'US 415/555/1234',
    'US ++1 415 555 1234',
    'US (+1) 415 555 1234',
    'CA [415] 555~1234',
    'GB +1 415 555 1234',
    'GB 00 1 415 555 1234',
    'US 001 415 555 1234',
    'GB 011 1 415 555 1234',
    'DE 011-1-415-555-1234',
    'JP 010 1 415 555 1234',
    'AU 0011 1 415 555 1234',
    'RU 8~10 1 415 555 1234',
    'US 415 555 1234.',
    'US 415 555 1234;',
  ]);
  readAs('+442079460958', [
    'GB 020 7946 0958',
    'GB +44 20 7946 0958',
    'GB 2079460958', // a zero that a spreadsheet has dropped
    'GB 442079460958',
    'GB 44 (0)20 7946 0958',
    'US +44 (0)20 7946 0958',
    'US +44(0)2079460958',
    'US +44 [0] 20 7946 0958',
    'US +44 020 7946 0958',
    'US +44 (020) 7946 0958',
    'US 011 44 20 7946 0958',
    'FR 00 44 (0) 20 7946 0958',
    'JP 00 44 20 7946 0958',
    'GG 020 7946 0958',
  ]);
  readAs('+447700900123', [
    'GB 0044 7700 900123',
    'GB 447700900123',
    'GB 07700-900123',
    'US +44 07700 900123',
  ]);
  readAs('+4930123456', ['DE 030 123456', 'DE 030/12 34 56', 'DE 4930123456', 'DE (030) 12-34-56']);
  readAs('+390669883511', [
    'IT 06 698 83511',
    'IT +39 06 698 83511',
    'IT 390669883511',
    'US +39 (0)6 698 83511',
  ]);
  // A company's number and an extension that is part of it.
  readAs('+4315880118801', ['AT 01 58801-18801', 'AT +43 1 58801 18801']);
  readAs('+41446681800', ['CH 044 668 18 00', 'BR 0041 44 668 18 00']);
  readAs('+61131234', ['AU 13 12 34', 'US +61 13 12 34']);
});

test('what files, spreadsheets and web pages put into a number is none of it', () => {
  readAs('+14155551234', [
    "US '+14155551234",
    'US ’4155551234’',
    'US ="+14155551234"',
    'US ="4155551234"',
    'US =14155551234',
    'US "415-555-1234"',
    'US 14155551234.0',
    'US +14155551234.00',
    'US 14155551234.000',
    "US '4155551234.0",
    'US 14155551234,0',
    'US \u202a+1 415-555-1234\u202c',
    'US \ufeff4155551234\u200b',
    'US \u2066415\u2060555\u00ad1234\u2069',
    'US +1\u00a0415\u202f555\u20071234',
    'US 415‐555‑1234',
    'US 415–555—1234',
    'US 415−555－1234',
    'US ＋１（４１５）５５５－１２３４',
    'US ４１５．５５５．１２３４',
    'US ٤١٥٥٥٥١٢٣٤',
    'US ۴۱۵ ۵۵۵ ۱۲۳۴',
    'US +१ ४१५-५५५-१२३४',
    'US 𝟜𝟙𝟝𝟝𝟝𝟝𝟙𝟚𝟛𝟜',
    'US 415·555·1234',
    'US 415➖555─1234',
    'US ➕1 415 555 1234',
    'US 4️⃣1️⃣5️⃣ 555 1234',
    'US 415\u3164555\u28001234',
    "US '=14155551234",
    'US 14155551234.0 ',
    'US 14155551234.000000',
    'US \t415\t555\t1234 ',
    'US 415 555 1234\r\n',
    'US tel:+1-415-555-1234',
    'GB TEL:+1-415-555-1234',
    'GB tel:+1(415)555-1234;phone-context=example.com',
    'GB tel:415-555-1234;phone-context=+1',
  ]);
  readAs('+4930555993', ['DE +49 30 555993.0', 'US +4930555993.0', 'DE 4930555993.0', 'DE 030 555993.00']);
  // Dots that part groups are no decimal points.
  readAs('+497110000', ['DE 0711.0000']);
  readAs('+14155550000', ['US 415555.0000', 'US +1415555.0000']);
  readAs('+4930555000', ['DE 030.555.000', 'DE 030 555.000']);
  readAs('+33123456700', ['FR 01.23.45.67.00']);
});

test('words are read where numbers have ten digits', () => {
  readAs('+18003569377', ['US 1-800-FLOWERS', 'US 800 flowers', 'GB +1 800 FLOWERS', 'DE 00 1 800 FLOWERS']);
  readAs('+18004478376', ['US 800-44-STERN', 'CA (800) 44-STERN']);
  readAs('+18884252666', ['US 1-888-4AL-ANON']);
});

test('codes of services have no exchange, so 211 to 911 stand where one would', () => {
  readAs('+18552110100', ['US 1-855-211-0100']);
  readAs('+18004110199', ['US (800) 411-0199']);
  readAs('+18889110142', ['US +18889110142']);
  readAs('+15339110142', ['US 533-911-0142']);
  readAs('+15329110142', ['US 532-911-0142']);
  readAs('+19009110142', ['US 900-911-0142']);
});

test('codes of no country are country codes', () => {
  const numbers = [
    '+80052323111',
    '+80812345678',
    '+870773111632',
    '+878101234567890',
    '+881612345678',
  ].concat(['+8821612345678', '+883510012345678', '+88812345678901', '+979123456789']);
  for (const e164 of numbers) {
    readAs(e164, [`US ${e164}`, `DE 00${e164.slice(1)}`, `US 011 ${e164.slice(1)}`]);
    assert.equal((readPhoneNumber(e164, 'US') as PhoneNumber).country, null);
  }
});

test('the country is that of the number, not the one that it was written in', () => {
  const countries: [country: string, text: string, own: string][] = [
    ['US', '416 555 1234', 'CA'],
    ['CA', '415 555 1234', 'US'],
    ['US', '011 44 20 7946 0958', 'GB'],
    ['GB', '07781 123456', 'GG'],
    ['US', '242 365 1234', 'BS'],
    ['RU', '8 701 234 56 78', 'KZ'],
    ['IT', '06 698 12345', 'VA'],
  ];
  for (const [country, text, own] of countries)
    assert.equal((readPhoneNumber(text, country) as PhoneNumber).country, own, text);
});

test('a new range is read: what is possible is enough', () => {
  readAs('+12995551234', ['US 299-555-1234', 'GB +1 299 555 1234']);
  readAs('+14989223456', ['US 4989223456']); // no area code yet, and with a + a number of Munich
  readAs('+4919912345678', ['DE 0199 12345678', 'US +49 199 12345678']);
  readAs('+16497250949', ['TC (649) 725-0949', 'US 649 725 0949']); // an area code's new exchange
  readAs('+298123456', ['DK +298 123456', 'FO 123456']);
});
