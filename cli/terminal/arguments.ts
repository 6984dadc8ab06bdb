import { InvalidArgumentError } from 'commander';

const secondsIn = { s: 1, m: 60, h: 3600, d: 86_400 };

/** What `--for` and the like say of how a duration is written. */
export const durationHint = 'such as 90s, 15m, 2h or 3d';

/** `15m` is 900: seconds, as the API counts. */
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

/** A day alone is its first moment; everything else is the server's to read. */
export const readMoment = (text: string): string =>
  /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;

/** For an option that is a comma list, is given more than once, or both; in that order. */
export function readWords(text: string, before?: string[] | false): string[] {
  const words = text.split(',').map(word => word.trim());
  return [...(before || []), ...words.filter(word => word !== '')];
}

export function readObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It must be a JSON object, such as {"crm_id":"A-1093"}.');
}
