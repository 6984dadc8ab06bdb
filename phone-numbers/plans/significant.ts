import type { Plan } from './plan.ts';

/**
 * The number after the country code, without the trunk zero (and the carrier's code) that may stand before it, as
 * libphonenumber finds it: what could be a prefix is one only if the rest has a length, and the form of a number where
 * the whole had it.
 */
export function significantOf(digits: string, plan: Plan): string {
  const rest = withoutTrunk(digits, plan);
  return rest !== digits && (hasLength(rest, plan) || isTooLong(rest, plan)) ? rest : digits;
}

export function withoutTrunk(digits: string, plan: Plan): string {
  const rest = plan.afterTrunk(digits);
  return rest === undefined || (plan.hasForm(digits) && !plan.hasForm(rest)) ? digits : rest;
}

export const hasLength = ({ length }: string, plan: Plan): boolean =>
  length < 32 && (plan.lengths & (1 << length)) !== 0;

export const isTooLong = ({ length }: string, plan: Plan): boolean => length > longest(plan);

export const longest = (plan: Plan): number => 31 - Math.clz32(plan.lengths);

/** Whether all numbers have the same length. */
export const hasOneLength = ({ lengths }: Plan): boolean => (lengths & (lengths - 1)) === 0;
