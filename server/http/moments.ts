import { Temporal } from 'temporal-polyfill';
import { Type } from '../../schema/schema.ts';
import { invalid } from '../errors.ts';

/** A moment as clients write it: the validator checks it, and readMoment() reads it. */
export const Moment = (description: string) =>
  Type.String({
    format: 'moment',
    maxLength: 40,
    description: `${description} A moment in ISO 8601, or a day, which stands for its beginning in the tenant's time zone.`,
    examples: ['2024-01-15T10:30:00Z', '2024-01-15'],
  });

/** What a text says of time: from `from`, before `to`. */
export type Span = { from: Date; to: Date };

export const isDay = (text: string | undefined): boolean =>
  text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text);

/**
 * Reads a moment from the year 1000 on. A moment to the second is all of that second, because the API shows moments to
 * the second: `2024-01-15T10:30:00Z` has everything in it that is shown with that text. With a fraction it is that
 * millisecond. A day is its beginning, a moment without length.
 * @param zone the tenant's time zone, an IANA name: that of a day
 * @throws Problem `invalid_request` for what is no day of the calendar, or has no offset
 */
export function readSpan(text: string, field: string, zone: string): Span {
  if (isDay(text)) {
    const begin = beginningOf(text, zone);
    if (!begin) throw notMoment(field);
    return { from: begin, to: begin };
  }
  // A bare `+` arrives from a query as a space.
  const written = text.replace(/ (\d\d:?\d\d)$/, '+$1');
  const date = new Date(written);
  const day = /^(\d{4}-\d\d-\d\d)[T ].*(Z|[+-]\d\d:?\d\d)$/i.exec(written)?.[1];
  const year = date.getUTCFullYear();
  if (!day || !exists(day) || !(year >= 1000 && year < 10_000)) throw notMoment(field);
  const length = /:\d\d[.,]\d/.test(written) ? 1 : 1000;
  return { from: date, to: new Date(date.getTime() + length) };
}

/** The same where one instant is meant. */
export const readMoment = (text: string, field: string, zone: string): Date =>
  readSpan(text, field, zone).from;

const exists = (day: string): boolean => {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
};

/** The first instant of a day in a time zone; where the clock skips midnight, the first after it. */
function beginningOf(day: string, zone: string): Date | undefined {
  if (!exists(day) || day < '1000-01-01') return undefined;
  return new Date(Temporal.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds);
}

export const momentRule = 'a moment such as 2024-01-15T10:30:00Z, or a day such as 2024-01-15';
const notMoment = (field: string) => invalid(`${field} must be ${momentRule}`);

/** Whether readSpan() reads the text. */
export function isMoment(text: string): boolean {
  try {
    readSpan(text, '', 'UTC');
    return true;
  } catch {
    return false;
  }
}

/** The calendar month of a time zone that an instant is in. */
export function monthOf(at: Date, zone: string): Span {
  const first = Temporal.Instant.fromEpochMilliseconds(at.getTime())
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .with({ day: 1 });
  const begin = (date: Temporal.PlainDate) => new Date(date.toZonedDateTime(zone).epochMilliseconds);
  return { from: begin(first), to: begin(first.add({ months: 1 })) };
}

/** The time zones that there are. `Temporal` knows more than `Intl.supportedValuesOf` lists: `UTC`, `US/Pacific`. */
export function isTimeZone(name: string): boolean {
  // An offset is no name: it would be wrong for half of the year.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** ISO 8601 in UTC to the millisecond, as moments are stored. The seed's own fields show the second alone. */
export function exactly(date: Date): string;
export function exactly(date: Date | null): string | null;
export function exactly(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
