import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readPhoneNumber } from './phone-number.ts';
import { planOf } from './plans/plans.ts';
import { formatByGoogle, readByGoogle } from './testing/google.ts';
import { runs } from './testing/runs.ts';
import { examples, line, type Written, written } from './testing/writings.ts';

const e164Of = (text: string, country = 'US'): string | undefined => {
  const read = readPhoneNumber(text, country);
  return typeof read === 'string' ? undefined : read.e164;
};

/** Where Google's library reads another number than we do from the same text, and we mean it. */
const differences: Record<string, (google: string, ours: string, written: Written) => boolean> = {
  'a line that is written in two ways is one number': (google, ours) =>
    /^\+(39|54|55|57|229|241)/.test(google) && e164Of(google) === ours,
  '00 and 011 lead abroad everywhere, whatever is dialled in the country': (_, ours, { plain, e164 }) =>
    /^0(0|11)/.test(plain.replace(/\D/g, '')) && ours === e164Of(e164),
  'a zero in brackets is no part of a number, in Colombia either': (google, ours, { plain, e164 }) =>
    plain.includes('(0)') && google.startsWith('+570') && ours === e164Of(e164),
  'the own country code is one where a number is in use only without it': (
    google,
    ours,
    { plain, country, e164 },
  ) => {
    const { code } = planOf(country)!;
    return `+${code}${plain.replace(/\D/g, '')}` === google && ours === e164Of(e164);
  },
};

/** Compares the two readings of a text; says what came of it. */
function compare(writing: Written): string {
  const google = readByGoogle(writing.plain, writing.country);
  const ours = readPhoneNumber(writing.text, writing.country);
  if (!google) return 'not read by Google';
  if (typeof ours === 'string') return 'read by Google alone';
  if (google.e164 === ours.e164) {
    assert.deepEqual(ours, google);
    return 'read as the same number';
  }
  const reason = Object.keys(differences).find(name => differences[name]!(google.e164, ours.e164, writing));
  assert(reason, `${google.e164} by Google, ${ours.e164} by us`);
  assert.deepEqual(ours, readByGoogle(ours.e164, 'ZZ'));
  return reason;
}

test("every kind of number of every country is read and printed as Google's library does it", () => {
  for (const { e164, country } of examples) {
    // Those that are no line of E.164, or that only one country dials.
    if (e164.length < 8 || e164.length > 16 || /^\+1310\d{4}$/.test(e164)) continue;
    const ours = readPhoneNumber(e164, country);
    assert(typeof ours !== 'string', `${e164} ${ours}`);
    if (ours.e164 !== e164) assert.match(e164, /^\+(549|241)/);
    assert.deepEqual(ours, readByGoogle(ours.e164, 'ZZ'));
    for (const format of ['INTERNATIONAL', 'RFC3966'] as const)
      assert.deepEqual(readPhoneNumber(formatByGoogle(e164, format), 'US'), ours);
  }
});

for (const { seed, numRuns } of runs(2000))
  test(`what Google's library reads too is the same number (seed ${seed})`, t => {
    const outcomes = new Map<string, number>();
    const property = fc.property(line.chain(written), writing => {
      const outcome = compare(writing);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    });
    fc.assert(property, { seed, numRuns });
    for (const [outcome, count] of outcomes) t.diagnostic(`${count} ${outcome}`);
    assert(outcomes.get('read as the same number')! > numRuns / 2);
    assert((outcomes.get('read by Google alone') ?? 0) < numRuns / 20);
  });
