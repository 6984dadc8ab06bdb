import { Type } from '../../schema/schema.ts';
import { invalid } from '../errors.ts';

/** An amount in US dollars with up to four decimals, as a JSON number; what is given is held to that by assertDollars(). */
export const Dollars = (description: string, example: number) =>
  Type.Number({
    minimum: 0,
    maximum: 1_000_000,
    description: `${description}, in US dollars.`,
    examples: [example],
  });

/**
 * Refuses an amount that would be rounded when it is kept. Not a `multipleOf` in the schema: as floating-point numbers
 * go, 0.07 is none of 0.0001.
 */
export function assertDollars(amount: number | null | undefined, field: string): void {
  if (typeof amount === 'number' && Math.round(amount * 10_000) / 10_000 !== amount)
    throw invalid(`${field} must have at most 4 decimals`);
}
