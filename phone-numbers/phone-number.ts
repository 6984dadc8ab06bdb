import { homeOf, planOf } from './plans/plans.ts';
import { prettyOf } from './plans/pretty.ts';
import { hasOneLength } from './plans/significant.ts';
import { tables } from './plans/tables.ts';
import { type Reading, read } from './reading.ts';
import { isTwo, readsAsTwo } from './two-numbers.ts';
import { hasTwoNumbers, readUnusual } from './writing/unusual.ts';
import { scan, type Written } from './writing/written.ts';

/** A number as it is kept. */
export type PhoneNumber = {
  /** E.164: `+14155551234`. */
  e164: string;
  /** libphonenumber's INTERNATIONAL format: `+1 415-555-1234`. */
  pretty: string;
  /** ISO 3166-1 alpha-2, from the number itself; null where the plan does not tell, and for services such as +800. */
  country: string | null;
};

export const defaultCountry = 'US';

/** The countries that a number without `+` can be read as. */
export const countries: ReadonlySet<string> = new Set(Object.keys(tables.countries));

/** The country code of a country: `44`. */
export function countryCodeOf(country: string): string | undefined {
  return planOf(country)?.code;
}

/**
 * Reads a number in any usual way of writing it. Never throws. What is *possible* is read, not only what the tables
 * know (decision 5), and what could be another number than it seems is refused (decision 21).
 *
 * @param country what a number without `+` is read as
 * @returns the number, or what is wrong with the text, as a clause that a field's name goes before ("has …")
 */
export function readPhoneNumber(text: string, country: string): PhoneNumber | string {
  if (text.length > 64) return 'is too long for a phone number';
  const written = scan(text) ?? readUnusual(text, planOf(country));
  if (typeof written === 'string') return written;
  const reading = withoutFraction(written, country) ?? readOne(written, country);
  if (typeof reading === 'string') return reading;
  const { zone, number } = reading;
  return {
    e164: `+${zone[0].code}${number}`,
    pretty: prettyOf(zone, number),
    country: homeOf(zone, number)?.country ?? null,
  };
}

/** A number in E.164 in the writing that is kept; as it is, if no number can be read from it. */
export function inOneWriting(e164: string): string {
  const number = readPhoneNumber(e164, defaultCountry);
  return typeof number === 'string' ? e164 : number.e164;
}

/**
 * The digits that all writings of a number have in common, to search with among numbers in any writing. Mexico and
 * Argentina have writings with a digit between country code and number.
 *
 * @param e164 a number in the writing that is kept
 */
export function digitsInCommon(e164: string): string {
  return /^\+5[24](\d{10})$/.exec(e164)?.[1] ?? e164.slice(1);
}

/**
 * Of a number that a spreadsheet or a program took for an amount, the whole: `4930555011.0`, `4930555011.000000`. Three
 * to five digits after a point are a group of the number, unless they are zeros after what is a number already.
 */
function withoutFraction(written: Written, country: string): Reading | string | undefined {
  const { text, point, size } = written;
  if (point < 0) return undefined;
  const fraction = text.slice(point + 1).trim();
  const amount = text.slice(0, point).trim();
  const isWhole = /^0+$/.test(fraction);
  const isAmount = /^\+?\d+$/.test(amount);
  if (size > 2 && size < 6) {
    if (!isWhole || !isAmount) return undefined;
    const whole = read(scan(amount)!, country);
    if (typeof whole === 'string') return undefined;
    return typeof read(written, country) === 'object' ? isEither : whole;
  }
  if (!isWhole && !(isAmount && /^\d\d?$/.test(fraction))) return undefined;
  const reading = read(scan(amount)!, country);
  if (typeof reading === 'string') return isWhole && isAmount && size <= 2 ? reading : undefined;
  return isWhole ? reading : 'has a fraction: format the column as text';
}

const isEither = 'can be read with the zeros after the point or without: format the column as text';

function readOne(written: Written, country: string): Reading | string {
  const { text, digits } = written;
  const reading = read(written, country);
  if (typeof reading === 'string')
    return digits.length > 10 && isTwo(text, country) ? hasTwoNumbers : reading;
  const isOpen = !hasOneLength(reading.zone[0]);
  return isOpen && readsAsTwo(written, reading, country) ? hasTwoNumbers : reading;
}
