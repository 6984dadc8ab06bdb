import type { Plan } from './plans/plan.ts';
import { planOf } from './plans/plans.ts';
import { tidy } from './writing/tidy.ts';
import { scan, type Written } from './writing/written.ts';

/* Parts of numbers as people write them, to search with: with separators, a trunk zero or 00, in any digits. */

const partOf = (text: string): Written | undefined => (text.length > 64 ? undefined : scan(tidy(text)));

/** Whether digits can be read from the text, and nothing else. */
export const hasDigits = (text: string): boolean => (partOf(text)?.digits ?? '') !== '';

/** The digits of a part of a number: `(415) 555` has 415555. A zero in brackets may be one of them or not. */
export function digitsOf(text: string): string[] {
  const part = partOf(text);
  return part ? writingsOf(part) : [];
}

function writingsOf({ digits, bracketedZero }: Written): string[] {
  if (bracketedZero <= 0) return [digits];
  return [digits, digits.slice(0, bracketedZero) + digits.slice(bracketedZero + 1)];
}

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
  const writings = writingsOf(part);
  return part.isInternational ? writings : [...new Set(writings.flatMap(digits => inE164(digits, country)))];
}

function inE164(digits: string, country: string | undefined): string[] {
  const plan = country === undefined ? undefined : planOf(country);
  const abroad = prefixAbroad(digits, plan);
  if (abroad !== undefined) return [digits.slice(abroad.length)];
  if (!plan) return [digits];
  const national = plan.afterTrunk(digits);
  if (national !== undefined) return [plan.code + national];
  const withCode = digits.startsWith(plan.code) ? [digits] : [];
  return [plan.code + digits, ...withCode];
}

/** 00 is written everywhere, and 011 too where it is not an area code, as it is in Italy and in Argentina. */
function prefixAbroad(digits: string, plan: Plan | undefined): string | undefined {
  const own = plan?.internationalPrefix(digits);
  return own ?? (plan ? /^00(?=[1-9])/ : /^(?:00|011)(?=[1-9])/).exec(digits)?.[0];
}

/**
 * The beginning in E.164 of the numbers that begin with these digits as they are written in their country: 07700 in `GB`
 * is 447700. Undefined if no number is written so.
 */
export function beginningAtHome(digits: string, country: string | undefined): string | undefined {
  const plan = country === undefined ? undefined : planOf(country);
  if (!plan || prefixAbroad(digits, plan) !== undefined) return undefined;
  const national = plan.afterTrunk(digits);
  return national === undefined ? undefined : plan.code + national;
}
