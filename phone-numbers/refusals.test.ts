import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPhoneNumber } from './phone-number.ts';

/** Each text has the country that a number without + is read as before it. */
function refused(reason: string | RegExp, texts: string[]): void {
  for (const text of texts) {
    const read = readPhoneNumber(text.slice(3), text.slice(0, 2));
    const said = typeof read === 'string' ? read : `is read as ${read.e164}`;
    if (typeof reason === 'string') assert.equal(said, reason, text);
    else assert.match(said, reason, text);
  }
}

test('letters', () => {
  refused('has letters in it: give the number alone', [
    'US +49 30 5559902 Tom',
    'US +49 151 23456789 (Bob)',
    'DE Tom 030 5559902',
    'US +43 1 5550111 (Info)',
    'US +358 9 555 0112 Ann',
    'US Tel. 415-555-1234',
    'US 415-555-1234 Ａｎｎ',
    'US 415-555-1234 Мария',
    'DE 030 555O123',
    'US 1-800-THE-CRAVE',
    'GB 0800 FLOWERS',
    'GB 800 FLOWERS',
    'US +44 800 FLOWERS',
    'US 415-555-12AB',
    'US 415-555-XXXX',
    'US 415-NXX-XXXX',
    'US TEL-555-1234',
    'US (415) 555-O1OO',
    'US 415-I55-OlOO',
  ]);
  refused('is not a phone number', [
    'US ',
    'US hello',
    'US anonymous',
    'US +',
    'US -',
    'US 电话',
    'US 📞',
    'US \ud800',
  ]);
});

test('two numbers', () => {
  refused('has two numbers in it: give each of them alone', [
    'US 206.570.0001;206.570.0002',
    'US 206-570-0001, 206-570-0002',
    'US 206-570-0001 206-570-0002',
    'US 206-570-0001\n206-570-0002',
    'US 206-570-0001 / 206-570-0002',
    'US 206-570-0001/0002',
    'US 206-570-0001 or 206-570-0002',
    'US 206-570-0001 & 206-570-0002',
    'US +12065700001|+12065700002',
    'US +1 206 570 0001 +1 206 570 0002',
    'US +12065700001+12065700002',
    'GB 07700 900123 07700 900124',
    'GB 07700900123/07700900124',
    'DE 030 55501 und 030 55502',
    'DE +49 30 55501 55502',
    'DE +49 30 55501-55502',
    'DE +49 30 55501 66602',
    'DE +49 30 555012 66602',
    'AT +43 1 55501 55502',
    'FI +358 9 55501 66602',
    'IT +39 06 12345 67890',
    'DE +49 30 555012 555013',
    'DE 030 5551 030 5552',
    'DE 030 5551 089 5552',
    'DE +49 30 5551 030 5552',
    'DE 030 55501\n66602',
    'DE 030 555012/13',
    'DE 030/555012/13',
    'DE 030 5550/5551',
    'IT 06 1234 06 1235',
    'FI +358 9 55501 55502',
    'GB 020 7946 0958 / 0959',
  ]);
});

test('extensions, in the words of many languages', () => {
  refused('has an extension, and a number that takes SMS has none', [
    'US 415-555-1234 x5',
    'US 415-555-1234x12345',
    'US +1 415 555 1234 ext. 5',
    'US +1 415 555 1234 Extension 12',
    'US 415-555-1234 #9',
    'US 415-555-1234,,9',
    'US 415-555-1234;9',
    'US 415-555-1234p9',
    'US 415-555-1234*9',
    'US tel:+1-415-555-1234;ext=9',
    'US +14155551234;ext=9',
    'DE 030 123456 Durchwahl 12',
    'AT 01 58801 DW 12',
    'AT 01 58801 Kl. 12',
    'ES 912 345 678 int. 5',
    'IT 06 69883511 interno 5',
    'MX 55 1234 5678 extensión 5',
    'PE 01 2345678 anexo 5',
    'BR 11 4321-1234 ramal 5',
    'FR 01 23 45 67 89 poste 12',
    'NL 020 123 4567 tst. 5',
    'RU 8 495 123-45-67 доб. 12',
    'RU 8 495 123-45-67 (доб. 12)',
    'RU 8 495 123-45-67 вн. 12',
    'PL 22 512 34 56 wew. 12',
    'HU 06 1 234 5678 mellék 12',
    'TR 0212 345 67 89 dahili 12',
    'GR 21 2345 6789 εσωτ. 12',
    'JP 03-1234-5678 内線 12',
    'CN 010-12345678 转 12',
    'CN 010-12345678 分机 12',
    'KR 02-312-3456 내선 12',
    'IL 03-612-3456 שלוחה 12',
    'SA 011 234 5678 تحويلة ١٢',
    'VN 024 3123 4567 máy lẻ 12',
    'DE 030 123456, Durchwahl Nr. 12',
    'US 415-555-1234 extension number 1-2',
    'US 415-555-1234 ｅｘｔ 12',
  ]);
});

