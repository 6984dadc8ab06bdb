import { invalid } from '../../errors.ts';
import type { ListOptions, PageEnd } from './statement.ts';

/** @param list the name of the list; another list refuses the cursor */
export const writeCursor = ({ value, phone_number }: PageEnd, list: string): string =>
  Buffer.from(JSON.stringify([value, phone_number, list])).toString('base64url');

/** @throws Problem `invalid_request` if it is not a cursor of this list */
export function readCursor(text: string, list: string, sort: ListOptions['sort']): PageEnd {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw invalid('cursor must be the next_cursor of an earlier page');
  }
  const [value, phone_number, cursorList] = Array.isArray(parts) ? parts : [];
  const isNumber = (part: unknown) => typeof part === 'string' && /^\+\d{7,15}$/.test(part);
  const isSortValue = sort.endsWith('created_at') ? isMoment(value) : isNumber(value);
  if (!isNumber(phone_number) || typeof cursorList !== 'string')
    throw invalid('cursor must be the next_cursor of an earlier page');
  if (cursorList !== list || !isSortValue)
    throw invalid('cursor belongs to a list of another organization, filter or order');
  return { value, phone_number };
}

/**
 * Whether PostgreSQL will read it as the timestamp to the microsecond that a cursor has. Dates that do not exist, such
 * as in the year 0 or on the 30th of February, would fail the statement.
 */
function isMoment(part: unknown): boolean {
  const milliseconds = typeof part === 'string' && /^([1-9]\d{3}-.*\.\d{3})\d{3}Z$/.exec(part)?.[1];
  if (!milliseconds) return false;
  const date = new Date(`${milliseconds}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString() === `${milliseconds}Z`;
}
