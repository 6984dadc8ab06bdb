import { getCountryCodeForRegionCode, getSupportedRegionCodes, parsePhoneNumber } from 'awesome-phonenumber';

/** A number as it is kept. */
export type PhoneNumber = {
  /** E.164: `+14155551234`. */
  e164: string;
  /** libphonenumber's INTERNATIONAL format: `+1 415-555-1234`. */
  pretty: string;
  /** ISO 3166-1 alpha-2, from the number itself; null where the plan does not tell. */
  country: string | null;
};

export const defaultCountry = 'US';

/** The countries that a number without `+` can be read as. */
export const countries: ReadonlySet<string> = new Set(getSupportedRegionCodes());

/**
 * Reads a number in any usual way of writing it.
 *
 * What is *possible* is accepted, not only what libphonenumber's tables call valid: those lag behind the area codes
 * that carriers already sell, and a system of record must not refuse a number that somebody pays for. The North
 * American plan's own shape is checked in full, since it never changes.
 *
 * @param country what a number without `+` is read as
 * @returns the number, or what is wrong with it as a clause ("is …", "has …")
 */
export function readPhoneNumber(text: string, country: string): PhoneNumber | string {
  if (text.length > 64) return 'is too long for a phone number';
  // A `+` arrives as a space from a query, and as is from a path.
  const compact = text.replace(/[\s().\-\u2010-\u2015/]|^tel:/g, '');
  const digits = compact.startsWith('+1') ? compact.slice(2) : compact.replace(/^1(?=\d{10}$)/, '');
  const national = /^\d{10}$/.test(digits);
  if (national && (compact.startsWith('+1') || getCountryCodeForRegionCode(country) === 1))
    return readNanp(digits);
  if (!/\d/.test(text)) return 'is not a phone number';
  const parsed = parsePhoneNumber(text.trim(), { regionCode: country });
  const isNanp = parsed.number?.e164.startsWith('+1');
  if (isNanp && !/^\d{10}$/.test(parsed.number!.significant))
    return `has ${parsed.number!.significant.length} digits after +1 instead of 10`;
  if (parsed.possibility !== 'is-possible' || !parsed.number)
    return explanations[parsed.possibility] ?? 'is not a phone number';
  if (parsed.number.rfc3966.includes(';ext='))
    return 'has an extension, and a number that takes SMS has none';
  if (isNanp) return readNanp(parsed.number.significant);
  const { e164, international: pretty } = parsed.number;
  // Of a number without `+` the library only echoes the country that it was given.
  const { regionCode } = text.trim().startsWith('+') ? parsed : parsePhoneNumber(e164);
  return { e164, pretty, country: regionCode ?? null };
}

const explanations: Record<string, string> = {
  'invalid-country-code': 'has no known country code',
  'too-short': 'is too short',
  'too-long': 'is too long',
  'invalid-length': 'has a length that its country does not use',
  'is-possible-local-only': 'has no area code',
  unknown: 'is not a phone number',
};

/** +1 [2-9]XX [2-9]XX XXXX, where neither the area code nor the exchange is an N11 service code (211 to 911). */
function readNanp(digits: string): PhoneNumber | string {
  const areaCode = digits.slice(0, 3);
  const exchange = digits.slice(3, 6);
  if (!/^[2-9]/.test(areaCode) || areaCode.endsWith('11'))
    return `has ${areaCode} for an area code, which cannot be one`;
  if (!/^[2-9]/.test(exchange) || exchange.endsWith('11'))
    return `has ${exchange} for an exchange, which cannot be one`;
  return {
    e164: `+1${digits}`,
    pretty: `+1 ${areaCode}-${exchange}-${digits.slice(6)}`,
    country: nanpCountry(areaCode),
  };
}

const countryByAreaCode = new Map<string, string | null>();

/**
 * `+1` is not the United States: 25 countries share it, told apart by area code. Asked of libphonenumber once for each
 * (a full parse takes it 60 µs); 234-5678 is a line that every area code has.
 */
function nanpCountry(areaCode: string): string | null {
  let country = countryByAreaCode.get(areaCode);
  if (country === undefined) {
    country = parsePhoneNumber(`+1${areaCode}2345678`).regionCode ?? null;
    countryByAreaCode.set(areaCode, country);
  }
  return country;
}
