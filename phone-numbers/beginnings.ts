import { planOf } from './plans/plans.ts';
import { tidy } from './writing/tidy.ts';
import { scan, type Written } from './writing/written.ts';

/* Parts of numbers as people write them, to search with: with separators, a trunk zero or 00, in any digits. */

const partOf = (text: string): Written | undefined => (text.length > 64 ? undefined : scan(tidy(text)));

/** Whether digits can be read from the text, and nothing else. */
export const hasDigits = (text: string): boolean => (partOf(text)?.digits ?? '') !== '';

/** The digits of a part of a number: `(415) 555` has 415555. */
export const digitsOf = (text: string): string => partOf(text)?.digits ?? '';

/**
 * The digits that the numbers meant begin with in E.164, without `+`. Without a country the text begins with a country
 * code, with or without `+`.
 *
 * @param country what a text without `+` is read as: in `GB`, 07700 is 447700
 * @returns several if the text can be read in several ways
 */
export function readBeginning(text: string, country?: string): string[] {
  // A bare `+` arrives from a query as a space.
  const part = partOf(text.replace(/^ (?=\d)/, '+'));
  if (!part) return [];
  const { digits, bracketedZero } = part;
  const zeroless = digits.slice(0, bracketedZero) + digits.slice(bracketedZero + 1);
  const writings = bracketedZero > 0 ? [digits, zeroless] : [digits];
  return [...new Set(writings.flatMap(writing => inE164(writing, part.isInternational, country)))];
}

function inE164(digits: string, isInternational: boolean, country: string | undefined): string[] {
  if (isInternational) return [digits];
  const abroad = /^(?:00|011)(?=[1-9])/.exec(digits);
  if (abroad) return [digits.slice(abroad[0].length)];
  const plan = country === undefined ? undefined : planOf(country);
  if (!plan) return [digits];
  const national = plan.afterTrunk(digits);
  if (national !== undefined) return [plan.code + national];
  const withCode = digits.startsWith(plan.code) ? [digits] : [];
  return [plan.code + digits, ...withCode];
}
