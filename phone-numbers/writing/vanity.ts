import type { Plan } from '../plans/plan.ts';

const keys = '22233344455566677778889999';

/**
 * The text with the digits of a keypad for its letters, which are capitals. Undefined if all letters are N and X:
 * 415-555-XXXX and NXX-XXXX stand for digits that are not said.
 */
export function digitsOf(text: string): string | undefined {
  if (/^[NX]+$/.test(text.replace(/[^A-Z]/g, ''))) return undefined;
  return text.replace(/[A-Z]/g, letter => keys[letter.charCodeAt(0) - 65]!);
}

/**
 * The digits of a number that is written with letters, `1-800-FLOWERS`: only where numbers have ten digits and no
 * others (+1), since elsewhere nobody can tell a word of the number from a name beside it.
 *
 * @param home the plan of a text without country code
 */
export function vanityDigits(text: string, home: Plan | undefined): string | undefined {
  const compact = text.replace(/[\s\-.()]/g, '').toUpperCase();
  const parts = /^(\+1|001|0111|1?)([2-9]\d\d)([A-Z\d]{7})$/.exec(compact);
  if (!parts || (parts[1]!.length < 2 && home?.code !== '1')) return undefined;
  const digits = digitsOf(parts[3]!);
  const letters = parts[3]!.replace(/\d/g, '');
  // In 555-O1OO letters stand for 0 and 1.
  if (digits === undefined || letters.length < 3 || /^[OIL]+$/.test(letters)) return undefined;
  return `1${parts[2]}${digits}`;
}
