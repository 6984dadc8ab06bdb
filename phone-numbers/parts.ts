import { countryCodeOf } from './phone-number.ts';
import { tidy } from './writing/tidy.ts';
import { digitsOf } from './writing/vanity.ts';

// Reads parts of numbers, as people search for numbers by them: in any formatting, and with letters for digits.

const digitsMax = 15;
/** All numbers of the North American plan have as many digits after the country code. */
const placesMax = 10;

/** A part that was read, or the problem with it: a clause that the field's name goes before. */
export type Part = { part: string } | string;

/**
 * The first digits, as E.164: `+1415`. With `+` the text begins with the country code. Without it the text is written as
 * within the country, where a 0, or in North America a 1, may come first.
 *
 * @param country must exist
 */
export function readFirstDigits(text: string, country: string): Part {
  const code = countryCodeOf(country)!;
  const [, plus, written] = /^(\+?)([A-Z\d]+)$/.exec(compact(text)) ?? [];
  if (written === undefined) return 'must be the first digits of a number, such as +1415 or 415';
  const digits = digitsOf(written);
  if (digits === undefined) return onlyPlaceholders;
  if (plus && !digits.startsWith(code))
    return `is not of country ${country}, whose numbers begin with +${code}`;
  const national = plus ? digits.slice(code.length) : withoutTrunkPrefix(digits, country);
  if (national === '') return 'must have at least one digit after the country code';
  if (code === '1' && /^[01]/.test(national))
    return `begins with ${national[0]} after +1, and no number does`;
  const max = code === '1' ? placesMax : digitsMax - code.length;
  if (national.length > max) return `must have at most ${max} digits after the country code`;
  return { part: `+${code}${national}` };
}

/** The last digits: `0199`. */
export function readLastDigits(text: string): Part {
  const written = compact(text);
  if (!/^[A-Z\d]{1,10}$/.test(written)) return 'must be the last digits of a number, 1 to 10 of them';
  const digits = digitsOf(written);
  return digits === undefined ? onlyPlaceholders : { part: digits };
}

/**
 * Digits that follow each other anywhere in the number, with `*` for any one digit, as Twilio writes it: `555*00`. A
 * pattern of ten places is the whole number in North America, so the country code is put before it.
 *
 * @param country must exist
 */
export function readPattern(text: string, country: string): Part {
  const written = compact(text).replace(/^\+/, '');
  if (!/^[A-Z\d*]+$/.test(written)) return 'must have digits, letters for digits, and * for any one digit';
  const pattern = digitsOf(written);
  if (pattern === undefined) return onlyPlaceholders;
  if (pattern.replaceAll('*', '').length < 2) return 'must have at least two digits beside *';
  const code = countryCodeOf(country)!;
  const whole = code === '1' && pattern.length === placesMax ? `1${pattern}` : pattern;
  const max = code === '1' ? placesMax + 1 : digitsMax;
  return whole.length > max ? `must have at most ${max} places` : { part: whole };
}

const onlyPlaceholders = 'has N or X for a digit that is not said: write * in contains, or leave it out';

const compact = (text: string) =>
  tidy(text)
    .replace(/[\s\-.()/]/g, '')
    .toUpperCase();

/** The 0 that is dialled within a country is no part of the number, except in Italy. */
function withoutTrunkPrefix(digits: string, country: string): string {
  if (countryCodeOf(country) === '1') return digits.replace(/^1/, '');
  return country === 'IT' ? digits : digits.replace(/^0/, '');
}
