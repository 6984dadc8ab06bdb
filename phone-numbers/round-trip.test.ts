import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countries, countryCodeOf, type PhoneNumber, readPhoneNumber } from './phone-number.ts';
import { formatByGoogle } from './testing/google.ts';
import { runs } from './testing/runs.ts';
import { decorations, line } from './testing/writings.ts';

/** Whatever people and machines put into a field. */
const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 64 }),
  fc.string({ unit: 'grapheme', maxLength: 64 }),
  fc.stringMatching(/^[+0-9 ().;=extp#*/,'"-]{0,64}$/),
  fc.stringMatching(/^\+?[0-9]{1,16}[ ./-]{0,3}[0-9a-zA-Z.,;/+ ]{0,20}$/),
  fc.stringMatching(/^(00|011|0|\+)[0-9][0-9 /-]{4,20}$/),
);
const anyCountry = fc.constantFrom(...countries);

for (const { seed, numRuns } of runs(4000)) {
  test(`a number that was read is the same in any writing (seed ${seed})`, () => {
    const decoration = fc.constantFrom(...decorations);
    const property = fc.property(line, anyCountry, decoration, ({ e164, country }, elsewhere, decorate) => {
      const read = readPhoneNumber(e164, country);
      if (typeof read === 'string') return;
      const zero = `+${countryCodeOf(country)}`;
      const written = [read.e164, read.pretty, ` ${read.pretty} `, formatByGoogle(read.e164, 'RFC3966')];
      if (/^0/.test(formatByGoogle(read.e164, 'NATIONAL')) && read.e164.startsWith(zero))
        written.push(read.e164.replace(zero, `${zero} (0)`));
      for (const text of written) {
        assert.deepEqual(readPhoneNumber(text, elsewhere), read, text);
        assert.deepEqual(readPhoneNumber(decorate(text), elsewhere), read, text);
      }
      assert.deepEqual(readPhoneNumber(`00${read.e164.slice(1)}`, 'FR'), read);
      assert.deepEqual(readPhoneNumber(`011 ${read.pretty.slice(1)}`, 'US'), read);
      // Without its country code it may look like another country's, and then it is refused; but it is never another.
      if (!read.e164.startsWith(zero)) return;
      const national = readPhoneNumber(formatByGoogle(read.e164, 'NATIONAL'), country);
      if (typeof national !== 'string') assert.deepEqual(national, read);
    });
    fc.assert(property, { seed, numRuns });
  });

  test(`any text is read as a number of E.164, or refused in words (seed ${seed})`, () => {
    const property = fc.property(anyText, anyCountry, (text, country) => {
      const read = readPhoneNumber(text, country);
      // Reports keep these words, and a database keeps no NUL.
      if (typeof read === 'string') return assert.match(read, /^(is|has|seems|can) [ -~]{10,140}$/);
      assert.match(read.e164, /^\+[1-9]\d{6,14}$/);
      assert.match(read.country ?? 'ZZ', /^[A-Z]{2}$/);
      for (const again of [read.e164, read.pretty])
        assert.deepEqual(readPhoneNumber(again, country) as PhoneNumber, read);
    });
    fc.assert(property, { seed, numRuns });
  });
}