test('short codes', () => {
  refused(/^has only \d digits?: a short code is not a phone number$/, [
    'US 72727',
    'US 898211',
    'US 911',
    'DE 115',
    'DE 32665',
    'DE 72020',
    'DE 720201',
    'US +49 115',
    'US +49 32665',
    'AT 123',
    'US +43 123',
    'GB 1234',
    'GB 60006',
    'GB 116123',
    'US +4460006',
    'IE 50123',
    'ZA 31000',
    'AU 197777',
    'KR 1588',
    'PH 2346',
    'IT 48383',
    'BR 27123',
    'US 0',
  ]);
});

test('too few and too many digits', () => {
  refused('has no area code', ['US 555-1234', 'CA 5551234']);
  refused('has 8 digits after +1 instead of 10', ['US 415-555-12', 'US +1 415 555 12']);
  refused('has 11 digits after +1 instead of 10', ['US +1 415 555 12345']);
  refused(/^has 12 digits after \+1 instead of 10: if .*write it with \+ and the country code$/, [
    'US 415555123456',
  ]);
  refused('has 8 digits after +44 instead of 7, 9 or 10', ['US +44 20 7946 09']);
  refused(/^has 14 digits after \+49 instead of 5 to 13, and no phone number has more than 15$/, [
    'US +49 15123456789012',
  ]);
  refused(/no phone number has more than 15$/, ['US +62 8123456789012345', 'JP +81 0077 1234567890123']);
  refused('has nothing after +49', ['US +49']);
  refused('is too long for a phone number', [`US ${'4'.repeat(65)}`]);
});

test('what a spreadsheet has done', () => {
  refused('has lost digits (a spreadsheet has shortened this number: format the column as text)', [
    'US 4.479E+11',
    'US 1.41555E+10',
    'US 4,479E+11',
    'US 0.1E+11',
    'DE 4.93E+11',
    'US +1.4e10',
    'US 1E+10',
    "US '4.479E+11",
  ]);
  refused('has a fraction: format the column as text', ['US 4155551234.5', 'DE +4930555011.25']);
  refused('can be read with the zeros after the point or without: format the column as text', [
    'DE +4930555011.000',
    'DE 030555011.0000',
  ]);
});

test('numbers of another country', () => {
  refused('seems to be of another country: write it with + and the country code', [
    'US 442079460958',
    'US 4930123456',
    'DE 442079460958',
    'DE 447700900123',
    'DE 14155551234',
    'IT 33612345678',
    'FR 447911123456',
    'GB 8613800138000',
    'US 442079460958.0',
  ]);
  refused('can be read in two ways: write it with + and the country code', [
    'DE 49211234567', // Düsseldorf without its +, or Emden without its 0
    'CO 00 57 910 1221987', // dialled through a carrier, or with 00 for a +
    'MX 15512345678', // New Jersey without its +, or Mexico City as before 2019
  ]);
  refused('has no known country code', ['US +999123456789', 'US 00 999 123456789', 'US +0 415 555 1234']);
  refused('has no country code: write it with + and the country code', ['XX 415 555 1234']);
});

test('what has no place in a number', () => {
  refused('has a character in it that no phone number has', [
    'US 📞 415 555 1234',
    'US 415 555 1234 📞',
    'US \u0000415 555 1234',
    'US 415\u0000555 1234',
    'US 415 555 1234 \ud800',
    'US 415 555 1234 \udc00',
    'US 415_555_1234',
    'US <415 555 1234>',
  ]);
  refused('has more than one line: give the number alone', ['US 415\n555 1234', 'US 4155551234\u20282']);
  refused('has its country code twice', [
    'US +49 49 30 123456',
    'US 00 44 44 20 7946 0958',
    'DE +4949151 23456789',
  ]);
  refused('has a + in the middle', ['US 1+4155551234', 'US 415 555 1234+']);
  refused('has a 0 or another prefix too many', ['US +49 00 30 123456']);
});

test('no area code and no exchange of +1', () => {
  refused(/^has 115 for an area code/, ['US +11155551234']);
  refused(/^has 911 for an area code/, ['US +19115551234']);
  refused(/^has 155 for an exchange/, ['US +14151551234', 'US +18001551234']);
  refused(/^has 911 for an exchange/, ['US +14159111234']);
  refused(/^has 411 for an exchange/, ['US (415) 411-0100', 'US +1 416 411 0100']);
});
