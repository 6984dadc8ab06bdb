import { getCountryCodeForRegionCode } from 'awesome-phonenumber';
import type { Offer, Wanted } from './carrier.ts';
import { CarrierError } from './errors.ts';

// What every carrier does with an answer before it is believed, once its shape is known to be right.

/**
 * The answer, if it is about what was asked.
 *
 * @param asked `id`, `phone_number` (E.164) or both
 * @throws CarrierError `otherwise`: `transient` where the call has only read, `outcome_unknown` where it has changed
 *   something, since what it has changed is then anybody's guess
 */
export function believe<T extends { id?: string; phone_number?: string }>(
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
 * The one number that was looked for, among those that a carrier found; undefined if it found none. Carriers also find
 * longer numbers that have the digits somewhere; a number that does not even have those answers another question, and
 * does not say that ours is not there.
 *
 * @throws CarrierError `transient`
 */
export function exactly<T extends { phone_number: string }>(found: T[], phoneNumber: string): T | undefined {
  for (const number of found)
    if (!number.phone_number.includes(phoneNumber.slice(1)))
      throw new CarrierError('transient', 'The carrier found another number than it was asked for');
  return found.find(number => number.phone_number === phoneNumber);
}

/**
 * The offers that are what was wanted, at most as many as were wanted.
 *
 * @throws CarrierError `transient` where there are offers and none of them is: that is no answer to the question, and
 *   does not say that there is nothing
 */
export function fitting(offers: Offer[], wanted: Wanted): Offer[] {
  const fit = offers.filter(offer => fits(offer.phone_number, wanted));
  if (offers.length > 0 && fit.length === 0)
    throw new CarrierError('transient', 'The carrier offered other numbers than it was asked for');
  return fit.slice(0, wanted.limit);
}

function fits(
  phoneNumber: string,
  { country, area_code = '', phone_number, contains = '' }: Wanted,
): boolean {
  // Some write an area code with the 0 that is dialled within the country.
  const prefixes = [area_code, area_code.replace(/^0/, '')].map(
    code => `+${getCountryCodeForRegionCode(country)}${code}`,
  );
  return (
    prefixes.some(prefix => phoneNumber.startsWith(prefix)) &&
    phoneNumber.includes(contains) &&
    (phone_number === undefined || phoneNumber === phone_number)
  );
}

/** What was asked for, or undefined where the carrier knows of no such thing. */
export async function ifFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CarrierError && error.outcome === 'not_found') return undefined;
    throw error;
  }
}
