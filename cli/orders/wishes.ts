import type { Command } from 'commander';
import { readWords } from '../terminal/arguments.ts';

/** The options that say what a number to buy must be like, apart from area codes. */
export const withDigits = <C extends Command>(command: C) =>
  command
    .option('--starts-with <digits>', 'their first digits, such as +1415555 or 415555')
    .option('--ends-with <digits>', 'their last digits; letters stand for the digits of their keys')
    .option('--contains <pattern>', "digits in a row, anywhere in them; * is any one digit: '555*99'")
    .option('--toll-free', 'toll-free numbers')
    .option('--country <code>', 'the country to buy in (default: US, or that of the area code)');

export const withWishes = <C extends Command>(command: C) =>
  withDigits(command).option(
    '--area-code <codes>',
    'area codes in order of preference; with commas, or given several times',
    readWords,
  );

type Digits = { startsWith?: string; endsWith?: string; contains?: string; tollFree?: true };

/** The API takes capitals. */
export const countryOf = ({ country }: { country?: string }) => ({ country: country?.toUpperCase() });

/** What the options say, as the API names it. */
export const digitsOf = ({ startsWith, endsWith, contains, tollFree }: Digits) => ({
  starts_with: startsWith,
  ends_with: endsWith,
  contains,
  toll_free: tollFree,
});
