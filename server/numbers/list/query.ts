import { createHash } from 'node:crypto';
import { invalid } from '../../errors.ts';
import { isDay, readSpan } from '../../http/moments.ts';
import { readCursor } from './cursor.ts';
import { type Frame, frameOf } from './formats.ts';
import type { ListOptions, PageEnd } from './statement.ts';

const limitDefault = 100;
/** A longer list is streamed instead of built at once. */
export const rowsAtOnce = 1000;

/** The query of a list, parsed. */
export type List = {
  query: ListOptions;
  frame: Frame;
  /** Identifies the numbers of the list and their order. All pages of a list have the same name. */
  name: string;
  /** Whether a page is asked for, not the whole list. */
  paged: boolean;
  /** How many numbers are read at once. */
  limit: number;
  after: PageEnd | undefined;
};

/**
 * @param zone the tenant's time zone, in which days begin
 * @throws Problem `invalid_request` for an invalid timestamp or cursor
 */
export function readList(query: ListOptions, zone: string): List {
  const paged = query.limit !== undefined || query.cursor !== undefined;
  const name = listName(query);
  return {
    query: { ...query, ...readMoments(query, zone) },
    frame: frameOf(query),
    name,
    paged,
    limit: paged ? (query.limit ?? limitDefault) : rowsAtOnce,
    after: query.cursor === undefined ? undefined : readCursor(query.cursor, name, query.sort),
  };
}

/** Each time as the instant that its filter compares with: the end of what it names, or its beginning. */
const comparedEnd = {
  created_after: 'to',
  created_before: 'from',
  unassigned_since: 'to',
  as_of: 'to',
} as const;
type Compared = keyof typeof comparedEnd;

/** The timestamps in a form that PostgreSQL accepts. It rejects some that ISO 8601 allows. */
function readMoments(query: ListOptions, zone: string): Partial<ListOptions> {
  if (query.as_of !== undefined && query.unassigned_since !== undefined) {
    throw invalid('unassigned_since cannot be combined with as_of');
  }
  const moments: Partial<ListOptions> = {};
  for (const [field, end] of Object.entries(comparedEnd) as [Compared, 'from' | 'to'][]) {
    const text = query[field];
    const isRevision = field === 'as_of' && /^\d{1,15}$/.test(text ?? '');
    if (text !== undefined && !isRevision) moments[field] = readSpan(text, field, zone)[end].toISOString();
  }
  return moments;
}

/** Whether the list depends on the tenant's time zone. */
export const namesDay = (query: ListOptions): boolean =>
  Object.keys(comparedEnd).some(field => isDay(query[field as Compared]));

/** A hash of the options that choose and order the numbers. */
function listName({ limit, cursor, view, total, format, ...options }: ListOptions): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(options).sort()))
    .digest('base64url')
    .slice(0, 16);
}
