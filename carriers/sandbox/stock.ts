import { geographicAreaCodes, regionsOf } from '../../phone-numbers/regions.ts';
import { tollFreeCodes } from '../../phone-numbers/toll-free.ts';
import { fits } from '../answers.ts';
import type { NumberQuery, Offer } from '../carrier.ts';
import type { Book } from './store.ts';

const lines = Array.from({ length: 100 }, (_, line) => String(line).padStart(2, '0'));
const countries = ['US', 'CA'];

/**
 * The numbers for sale: 555-0100 to 555-0199 in each geographic area code of the United States and Canada and in each
 * toll-free one, without those that the account owns or somebody else has bought. The numbering plan reserves the
 * geographic ones for fiction.
 */
export function offers(book: Book, query: NumberQuery): Offer[] {
  const gone = sold(book);
  return candidates(query)
    .filter(number => fits(number, query) && !gone.has(number))
    .take(query.limit)
    .map(phone_number => ({ phone_number, locality: null, region: regionOf(phone_number) }))
    .toArray();
}

/** Whether the account can buy the number now. */
export const isForSale = (book: Book, phoneNumber: string): boolean =>
  isFictional(phoneNumber) &&
  countries.some(country => exists(phoneNumber.slice(2, 5), country)) &&
  !sold(book).has(phoneNumber);

const sold = ({ numbers, taken }: Book): Set<string> =>
  new Set([...taken, ...numbers.filter(number => !number.released).map(number => number.phone_number)]);

const isFictional = (phoneNumber: string): boolean => /^\+1[2-9]\d\d55501\d\d$/.test(phoneNumber);

function* candidates({ country, area_code, phone_number, toll_free }: NumberQuery): Generator<string> {
  if (phone_number !== undefined) {
    if (isFictional(phone_number) && exists(phone_number.slice(2, 5), country)) yield phone_number;
    return;
  }
  const all = toll_free ? tollFreeCodes : geographicAreaCodes;
  for (const areaCode of area_code === undefined ? all : [area_code])
    if (exists(areaCode, country)) for (const line of lines) yield `+1${areaCode}55501${line}`;
}

/** Whether the country is the United States or Canada and has this area code. They share the toll-free ones. */
const exists = (areaCode: string, country: string): boolean =>
  countries.includes(country) &&
  (tollFreeCodes.includes(areaCode) || regionsOf(areaCode).some(region => region.startsWith(`${country}-`)));

/** The state or province; null if several share the area code. */
function regionOf(phoneNumber: string): string | null {
  const [region, another] = regionsOf(phoneNumber.slice(2, 5));
  return region && !another ? region.slice(3) : null;
}
