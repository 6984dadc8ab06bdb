import { getCountryCodeForRegionCode } from 'awesome-phonenumber';
import { fitting } from '../answers.ts';
import type { Offer, Wanted } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { accountPath, type Reach } from './numbers.ts';
import { type AvailableNumber, AvailableNumbers, noneInAreaCode } from './wire.ts';

/** https://www.twilio.com/docs/phone-numbers/api/availablephonenumberlocal-resource */
export async function search(reach: Reach, wanted: Wanted): Promise<Offer[]> {
  const path = `${accountPath(reach)}/AvailablePhoneNumbers/${encodeURIComponent(wanted.country)}/Local.json`;
  const query = { SmsEnabled: 'true', PageSize: `${Math.min(wanted.limit, 1000)}`, ...filterFor(wanted) };
  try {
    const { available_phone_numbers } = await reach.client({ method: 'GET', path, query }, AvailableNumbers);
    return fitting(available_phone_numbers.filter(takesSms).map(toOffer), wanted);
  } catch (error) {
    if (error instanceof CarrierError && isNowhere(error)) return [];
    throw error;
  }
}

/** An area code without numbers, and a country without (local) ones. */
const isNowhere = ({ carrierCode, outcome }: CarrierError) =>
  carrierCode === noneInAreaCode || outcome === 'not_found';

/**
 * `AreaCode` is for the United States and Canada. `Contains` is one pattern: digits anywhere, or after a `+` the first
 * ones. Of several wishes Twilio is told the narrowest, and the others hold among what it offers.
 */
function filterFor({ country, area_code, phone_number, contains }: Wanted): Record<string, string> {
  if (phone_number) return { Contains: phone_number };
  const digits = contains && contains.length >= 2 ? { Contains: contains } : undefined;
  if (!area_code) return { ...digits };
  if (country === 'US' || country === 'CA') return { AreaCode: area_code, ...digits };
  // The 0 that is dialled within a country is no part of a number abroad, other than in Italy.
  const code = country === 'IT' ? area_code : area_code.replace(/^0/, '');
  return { Contains: `+${getCountryCodeForRegionCode(country)}${code}` };
}

const takesSms = ({ capabilities }: AvailableNumber): boolean =>
  !capabilities ||
  Object.entries(capabilities).some(([name, can]) => name.toLowerCase() === 'sms' && can === true);

const toOffer = ({ phone_number, locality, region }: AvailableNumber): Offer => ({
  phone_number,
  locality: locality || null,
  region: region || null,
});
