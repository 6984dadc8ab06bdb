import { geographicAreaCodes, regionsOf } from '../../phone-numbers/regions.ts';
import type { Offer, Wanted } from '../carrier.ts';
import type { Book } from './store.ts';

const lines = Array.from({ length: 100 }, (_, line) => String(line).padStart(2, '0'));
const countries = ['US', 'CA'];

/**
 * What is for sale: in each geographic area code of the United States and Canada, 555-0100 to 555-0199, which the
 * numbering plan keeps for fiction, without what the account owns and what somebody else has bought.
 */
export function offers(book: Book, wanted: Wanted): Offer[] {
  const gone = sold(book);
  return candidates(wanted)
    .filter(number => number.includes(wanted.contains ?? '') && !gone.has(number))
    .take(wanted.limit)
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

function* candidates({ country, area_code, phone_number }: Wanted): Generator<string> {
  if (phone_number !== undefined) {
    const areaCode = phone_number.slice(2, 5);
    if (isFictional(phone_number) && (area_code ?? areaCode) === areaCode && exists(areaCode, country))
      yield phone_number;
    return;
  }
  for (const areaCode of area_code === undefined ? geographicAreaCodes : [area_code])
    if (exists(areaCode, country)) for (const line of lines) yield `+1${areaCode}55501${line}`;
}

/** Whether it is a geographic area code of the United States or Canada, and of that country. */
const exists = (areaCode: string, country: string): boolean =>
  countries.includes(country) && regionsOf(areaCode).some(region => region.startsWith(`${country}-`));

/** The state or province; null where several share the area code. */
function regionOf(phoneNumber: string): string | null {
  const [region, another] = regionsOf(phoneNumber.slice(2, 5));
  return region && !another ? region.slice(3) : null;
}
