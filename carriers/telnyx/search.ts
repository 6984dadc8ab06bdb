import { countryCodeOf } from '../../phone-numbers/phone-number.ts';
import { longestRun, matching, narrowed, saysAll } from '../answers.ts';
import type { NumberQuery, Offer, Wish } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import type { Client } from '../http.ts';
import { type AvailableNumber, AvailableNumbers } from './wire.ts';

/** Of what Telnyx cannot filter, so many numbers are filtered here. */
const offersMax = 100;

/** Telnyx sells only numbers that a recent search has found (85000). */
export async function search(client: Client, wanted: NumberQuery): Promise<Offer[]> {
  const { filter, asked } = filterFor(narrowed(wanted));
  const limit = saysAll(asked, wanted) ? wanted.limit : Math.max(wanted.limit, offersMax);
  const query = { ...filter, 'filter[limit]': `${limit}` };
  const call = { method: 'GET', path: '/available_phone_numbers', query } as const;
  try {
    const { data } = await client(call, AvailableNumbers);
    if (!data.every(number => isSuitable(number, wanted)))
      throw new CarrierError('transient', 'Telnyx offered numbers of another country or without SMS');
    return matching(data.map(toOffer), wanted, asked);
  } catch (error) {
    if (error instanceof CarrierError && nowhere.includes(error.outcome)) return [];
    throw error;
  }
}

/** For a place without any numbers Telnyx answers with a 4xx instead of an empty list. */
const nowhere = ['unavailable', 'not_found'];

/** In these countries Telnyx also offers numbers of area codes nearby, unless it is told not to. */
const northAmerican = ['US', 'CA'];
/** How many digits follow the area code: elsewhere at least so many. */
const lineLength = (country: string) => (northAmerican.includes(country) ? 7 : 4);

/**
 * Telnyx filters by area code, and by the digits after it. So it is asked for the digits that lie behind the area code
 * in any case. It knows no wildcards.
 *
 * @returns the filter, and the part of the wish that it says
 */
function filterFor(wish: Wish): { filter: Record<string, string>; asked: Wish } {
  const { country, phone_number, starts_with, ends_with, contains, toll_free } = wish;
  const isNorthAmerican = northAmerican.includes(country);
  const kind = toll_free ? 'toll_free' : isNorthAmerican && !phone_number ? 'local' : undefined;
  const always = {
    'filter[country_code]': country,
    'filter[features][]': 'sms',
    ...(kind && { 'filter[phone_number_type]': kind }),
    ...(isNorthAmerican && { 'filter[best_effort]': 'false' }),
  };
  if (phone_number) {
    const digits = { 'filter[phone_number][ends_with]': withoutCountry(phone_number, country) };
    return { filter: { ...always, ...digits }, asked: { country, phone_number } };
  }
  const first = starts_with === undefined ? '' : withoutCountry(starts_with, country);
  const area_code = wish.area_code ?? (isNorthAmerican && first.length >= 3 ? first.slice(0, 3) : undefined);
  const begins =
    area_code === undefined ? first : first.startsWith(area_code) ? first.slice(area_code.length) : '';
  const ends = area_code === undefined ? ends_with : ends_with?.slice(-lineLength(country));
  const run = longestRun(
    contains?.slice(overlap(contains, `${countryCodeOf(country)}${area_code ?? ''}`)) ?? '',
  );
  return {
    filter: {
      ...always,
      ...(area_code && { 'filter[national_destination_code]': area_code }),
      ...(begins && { 'filter[phone_number][starts_with]': begins }),
      ...(ends && { 'filter[phone_number][ends_with]': ends }),
      ...(run && { 'filter[phone_number][contains]': run }),
    },
    asked: {
      ...{ country, area_code, toll_free, ends_with: ends, contains: run || undefined },
      ...((begins || area_code === first.slice(0, 3)) && { starts_with }),
    },
  };
}

/** How many places of the pattern can lie in the beginning of a number. The others are in the rest in any case. */
function overlap(pattern: string, beginning: string): number {
  const agrees = (offset: number) =>
    [...beginning.slice(offset)].every((digit, place) => ['*', digit, undefined].includes(pattern[place]));
  const first = [...beginning].findIndex((_, offset) => agrees(offset));
  return first < 0 ? 0 : beginning.length - first;
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
