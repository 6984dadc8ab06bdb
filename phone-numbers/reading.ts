import { oneWriting } from './plans/one-writing.ts';
import type { Plan } from './plans/plan.ts';
import { isInUse, planOf, type Zone, zoneOf } from './plans/plans.ts';
import { problemOf } from './plans/possible.ts';
import { hasTrunk } from './plans/pretty.ts';
import { hasOneLength, isTooLong, significantOf, withoutTrunk } from './plans/significant.ts';
import type { Written } from './writing/written.ts';

/** A number of a zone, as its plan has it. */
export type Reading = {
  zone: Zone;
  number: string;
  /** Whether it was written without anything that says where it is: neither country code nor trunk zero. */
  isBare: boolean;
};

/** From so many digits on, no country gives out numbers, and the tables of open plans have them all: they say nothing. */
const openLength = 12;

const isAmbiguous = 'can be read in two ways: write it with + and the country code';
const isForeign = 'seems to be of another country: write it with + and the country code';

/** Reads what was written, or says why no number can be read from it. */
export function read(written: Written, country: string): Reading | string {
  const { digits, isInternational, bracketedZero } = written;
  if (digits === '') return 'is not a phone number';
  if (isInternational) return readInternational(digits, bracketedZero);
  const home = planOf(country);
  const usual = digits.startsWith('00') ? '00' : digits.startsWith('011') ? '011' : undefined;
  const own = home?.internationalPrefix(digits);
  if (own !== undefined || usual !== undefined) return readPrefixed(written, home, own, usual);
  return home ? readDomestic(written, home) : 'has no country code: write it with + and the country code';
}

function readInternational(digits: string, bracketedZero: number): Reading | string {
  const zone = zoneOf(digits);
  if (!zone) return 'has no known country code';
  const [main] = zone;
  const rest = digits.slice(main.code.length);
  // In Italy and elsewhere it is a number's own first digit.
  const isTrunk = bracketedZero === main.code.length && !isInUse(zone, rest);
  return finish(zone, isTrunk ? rest.slice(1) : rest, main, false);
}

/** @param plan the one of the country that the digits were written in: each has its own prefixes */
function finish(zone: Zone, digits: string, plan: Plan, isDomestic: boolean): Reading | string {
  const [main] = zone;
  const significant = significantOf(digits, plan);
  const number = oneWriting(zone, plan === main ? significant : significantOf(significant, main));
  const isBare = isDomestic && significant === digits;
  if (hasCodeTwice(zone, number)) return 'has its country code twice';
  const problem = problemOf(zone, number, { isDomestic, isBare });
  if (problem !== undefined) return problem;
  // In E.164 it would be read as something else.
  const isAsRead = number === digits || oneWriting(zone, significantOf(number, main)) === number;
  return isAsRead ? { zone, number, isBare } : 'has a 0 or another prefix too many';
}

function hasCodeTwice(zone: Zone, number: string): boolean {
  const [main] = zone;
  if (!number.startsWith(main.code) || (number.length < openLength && isInUse(zone, number))) return false;
  return isInUse(zone, significantOf(number.slice(main.code.length), main));
}

/**
 * 00 and 011 are written everywhere, also where something else is dialled, or where a number may begin like that.
 *
 * @param own what is dialled in `home`
 */
function readPrefixed(
  { digits, bracketedZero }: Written,
  home: Plan | undefined,
  own: string | undefined,
  usual: string | undefined,
): Reading | string {
  const after = (prefix: string) =>
    readInternational(digits.slice(prefix.length), bracketedZero - prefix.length);
  const dialled = own === undefined ? undefined : after(own);
  const general = usual === undefined || usual === own ? undefined : after(usual);
  if (typeof dialled === 'object' && typeof general === 'object')
    return inUse(general) && !inUse(dialled) ? general : isAmbiguous;
  const abroad = typeof dialled === 'object' ? dialled : (general ?? dialled)!;
  if (abroad === dialled && inUse(abroad)) return abroad;
  const here = home && readNational(digits, bracketedZero, home);
  // A few plans have numbers that begin with 00 themselves.
  if (usual === '00') return inUse(here) && here.number.startsWith('00') ? here : abroad;
  if (inUse(here)) return here;
  const isSeen = typeof abroad === 'object' && (abroad === dialled || inUse(abroad));
  return isSeen || typeof here !== 'object' ? abroad : here;
}

const inUse = (reading: Reading | string | undefined): reading is Reading =>
  typeof reading === 'object' && isInUse(reading.zone, reading.number);

function readNational(digits: string, bracketedZero: number, home: Plan): Reading | string {
  const national = () => finish(zoneOf(home.code)!, digits, home, true);
  if (!digits.startsWith(home.code)) return national();
  const withCode = readInternational(digits, bracketedZero);
  if (bracketedZero === home.code.length || isAfterCode(digits, home)) return withCode;
  const here = national();
  if (!inUse(withCode) || (typeof here === 'object' && !here.isBare)) return here;
  if (!inUse(here)) return withCode;
  // Where a number is written with a zero, either that is lost or the +.
  return hasTrunk(withCode.zone, here.number) ? isAmbiguous : here;
}

/** As libphonenumber decides it: the digits have no number's form, or are too many, until the code is taken away. */
function isAfterCode(digits: string, home: Plan): boolean {
  if (isTooLong(digits, home)) return true;
  return !home.hasForm(digits) && home.hasForm(withoutTrunk(digits.slice(home.code.length), home));
}

/**
 * Digits with nothing before them may be a number of another country whose + is lost. Where all numbers have one length
 * there is no doubt; elsewhere they are only read if they are in use here, or not in use there.
 */
function readDomestic({ digits, bracketedZero }: Written, home: Plan): Reading | string {
  // In Mexico a 1 stood before ten digits only after +52. Without that it is North America's country code as well.
  if (home.code === '52' && /^1\d{10}$/.test(digits)) return isAmbiguous;
  const here = readNational(digits, bracketedZero, home);
  if (typeof here === 'object') {
    const isSure = inUse(here) && digits.length < openLength;
    if (!here.isBare || hasOneLength(here.zone[0]) || isSure) return here;
  }
  const there = readInternational(digits, bracketedZero);
  if (typeof there === 'string' || there.zone[0].code === home.code) return here;
  return digits.length >= openLength || inUse(there) ? isForeign : here;
}
