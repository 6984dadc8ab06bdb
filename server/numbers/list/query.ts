import { createHash } from 'node:crypto';
import { invalid } from '../../errors.ts';
import { readMoment } from '../../http/operation.ts';
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

/** @throws Problem `invalid_request` for an invalid timestamp or cursor */
export function readList(query: ListOptions): List {
  const paged = query.limit !== undefined || query.cursor !== undefined;
  const name = listName(query);
  return {
    query: { ...query, ...readMoments(query) },
    frame: frameOf(query),
    name,
    paged,
    limit: paged ? (query.limit ?? limitDefault) : rowsAtOnce,
    after: query.cursor === undefined ? undefined : readCursor(query.cursor, name, query.sort),
  };
}

/** The timestamps in a form that PostgreSQL accepts. It rejects some that ISO 8601 allows. */
function readMoments(query: ListOptions): Partial<ListOptions> {
  if (query.as_of !== undefined && query.unassigned_since !== undefined) {
    throw invalid('unassigned_since cannot be combined with as_of');
  }
  const moments: Partial<ListOptions> = {};
  for (const field of ['created_after', 'created_before', 'unassigned_since', 'as_of'] as const) {
    const text = query[field];
    if (text !== undefined && !/^\d+$/.test(text)) moments[field] = readMoment(text, field).toISOString();
  }
  return moments;
}

/** A hash of the options that choose and order the numbers. */
function listName({ limit, cursor, view, total, format, ...options }: ListOptions): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(options).sort()))
    .digest('base64url')
    .slice(0, 16);
}
