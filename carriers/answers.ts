import { countryCodeOf, digitsInCommon } from '../phone-numbers/phone-number.ts';
import { isTollFree } from '../phone-numbers/toll-free.ts';
import type { NumberQuery, Offer, Wish } from './carrier.ts';
import { CarrierError } from './errors.ts';

// Every adapter verifies an answer with these functions, after it has checked the answer's shape.

/**
 * Returns the answer if it is about the number that was asked for.
 *
 * @param asked `id`, `phone_number` (E.164) or both
 * @throws CarrierError `otherwise`: `transient` for a read; `outcome_unknown` for a change, since the carrier may have
 *   changed another number
 */
export function verify<T extends { id?: string; phone_number?: string }>(
  answer: T,
  asked: { id?: string; phone_number?: string },
  otherwise: 'transient' | 'outcome_unknown',
): T {
  if (asked.id !== undefined && answer.id !== asked.id)
    throw new CarrierError(otherwise, 'The carrier answered about another id than it was asked about');
  if (asked.phone_number !== undefined && answer.phone_number !== asked.phone_number)
    throw new CarrierError(otherwise, 'The carrier answered about another number than it was asked about');
  return answer;
}

/**
 * This number; undefined if the carrier found none. Carriers also find longer numbers that contain the digits.
 *
 * @throws CarrierError `transient` if a number does not contain the digits: the carrier has answered another question,
 *   so the answer does not say that ours is missing
 */
export function findExact<T extends { phone_number: string }>(
  found: T[],
  phoneNumber: string,
): T | undefined {
  for (const number of found)
    if (!number.phone_number.includes(digitsInCommon(phoneNumber)))
      throw new CarrierError('transient', 'The carrier found another number than it was asked for');
  return found.find(number => number.phone_number === phoneNumber);
}

/**
 * The offers that match the query, up to its limit.
 *
 * @param asked the part of the query that the carrier can filter by; the rest is filtered here
 * @throws CarrierError `transient` if there are offers and none is what the carrier was asked for: it has answered
 *   another question, so the answer does not say that there is none
 */
export function matching(offers: Offer[], query: NumberQuery, asked: Wish = query): Offer[] {
  const answered = offers.filter(offer => fits(offer.phone_number, asked));
  if (offers.length > 0 && answered.length === 0)
    throw new CarrierError('transient', 'The carrier offered other numbers than it was asked for');
  return answered.filter(offer => fits(offer.phone_number, query)).slice(0, query.limit);
}

/** Whether a number is as it was wished for. @param phoneNumber E.164 */
export function fits(phoneNumber: string, wish: Wish): boolean {
  const { country, area_code = '', phone_number, starts_with = '', ends_with = '', contains } = wish;
  const code = `+${countryCodeOf(country)}`;
  // Some people write an area code with the 0 that is dialled within the country.
  const prefixes = [area_code, area_code.replace(/^0/, '')].map(prefix => `${code}${prefix}`);
  return (
    prefixes.some(prefix => phoneNumber.startsWith(prefix)) &&
    phoneNumber.startsWith(starts_with) &&
    phoneNumber.endsWith(ends_with) &&
    (contains === undefined || new RegExp(contains.replaceAll('*', '\\d')).test(phoneNumber)) &&
    (phone_number === undefined
      ? code !== '+1' || isTollFree(phoneNumber) === (wish.toll_free ?? false)
      : phoneNumber === phone_number)
  );
}

/** A number of the North American plan with its country code. */
const wholeLength = 11;

/**
 * The same wish, with what a pattern of the whole number says of its first and last digits: carriers filter by these,
 * and by no pattern with a wildcard between digits.
 */
export function narrowed<T extends Wish>(wish: T): T {
  const { contains = '', starts_with = '', ends_with = '' } = wish;
  if (contains.length !== wholeLength || countryCodeOf(wish.country) !== '1') return wish;
  const first = `+${/^\d*/.exec(contains)![0]}`;
  const last = /\d*$/.exec(contains)![0];
  return {
    ...wish,
    ...(first.length > Math.max(starts_with.length, 2) && { starts_with: first }),
    ...(last.length > ends_with.length && { ends_with: last }),
  };
}

/** Whether what a carrier was asked for is all that is wanted. */
export const saysAll = (asked: Wish, wanted: Wish): boolean =>
  (['area_code', 'starts_with', 'ends_with', 'contains'] as const).every(
    name => wanted[name] === undefined || wanted[name] === asked[name],
  );

/** The longest run of digits in a pattern. */
export const longestRun = (pattern: string): string =>
  pattern.split('*').reduce((longest, run) => (run.length > longest.length ? run : longest));

/** The answer, or undefined if the carrier says `not_found`. */
export async function ifFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CarrierError && error.outcome === 'not_found') return undefined;
    throw error;
  }
}
