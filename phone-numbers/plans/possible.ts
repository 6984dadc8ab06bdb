import { northAmericanProblem } from './north-america.ts';
import { digitsMax, type Plan } from './plan.ts';
import { isInUse, type Zone } from './plans.ts';
import { hasTrunk } from './pretty.ts';
import { hasLength, longest } from './significant.ts';

/** Up to so many digits, short codes are found beside numbers. */
const shortMax = 6;

export type How = {
  /** Whether it was written without its country code. */
  isDomestic: boolean;
  /** Whether nothing was dialled before it either. */
  isBare: boolean;
};

/** Why no line can have this number, whether the tables know its range or not; undefined if one can. */
export function problemOf(zone: Zone, number: string, how: How): string | undefined {
  const [main] = zone;
  if (!hasLength(number, main)) return lengthProblem(main, number.length, how);
  if (number.length <= shortMax && !isNumber(zone, number, how)) return shortCode(number.length);
  return main.code === '1' ? northAmericanProblem(number) : undefined;
}

/**
 * Of a few digits only what is sure is a number: as long as any of its plan, or as all its fixed lines, which are that
 * short on some islands; or in a range of the tables, and written with the zero that a short code has not.
 */
function isNumber(zone: Zone, number: string, { isBare }: How): boolean {
  const [main] = zone;
  const [, fixedLengths = []] = main.row[11]?.[0] || [];
  const isUsual = fixedLengths.length === 1 && fixedLengths[0] === number.length;
  if (isUsual || number.length === longest(main)) return true;
  return isInUse(zone, number) && !(isBare && hasTrunk(zone, number));
}

const shortCode = (digits: number): string =>
  `has only ${digits} digit${digits === 1 ? '' : 's'}: a short code is not a phone number`;

function lengthProblem(plan: Plan, digits: number, { isDomestic }: How): string {
  if (digits === 0) return `has nothing after +${plan.code}`;
  if (digits <= shortMax) return shortCode(digits);
  if (plan.code === '1' && isDomestic && digits === 7) return 'has no area code';
  const problem = `has ${digits} digits after +${plan.code} instead of ${lengthsOf(plan)}`;
  if (plan.code.length + digits > digitsMax)
    return `${problem}, and no phone number has more than ${digitsMax}`;
  return isDomestic && digits > longest(plan)
    ? `${problem}: if it is of another country, write it with + and the country code`
    : problem;
}

/** `10`, `9 or 10`, `7, 9 or 10`, `5 to 13`. */
function lengthsOf(plan: Plan): string {
  const lengths = Array.from({ length: 16 }, (_, n) => n).filter(n => plan.lengths & (1 << n));
  const last = lengths.at(-1)!;
  if (lengths.length > 2 && last - lengths[0]! === lengths.length - 1) return `${lengths[0]} to ${last}`;
  return lengths.length === 1 ? `${last}` : `${lengths.slice(0, -1).join(', ')} or ${last}`;
}
