import { Type } from '../../schema/schema.ts';
import { invalid } from '../errors.ts';

/** An amount in US dollars, as a JSON number. assertDollars() holds input to four decimals. */
export const Dollars = (description: string, example: number) =>
  Type.Number({
    minimum: 0,
    maximum: 1_000_000,
    description: `${description} In US dollars.`,
    examples: [example],
  });

/**
 * Refuses an amount that the database would round. `multipleOf` in the schema cannot do this: in floating point, 0.07
 * is not a multiple of 0.0001.
 */
export function assertDollars(amount: number | null | undefined, field: string): void {
  if (typeof amount === 'number' && Math.round(amount * 10_000) / 10_000 !== amount)
    throw invalid(`${field} must have at most 4 decimals`);
}
