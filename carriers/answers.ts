import { countryCodeOf, digitsInCommon } from '../phone-numbers/phone-number.ts';
import type { NumberQuery, Offer } from './carrier.ts';
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
 * @throws CarrierError `transient` if there are offers and none matches: the carrier has answered another question, so
 *   the answer does not say that there is none
 */
export function matching(offers: Offer[], query: NumberQuery): Offer[] {
  const fit = offers.filter(offer => fits(offer.phone_number, query));
  if (offers.length > 0 && fit.length === 0)
    throw new CarrierError('transient', 'The carrier offered other numbers than it was asked for');
  return fit.slice(0, query.limit);
}

function fits(
  phoneNumber: string,
  { country, area_code = '', phone_number, contains = '' }: NumberQuery,
): boolean {
  // Some people write an area code with the 0 that is dialled within the country.
  const prefixes = [area_code, area_code.replace(/^0/, '')].map(code => `+${countryCodeOf(country)}${code}`);
  return (
    prefixes.some(prefix => phoneNumber.startsWith(prefix)) &&
    phoneNumber.includes(contains) &&
    (phone_number === undefined || phoneNumber === phone_number)
  );
}

/** The answer, or undefined if the carrier says `not_found`. */
export async function ifFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CarrierError && error.outcome === 'not_found') return undefined;
    throw error;
  }
}
