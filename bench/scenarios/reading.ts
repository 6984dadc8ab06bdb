import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readPhoneNumber } from '../../phone-numbers/phone-number.ts';
import { formatByGoogle, readByGoogle } from '../../phone-numbers/testing/google.ts';
import { numbersOf } from '../../phone-numbers/testing/writings.ts';
import type { Bench } from '../bench.ts';
import { compared, type Line } from '../figures.ts';

const countries = ['GB', 'DE', 'BR', 'IN', 'FR', 'JP', 'US'];

/** How long a number takes to be read and formatted: by us, and by Google's library in JavaScript. */
export async function readNumbers({ quick }: Bench): Promise<Line[]> {
  return countries.map(country => {
    const texts = textsOf(country);
    for (const text of texts) assert.deepEqual(readPhoneNumber(text, country), readByGoogle(text, country));
    const ours: number[] = [];
    const floor: number[] = [];
    for (let round = 0; round < (quick ? 3 : 9); round++) {
      ours.push(microseconds(texts, text => readPhoneNumber(text, country)));
      floor.push(microseconds(texts, text => readByGoogle(text, country)));
    }
    const measured = { what: `a number of ${country}, read and formatted`, unit: 'µs', ours, floor };
    return compared('reading', { ...measured, against: "Google's library" }, { most: 0.12 });
  });
}

/** A thousand numbers or so in three writings, as far as both read them as the same. */
function textsOf(country: string): string[] {
  const numbers = fc.sample(numbersOf(country), { numRuns: 1000, seed: 21 });
  return numbers
    .filter(e164 => readByGoogle(e164, country)?.country === country)
    .flatMap(e164 => [e164, formatByGoogle(e164, 'INTERNATIONAL'), formatByGoogle(e164, 'NATIONAL')])
    .filter(text => {
      const read = readPhoneNumber(text, country);
      return typeof read === 'object' && read.e164 === readByGoogle(text, country)?.e164;
    });
}

/** Processor time for one of the texts, all of them being read ten times. */
function microseconds(texts: string[], read: (text: string) => unknown): number {
  const begun = process.threadCpuUsage();
  for (let time = 0; time < 10; time++) for (const text of texts) read(text);
  const { user, system } = process.threadCpuUsage(begun);
  return (user + system) / 10 / texts.length;
}
