import { createRequire } from 'node:module';
import type { PhoneNumber } from '../phone-number.ts';

// Google's own library: what libphonenumber says of a number. Only tests load it.

export type GoogleNumber = { getCountryCode(): number };
type Util = {
  parse(text: string, country: string): GoogleNumber;
  isPossibleNumber(number: GoogleNumber): boolean;
  isValidNumber(number: GoogleNumber): boolean;
  format(number: GoogleNumber, format: number): string;
  getNationalSignificantNumber(number: GoogleNumber): string;
  getRegionCodeForNumber(number: GoogleNumber): string | null;
  getExampleNumberForType(country: string, type: number): GoogleNumber | null;
  getExampleNumberForNonGeoEntity(code: number): GoogleNumber | null;
};
const { PhoneNumberUtil, PhoneNumberFormat, PhoneNumberType } = createRequire(import.meta.url)(
  'google-libphonenumber',
) as {
  PhoneNumberUtil: { getInstance(): Util };
  PhoneNumberFormat: Record<'E164' | 'INTERNATIONAL' | 'NATIONAL' | 'RFC3966', number>;
  PhoneNumberType: Record<string, number>;
};

const util = PhoneNumberUtil.getInstance();
const types = Object.values(PhoneNumberType).filter(
  type => type >= 0 && type !== PhoneNumberType.FIXED_LINE_OR_MOBILE,
);

export type Format = keyof typeof PhoneNumberFormat;

/** What Google's library reads from a text, if it calls that possible. */
export function readByGoogle(text: string, country: string): PhoneNumber | undefined {
  try {
    const number = util.parse(text, country);
    return util.isPossibleNumber(number) ? asRead(number) : undefined;
  } catch {
    return undefined;
  }
}

function asRead(number: GoogleNumber): PhoneNumber {
  const region = util.getRegionCodeForNumber(number);
  return {
    e164: util.format(number, PhoneNumberFormat.E164),
    pretty: util.format(number, PhoneNumberFormat.INTERNATIONAL),
    country: region === '001' ? null : region,
  };
}

/** A number in one of Google's formats. */
export const formatByGoogle = (e164: string, format: Format): string =>
  util.format(util.parse(e164, 'ZZ'), PhoneNumberFormat[format]);

/** Google's examples for a country, in E.164: one for each kind of number that its plan has. */
export function examplesOf(country: string): string[] {
  const numbers = types
    .map(type => util.getExampleNumberForType(country, type))
    .filter(number => number !== null);
  return [...new Set(numbers.map(number => util.format(number, PhoneNumberFormat.E164)))];
}

export const exampleOfCode = (code: string): string =>
  util.format(util.getExampleNumberForNonGeoEntity(Number(code))!, PhoneNumberFormat.E164);
