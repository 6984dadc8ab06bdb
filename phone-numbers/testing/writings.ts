import fc from 'fast-check';
import { readPhoneNumber } from '../phone-number.ts';
import { planOf } from '../plans/plans.ts';
import { tables } from '../plans/tables.ts';
import { exampleOfCode, examplesOf, formatByGoogle } from './google.ts';

/** A number in E.164, and the country that a number without `+` is read as. */
export type Line = { e164: string; country: string };

export const countries = Object.keys(tables.countries);
const codes = Object.keys(tables.nonGeographic);

/** Google's examples: every kind of number of every country, and of every code that belongs to none. */
export const examples: Line[] = [
  ...countries.flatMap(country => examplesOf(country).map(e164 => ({ e164, country }))),
  ...codes.map(code => ({ e164: exampleOfCode(code), country: 'US' })),
];

/** Numbers in the ranges that the tables know of a country, in E.164. */
export function numbersOf(country: string): fc.Arbitrary<string> {
  const { code, row } = planOf(country)!;
  const patterns = (row[11] ?? []).flatMap(kind => (kind === 0 || kind[0] === '' ? [] : [kind[0]]));
  return fc
    .constantFrom(...patterns)
    .chain(pattern => fc.stringMatching(new RegExp(`^(?:${pattern})$`)))
    .map(number => `+${code}${number}`);
}

/** Numbers of all countries, in those ranges and beside them: examples with other digits at the end. */
export const line: fc.Arbitrary<Line> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...examples), fc.integer({ min: 1, max: 9 }), fc.stringMatching(/^\d{9}$/))
    .map(([{ e164, country }, count, digits]) => {
      const end = Math.min(count, e164.length - 5);
      return { e164: e164.slice(0, -end) + digits.slice(-end), country };
    }),
  fc.constantFrom(...countries).chain(country => numbersOf(country).map(e164 => ({ e164, country }))),
);

/** Numbers in the one writing that is kept. */
export const keptNumber: fc.Arbitrary<string> = line
  .map(({ e164 }) => e164)
  .filter(e164 => {
    const read = readPhoneNumber(e164, 'US');
    return typeof read === 'object' && read.e164 === e164;
  });

/** A line as somebody writes it: a text, and the same without what only files and spreadsheets put into it. */
export type Written = Line & { text: string; plain: string };

type Writer = (e164: string, country: string) => string | undefined;
const writers: Record<string, Writer> = {
  e164: e164 => e164,
  international: e164 => formatByGoogle(e164, 'INTERNATIONAL'),
  national: (e164, country) =>
    e164.startsWith(`+${planOf(country)!.code}`) ? formatByGoogle(e164, 'NATIONAL') : undefined,
  rfc3966: e164 => formatByGoogle(e164, 'RFC3966'),
  '00': e164 => `00${e164.slice(1)}`,
  '00 in groups': e164 => formatByGoogle(e164, 'INTERNATIONAL').replace('+', '00 '),
  '011': e164 => `011 ${e164.slice(1)}`,
  'own code without +': (e164, country) =>
    e164.startsWith(`+${planOf(country)!.code}`) ? e164.slice(1) : undefined,
  'zero in brackets': (e164, country) => {
    const { code, row } = planOf(country)!;
    return e164.startsWith(`+${code}`) && row[5] === '0'
      ? `+${code} (0)${e164.slice(code.length + 1)}`
      : undefined;
  },
};

const separators = [' ', '-', '.', '/', ' - ', ' ', '‑', '–', '  '];
export const decorations: ((text: string) => string)[] = [
  text => text,
  text => text.replace(/\d/g, digit => String.fromCodePoint(0x0660 + Number(digit))),
  text => text.replace(/[+\d]/g, character => String.fromCodePoint(character.codePointAt(0)! + 0xfee0)),
  text => `\u202a${text}\u202c`,
  text => `\ufeff${text}\u200b`,
  text => `'${text}`,
  text => `="${text}"`,
  text => `  ${text}\t`,
  text => text.replaceAll(' ', '\u00a0'),
  text => text.replaceAll(' ', '·'),
  text => (/^\+?\d+$/.test(text) ? `${text}.0` : text),
];

/** A line in the usual forms, with separators of any kind, as files and spreadsheets hand it on. */
export const written = ({ e164, country: own }: Line): fc.Arbitrary<Written> =>
  fc
    .record({
      writer: fc.constantFrom(...Object.values(writers)),
      country: fc.oneof({ weight: 3, arbitrary: fc.constant(own) }, fc.constantFrom(...countries)),
      decorate: fc.constantFrom(...decorations),
      separate: fc.option(fc.tuple(fc.constantFrom(...separators), fc.integer({ min: 2, max: 4 }))),
    })
    .map(({ writer, country, decorate, separate }) => {
      let plain = writer(e164, country) ?? e164;
      if (separate && /^\+?\d+$/.test(plain)) {
        const [separator, size] = separate;
        plain = plain.replace(new RegExp(`(\\d{${size}})(?=\\d)`, 'g'), `$1${separator}`);
      }
      return { e164, country, text: decorate(plain), plain };
    });
