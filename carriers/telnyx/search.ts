import { countryCodeOf } from '../../phone-numbers/phone-number.ts';
import { matching } from '../answers.ts';
import type { NumberQuery, Offer } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import type { Client } from '../http.ts';
import { type AvailableNumber, AvailableNumbers } from './wire.ts';

/** Telnyx sells only numbers that a recent search has found (85000). */
export async function search(client: Client, wanted: NumberQuery): Promise<Offer[]> {
  const call = { method: 'GET', path: '/available_phone_numbers', query: queryFor(wanted) } as const;
  try {
    const { data } = await client(call, AvailableNumbers);
    if (!data.every(number => isSuitable(number, wanted)))
      throw new CarrierError('transient', 'Telnyx offered numbers of another country or without SMS');
    return matching(data.map(toOffer), wanted);
  } catch (error) {
    if (error instanceof CarrierError && nowhere.includes(error.outcome)) return [];
    throw error;
  }
}

/** For a place without any numbers Telnyx answers with a 4xx instead of an empty list. */
const nowhere = ['unavailable', 'not_found'];

function queryFor({
  country,
  area_code,
  phone_number,
  contains,
  limit,
}: NumberQuery): Record<string, string> {
  return {
    'filter[country_code]': country,
    'filter[features][]': 'sms',
    'filter[limit]': `${limit}`,
    ...(phone_number
      ? { 'filter[phone_number][ends_with]': withoutCountry(phone_number, country) }
      : area_code && { 'filter[national_destination_code]': area_code }),
    // With an area code, Telnyx looks for the digits after it.
    ...(contains && { 'filter[phone_number][contains]': contains }),
    // Else Telnyx also offers numbers of area codes nearby. It does so in these countries only.
    ...(['US', 'CA'].includes(country) && { 'filter[best_effort]': 'false' }),
  };
}

const withoutCountry = (phoneNumber: string, country: string) =>
  phoneNumber.replace(`+${countryCodeOf(country)}`, '').replace('+', '');

/** Whether it takes SMS and is of the country, if the answer says so. +1 is the code of 25 countries. */
function isSuitable({ features, region_information }: AvailableNumber, { country }: NumberQuery): boolean {
  const countries = region_information?.filter(({ region_type }) => region_type === 'country_code') ?? [];
  return (
    (features?.some(({ name }) => name.toLowerCase() === 'sms') ?? true) &&
    (countries.length === 0 || countries.some(({ region_name }) => region_name === country))
  );
}

function toOffer({ phone_number, region_information }: AvailableNumber): Offer {
  const named = (type: string) =>
    region_information?.find(({ region_type }) => region_type === type)?.region_name || null;
  return {
    phone_number,
    locality: named('location') ?? named('rate_center'),
    region: named('state'),
  };
}
