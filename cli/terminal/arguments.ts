import { InvalidArgumentError } from 'commander';
import { wrongUsage } from './failure.ts';

const secondsIn = { s: 1, m: 60, h: 3600, d: 86_400 };

/** How help texts show what a duration looks like. */
export const durationHint = 'such as 90s, 15m, 2h or 3d';

/** `15m` is 900: the API counts seconds. */
export function readDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (!unit) throw new InvalidArgumentError(`It must be a duration ${durationHint}.`);
  return Number(amount) * secondsIn[unit as keyof typeof secondsIn];
}

/** A whole number from 1. */
export function readCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** US dollars. */
export function readDollars(text: string): number {
  if (!/^\d{1,7}(\.\d{1,4})?$/.test(text))
    throw new InvalidArgumentError('It must be an amount in US dollars, with up to 4 decimals.');
  return Number(text);
}

export function readRevision(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a revision, such as 12.');
  return Number(text);
}

/** For an option that takes a list with commas, or is given more than once, or both. Keeps the order. */
export function readWords(text: string, before?: string[] | false): string[] {
  const words = text.split(',').map(word => word.trim());
  return [...(before || []), ...words.filter(word => word !== '')];
}

/** @returns undefined if the text is not a JSON object */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function readObject(text: string): Record<string, unknown> {
  const value = parseObject(text);
  if (!value) throw new InvalidArgumentError('It must be a JSON object, such as {"crm_id":"A-1093"}.');
  return value;
}

/** `--no-nickname`, which Commander makes false, and an empty text clear a field: the API takes null for that. */
export const orNull = <T>(value: T | false): T | null => (value === false || value === '' ? null : value);

/** The body of an edit. At least one field must be given. */
export function requireChange<T extends object>(body: T): T {
  if (Object.values(body).every(value => value === undefined))
    throw wrongUsage('There is nothing to change: give at least one option that says what');
  return body;
}
