import { countryCodeOf } from '../../phone-numbers/phone-number.ts';
import { matching } from '../answers.ts';
import type { NumberQuery, Offer } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { accountPath, type TwilioAccount } from './numbers.ts';
import { type AvailableNumber, AvailableNumbers, noneInAreaCode } from './wire.ts';

/** https://www.twilio.com/docs/phone-numbers/api/availablephonenumberlocal-resource */
export async function search(account: TwilioAccount, wanted: NumberQuery): Promise<Offer[]> {
  const path = `${accountPath(account)}/AvailablePhoneNumbers/${encodeURIComponent(wanted.country)}/Local.json`;
  const query = { SmsEnabled: 'true', PageSize: `${Math.min(wanted.limit, 1000)}`, ...filterFor(wanted) };
  try {
    const { available_phone_numbers } = await account.client(
      { method: 'GET', path, query },
      AvailableNumbers,
    );
    return matching(available_phone_numbers.filter(takesSms).map(toOffer), wanted);
  } catch (error) {
    if (error instanceof CarrierError && isNowhere(error)) return [];
    throw error;
  }
}

/** Twilio's errors for an area code without numbers and for a country without local numbers. */
const isNowhere = ({ carrierCode, outcome }: CarrierError) =>
  carrierCode === noneInAreaCode || outcome === 'not_found';

/**
 * `AreaCode` works in the United States and Canada. `Contains` takes one pattern: digits anywhere in the number, or after
 * a `+` its first digits. If the query has several conditions, Twilio gets the narrowest; `matching()` applies the others.
 */
function filterFor({ country, area_code, phone_number, contains }: NumberQuery): Record<string, string> {
  if (phone_number) return { Contains: phone_number };
  const digits = contains && contains.length >= 2 ? { Contains: contains } : undefined;
  if (!area_code) return { ...digits };
  if (country === 'US' || country === 'CA') return { AreaCode: area_code, ...digits };
  // The 0 that is dialled within a country is no part of the E.164, except in Italy.
  const code = country === 'IT' ? area_code : area_code.replace(/^0/, '');
  return { Contains: `+${countryCodeOf(country)}${code}` };
}

const takesSms = ({ capabilities }: AvailableNumber): boolean =>
  !capabilities ||
  Object.entries(capabilities).some(([name, can]) => name.toLowerCase() === 'sms' && can === true);

const toOffer = ({ phone_number, locality, region }: AvailableNumber): Offer => ({
  phone_number,
  locality: locality || null,
  region: region || null,
});
