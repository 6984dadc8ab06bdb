import type { Wish } from '../../carriers/carrier.ts';
import { type Part, readFirstDigits, readLastDigits, readPattern } from '../../phone-numbers/parts.ts';
import { countryCodeOf } from '../../phone-numbers/phone-number.ts';
import { regionsOf } from '../../phone-numbers/regions.ts';
import { isTollFree, tollFreeCodes } from '../../phone-numbers/toll-free.ts';
import { invalid } from '../errors.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';

/** What a number to buy must be like: one number, or any that has all of the rest. */
export type Wanted = {
  country: string;
  /** In order of preference: a number of the next one is bought only if none of those before it is for sale. */
  area_codes: string[];
  /** E.164 */
  wanted_number: string | null;
  /** As Wish has them. */
  starts_with: string | null;
  ends_with: string | null;
  contains: string | null;
  toll_free: boolean;
};

/** The same as a request has it. */
export type GivenWishes = {
  country: string;
  area_code?: string | string[] | undefined;
  phone_number?: string | undefined;
  starts_with?: string | undefined;
  ends_with?: string | undefined;
  contains?: string | undefined;
  toll_free?: boolean | undefined;
};

const wishNames = ['area_code', 'starts_with', 'ends_with', 'contains', 'toll_free'] as const;

/** Parts the wishes of a request from the fields of the number to come. */
export function partWishes<T extends GivenWishes>(request: T) {
  const { country, area_code, phone_number, starts_with, ends_with, contains, toll_free, ...fields } =
    request;
  return [{ country, area_code, phone_number, starts_with, ends_with, contains, toll_free }, fields] as const;
}

/** The most area codes of one wish: each may cost a search at the carrier. */
export const areaCodesMax = 20;

/**
 * @param place what the names of the fields are written after in errors: `items[0].`
 * @throws Problem `invalid_request`
 */
export function readWanted(given: GivenWishes, place = ''): Wanted {
  const { country, phone_number } = given;
  if (countryCodeOf(country) === undefined) throw invalid(`country ${country} has no phone numbers`);
  const area_codes = [...new Set([given.area_code ?? []].flat().flatMap(codes => codes.split(',')))];
  if (area_codes.length > areaCodesMax)
    throw invalid(`${place}area_code must not have more than ${areaCodesMax} area codes`);
  if (phone_number !== undefined) {
    const other = wishNames.find(name => given[name] !== undefined && given[name] !== false);
    if (other) throw invalid(`${place}phone_number names one number: leave out ${place}${other}`);
    const number = readPhoneNumber(phone_number, country);
    if (typeof number === 'string') throw invalid(`${place}phone_number ${number}`);
    return { ...nothing, country, wanted_number: number.e164, toll_free: isTollFree(number.e164) };
  }
  const read = (name: 'starts_with' | 'ends_with' | 'contains', reader: (text: string) => Part) => {
    const text = given[name];
    if (text === undefined) return null;
    const part = reader(text);
    if (typeof part === 'string') throw invalid(`${place}${name} ${part}`);
    return part.part;
  };
  const wanted = {
    ...nothing,
    country,
    area_codes,
    starts_with: read('starts_with', text => readFirstDigits(text, country)),
    ends_with: read('ends_with', readLastDigits),
    contains: read('contains', text => readPattern(text, country)),
    toll_free: given.toll_free ?? false,
  };
  assertPossible(wanted, place);
  const all = wishesOf(wanted);
  return { ...wanted, toll_free: all.every(wish => wish.toll_free) };
}

/** @throws Problem `invalid_request` if no number at all can be as it is wanted */
function assertPossible({ country, area_codes, starts_with, toll_free }: Wanted, place: string): void {
  const all = tollFreeCodes.join(', ');
  if (toll_free && country !== 'US' && country !== 'CA')
    throw invalid(`${place}toll_free numbers are North American: country must be US or CA`);
  const other = area_codes.find(code => !tollFreeCodes.includes(code));
  if (toll_free && other)
    throw invalid(
      `${place}area_code ${other} is not toll-free: leave it or ${place}toll_free out; toll-free are ${all}`,
    );
  if (starts_with === null) return;
  const agrees = (code: string) => `+1${code}`.startsWith(starts_with) || starts_with.startsWith(`+1${code}`);
  if (toll_free && !tollFreeCodes.some(agrees))
    throw invalid(
      `${place}starts_with ${starts_with} is not toll-free: leave it or ${place}toll_free out; toll-free are ${all}`,
    );
  if (isNorthAmerican(country) && area_codes.length > 0 && !area_codes.some(agrees))
    throw invalid(
      `${place}starts_with ${starts_with} is in none of ${place}area_code ${area_codes.join(', ')}: leave one of them out`,
    );
}

const isNorthAmerican = (country: string): boolean => countryCodeOf(country) === '1';

const nothing = {
  area_codes: [],
  wanted_number: null,
  starts_with: null,
  ends_with: null,
  contains: null,
  toll_free: false,
};

/** Whether it says anything of the number. */
export const saysNothing = ({ area_codes, toll_free, country: _, ...rest }: Wanted): boolean =>
  area_codes.length === 0 && !toll_free && Object.values(rest).every(value => value === null);

/** The wishes that a carrier is asked for, one after the other: one for each area code. */
export function wishesOf(wanted: Wanted): Wish[] {
  const { area_codes, wanted_number, starts_with, ends_with, contains } = wanted;
  const codes = area_codes.length > 0 ? area_codes : [undefined];
  return codes.map(area_code => ({
    ...kindOf(wanted, area_code),
    area_code,
    phone_number: wanted_number ?? undefined,
    starts_with: starts_with ?? undefined,
    ends_with: ends_with ?? undefined,
    contains: contains ?? undefined,
  }));
}

/**
 * What carriers sell apart: toll-free numbers, and those of each country. In the North American plan the area code says
 * both.
 */
function kindOf(
  { country, wanted_number, starts_with, contains, toll_free }: Wanted,
  area_code: string | undefined,
): Pick<Wish, 'country' | 'toll_free'> {
  if (!isNorthAmerican(country)) return { country, toll_free };
  // A pattern of the whole number begins with the country code.
  const pattern = contains?.length === 11 ? `+${contains}` : null;
  const begins = area_code ? `+1${area_code}` : (wanted_number ?? starts_with ?? pattern ?? '');
  const [region] = regionsOf(begins.slice(2, 5));
  // The default, US, is no decision against Canada. Another country is one.
  const home = country === 'US' ? region?.slice(0, 2) : undefined;
  return { country: home ?? country, toll_free: toll_free || isTollFree(begins) };
}

export function noneForSaleText(wanted: Wanted): string {
  const { wanted_number, area_codes, starts_with, ends_with, contains, toll_free } = wanted;
  if (wanted_number !== null) return `Phone number ${wanted_number} is not for sale`;
  const digits = [
    ...(starts_with !== null ? [`begin with ${starts_with}`] : []),
    ...(ends_with !== null ? [`end in ${ends_with}`] : []),
    ...(contains !== null ? [`contain ${contains}`] : []),
  ];
  return [
    `No ${toll_free ? 'toll-free ' : ''}numbers available`,
    ...(area_codes.length > 0 ? [`in area code ${area_codes.join(', then ')}`] : []),
    ...(digits.length > 0 ? [`that ${digits.join(' and ')}`] : []),
  ].join(' ');
}
