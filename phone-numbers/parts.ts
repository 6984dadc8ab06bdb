import { countryCodeOf } from './phone-number.ts';
import { digitsMax } from './plans/plan.ts';
import { planOf } from './plans/plans.ts';
import { tidy } from './writing/tidy.ts';
import { digitsOf } from './writing/vanity.ts';

// Reads parts of numbers, as people search for numbers by them: in any formatting, and with letters for digits.

/** All numbers of the North American plan have as many digits after the country code. */
const placesMax = 10;

/** A part that was read, or the problem with it: a clause that the field's name goes before. */
export type Part = { part: string } | string;

/**
 * The first digits, as E.164: `+1415`. After `+`, or what is dialled for it, comes the country code. Otherwise the text
 * is written as within the country, where the prefix of a call within it may come first: `020`, `1 415`.
 *
 * @param country must exist
 */
export function readFirstDigits(text: string, country: string): Part {
  const plan = planOf(country)!;
  const { code } = plan;
  // In +44 (0)20 the zero is dialled within the country only.
  const isDialledAtHome = tidy(text).startsWith('+') && plan.afterTrunk('0') !== undefined;
  const written = compact(isDialledAtHome ? text.replace(/\(\s*0\s*\)/, '') : text);
  if (!/^\+?[A-Z\d]+$/.test(written)) return 'must be the first digits of a number, such as +1415 or 415';
  const digits = digitsOf(written.replace('+', ''));
  if (digits === undefined) return onlyPlaceholders;
  const abroad = written.startsWith('+') ? '' : plan.internationalPrefix(digits);
  const international = abroad === undefined ? undefined : digits.slice(abroad.length);
  if (international !== undefined && !international.startsWith(code))
    return `is not of country ${country}, whose numbers begin with +${code}`;
  const national = international?.slice(code.length) ?? plan.afterTrunk(digits) ?? digits;
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
