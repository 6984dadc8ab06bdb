import type { Plan } from '../plans/plan.ts';
import { isExtensionMark } from './extension.ts';
import { tidy } from './tidy.ts';
import { vanityDigits } from './vanity.ts';
import { scan, type Written } from './written.ts';

export const hasExtension = 'has an extension, and a number that takes SMS has none';
export const hasTwoNumbers = 'has two numbers in it: give each of them alone';

/** Reads a text that is more than digits and separators, or says why it cannot be read. */
export function readUnusual(text: string, home: Plan | undefined): Written | string {
  const tidied = tidy(text);
  if (/^\+?\d+([.,]\d*)?e[+-]?\d+$/i.test(tidied))
    return 'has lost digits (a spreadsheet has shortened this number: format the column as text)';
  const [number, ...parameters] = tidied.split(';') as [string, ...string[]];
  // Of RFC 3966: `tel:+1-201-555-0123;phone-context=…`.
  if (parameters.length > 0 && parameters.every(parameter => /^[a-z][a-z\d-]*(=|$)/i.test(parameter))) {
    if (parameters.some(parameter => /^ext=/i.test(parameter))) return hasExtension;
    const context = parameters.find(parameter => /^phone-context=\+/i.test(parameter));
    const whole =
      context && !number.startsWith('+') ? `${context.slice(context.indexOf('+'))}-${number}` : number;
    return scan(whole) ?? whyNot(whole);
  }
  // Where the decimal point is a comma.
  const plain = tidied.replace(/^(\+?[\d ]+),0{1,2}$/, '$1');
  const vanity = vanityDigits(plain, home);
  return scan(vanity === undefined ? plain : `+${vanity}`) ?? whyNot(plain);
}

/** Digits and separators from the last thing to the end that is neither, with what stands before those digits. */
const lastPart = /\d(\D*[^\d \t\-.()[\]/~]\D*)([\d \t\-.()[\]/~]*\d)\D*$/;

function whyNot(text: string): string {
  const counts = text.split(/[^\d \t\-.()[\]/~]+/).map(part => part.replace(/\D/g, '').length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 'is not a phone number';
  const [, between = '', last = ''] = lastPart.exec(text) ?? [];
  const after = last.replace(/\D/g, '').length;
  const isExtension = isExtensionMark(between) || (/^[,;]/.test(between) && after <= 4);
  if (after > 0 && total - after >= 5 && isExtension) return hasExtension;
  if (counts.filter(count => count >= 5).length > 1) return hasTwoNumbers;
  if (/\p{L}/u.test(text)) return 'has letters in it: give the number alone';
  if (/[\n\v\f\r]/.test(text)) return 'has more than one line: give the number alone';
  if (text.includes('+')) return 'has a + in the middle';
  return 'has a character in it that no phone number has';
}
