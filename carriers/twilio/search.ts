import { countryCodeOf } from '../../phone-numbers/phone-number.ts';
import { longestRun, matching, narrowed, saysAll } from '../answers.ts';
import type { NumberQuery, Offer, Wish } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { accountPath, type TwilioAccount } from './numbers.ts';
import { type AvailableNumber, AvailableNumbers, noneInAreaCode } from './wire.ts';

/** The largest page: of what Twilio cannot filter, as much as possible is filtered here. */
const pageSizeMax = 1000;

/** https://www.twilio.com/docs/phone-numbers/api/availablephonenumberlocal-resource, and its sister for toll-free. */
export async function search(account: TwilioAccount, wanted: NumberQuery): Promise<Offer[]> {
  const kind = wanted.toll_free ? 'TollFree' : 'Local';
  const path = `${accountPath(account)}/AvailablePhoneNumbers/${encodeURIComponent(wanted.country)}/${kind}.json`;
  const { filter, asked } = filterFor(narrowed(wanted));
  const size = saysAll(asked, wanted) ? wanted.limit : pageSizeMax;
  const query = { SmsEnabled: 'true', PageSize: `${Math.min(size, pageSizeMax)}`, ...filter };
  try {
    const { available_phone_numbers } = await account.client(
      { method: 'GET', path, query },
      AvailableNumbers,
    );
    return matching(available_phone_numbers.filter(takesSms).map(toOffer), wanted, asked);
  } catch (error) {
    if (error instanceof CarrierError && isNowhere(error)) return [];
    throw error;
  }
}

/** Twilio's errors for an area code without numbers and for a country without local numbers. */
const isNowhere = ({ carrierCode, outcome }: CarrierError) =>
  carrierCode === noneInAreaCode || outcome === 'not_found';

/**
 * `AreaCode` works in the United States and Canada. `Contains` takes one pattern: digits anywhere in the number, after
 * a `+` its first digits, before a `$` its last ones. A wildcard cannot stand between digits, nor beside another sign. If
 * the wish has several conditions, Twilio gets the one with the most digits; `matching()` applies the others.
 *
 * @returns the filter, and the part of the wish that it says
 */
function filterFor(wish: Wish): { filter: Record<string, string>; asked: Wish } {
  const { country, area_code, phone_number, starts_with, ends_with, contains, toll_free } = wish;
  const always = { country, toll_free };
  if (phone_number) return { filter: { Contains: phone_number }, asked: { ...always, phone_number } };
  const hasAreaCodes = country === 'US' || country === 'CA';
  const run = longestRun(contains ?? '');
  const patterns: { Contains: string; asks: Partial<Wish> }[] = [
    ...(area_code && !hasAreaCodes
      ? [{ Contains: beginningOf(country, area_code), asks: { area_code } }]
      : []),
    ...(starts_with ? [{ Contains: starts_with, asks: { starts_with } }] : []),
    ...(ends_with ? [{ Contains: `${ends_with}$`, asks: { ends_with } }] : []),
    ...(run ? [{ Contains: run, asks: { contains: run } }] : []),
  ];
  const lengthOf = ({ Contains }: { Contains: string }) => Contains.replace(/\D/g, '').length;
  const [narrowest] = patterns
    .filter(pattern => lengthOf(pattern) >= 2)
    .sort((one, other) => lengthOf(other) - lengthOf(one));
  const byAreaCode = area_code && hasAreaCodes;
  return {
    filter: {
      ...(byAreaCode && { AreaCode: area_code }),
      ...(narrowest && { Contains: narrowest.Contains }),
    },
    asked: { ...always, ...(byAreaCode && { area_code }), ...narrowest?.asks },
  };
}

/** The 0 that is dialled within a country is no part of the E.164, except in Italy. */
function beginningOf(country: string, areaCode: string): string {
  const code = country === 'IT' ? areaCode : areaCode.replace(/^0/, '');
  return `+${countryCodeOf(country)}${code}`;
}

const takesSms = ({ capabilities }: AvailableNumber): boolean =>
  !capabilities ||
  Object.entries(capabilities).some(([name, can]) => name.toLowerCase() === 'sms' && can === true);

const toOffer = ({ phone_number, locality, region }: AvailableNumber): Offer => ({
  phone_number,
  locality: locality || null,
  region: region || null,
});
