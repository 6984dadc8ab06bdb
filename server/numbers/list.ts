import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type OpenCursor, openCursor } from '../db/cursor.ts';
import type { Database } from '../db/database.ts';
import { invalid, Problem } from '../errors.ts';
import { readMoment, timestamp } from '../http/operation.ts';
import type { Who } from '../keys/who.ts';
import { type After, type ListOptions, listStatement } from './list-statement.ts';
import type { NumberRow } from './numbers.ts';

/**
 * One list at one revision. A long one is a stream, which must be read to its end or destroyed: it holds a connection.
 */
export type NumberList = { revision: number; organizationId: string; body: string | Readable };

const limitDefault = 100;
const rowsPerRead = 2000;

/**
 * Opens the list of an organization's numbers: everything in one statement, so that the rows and the revision are of
 * one snapshot, read through a cursor, so that a list of any length passes through in pieces.
 */
export async function openList(
  database: Database,
  who: Who,
  query: ListOptions,
  brand: string,
): Promise<NumberList> {
  const paging = query.limit !== undefined || query.cursor !== undefined;
  const limit = paging ? (query.limit ?? limitDefault) : undefined;
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor, query);
  const moments = readMoments(query);
  const client = await database.pool.connect();
  const cursor = openCursor<Row>(client, ...listStatement(who, { ...query, ...moments }, after, limit));
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    await cursor.close();
    client.release();
  };
  try {
    const first = await cursor.read(rowsPerRead);
    if (!first[0]) throw new Problem('organization_not_found');
    const { revision, organization_id } = first[0];
    const page = paging ? { limit: limit!, cursorAfter: (row: Row) => writeCursor(row, query) } : undefined;
    const pieces = listBody(first, cursor, close, brand, query.view, page);
    const long = first.length === rowsPerRead;
    if (!long) {
      const body = (await Array.fromAsync(pieces)).join('');
      return { revision, organizationId: organization_id, body };
    }
    const body = Readable.from(pieces, { objectMode: false });
    // A generator that is left before its first step runs no `finally`: the client may have gone by now.
    body.once('close', close);
    return { revision, organizationId: organization_id, body };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The validator of a list: changes with the organization's revision, and with everything else that the body is made
 * of. The revision comes first, so that a person can read it.
 */
export function listTag(revision: number, organizationId: string, who: Who, brand: string): string {
  const rest = [organizationId, who.ownUserId ?? '', brand].join(' ');
  return `"${revision}-${createHash('sha256').update(rest).digest('base64url').slice(0, 8)}"`;
}

/** RFC 9110, 13.1.2: a list of tags or `*`, compared weakly. */
export function matchesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some(candidate => {
    const text = candidate.trim();
    return text === '*' || text.replace(/^W\//, '') === tag;
  });
}

type Row = {
  organization_id: string;
  revision: number;
  total?: number;
  id: string | null; // null in the one row of an organization without numbers
  phone_number: string;
  pretty_phone_number: string;
  nickname: string | null;
  status: string;
  user_id: string | null;
  user_email: string;
  user_name: string;
  assigned_at: Date | null;
  created_at: Date;
};

/** Moments as PostgreSQL reads all of them: it refuses some that ISO 8601 allows. */
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

type Page = { limit: number; cursorAfter: (row: Row) => string };

async function* listBody(
  first: Row[],
  cursor: OpenCursor<Row>,
  close: () => Promise<void>,
  brand: string,
  view: ListOptions['view'],
  page: Page | undefined,
): AsyncGenerator<string, void> {
  try {
    let count = 0;
    let last: Row | undefined;
    let more = false;
    let text = '{"success":true,"phone_numbers":[';
    for (
      let rows = first;
      rows.length > 0;
      rows = rows.length < rowsPerRead ? [] : await cursor.read(rowsPerRead)
    ) {
      for (const row of rows) {
        if (row.id === null) continue;
        if (count === page?.limit) {
          more = true;
          break;
        }
        text +=
          (count++ === 0 ? '' : ',') +
          JSON.stringify(view === 'full' ? fullItem(row as unknown as NumberRow) : listItem(row));
        last = row;
      }
      if (rows.length === rowsPerRead) {
        yield text;
        text = '';
      }
    }
    const total = first[0]!.total === undefined ? {} : { total: first[0]!.total };
    const paging = page
      ? { ...total, has_more: more, next_cursor: more ? page.cursorAfter(last!) : null }
      : total;
    yield `${text}],${JSON.stringify({ count, ...paging, powered_by: brand }).slice(1)}`;
  } finally {
    await close();
  }
}

/** The eight fields of the list, in their order. */
export function listItem(row: Omit<Row, 'organization_id' | 'revision'>) {
  return {
    id: row.id!,
    phone_number: row.phone_number,
    pretty_phone_number: row.pretty_phone_number,
    nickname: row.nickname,
    is_available: row.status === 'available',
    assigned_to:
      row.user_id === null ? null : { user_id: row.user_id, email: row.user_email, name: row.user_name },
    assigned_at: timestamp(row.assigned_at),
    created_at: timestamp(row.created_at),
  };
}

/** Every field of a number that changes with its organization's revision alone, as a list shows it in full. */
function fullItem(row: NumberRow) {
  return {
    ...listItem({ ...row, user_email: row.user_email ?? '', user_name: row.user_name ?? '' }),
    status: row.status,
    until: timestamp(row.until),
    reservation_id: row.reservation_id,
    reservation_note: row.reservation_note,
    tags: row.tags,
    locked: row.locked,
    metadata: row.metadata,
    carrier_account_id: row.carrier_account_id,
    pending_reason: row.pending_reason,
    organization_id: row.organization_unique_id,
    organization_name: row.organization_name,
    country: row.country,
    area_code: row.area_code,
    modified_at: timestamp(row.modified_at),
  };
}

/** Every field of a number, as one call for one number shows it. */
export const numberItem = (row: NumberRow) => ({
  ...fullItem(row),
  leaving: row.release_due_at !== null,
  release_problem: row.release_problem,
});

/** Where a page ended, and of which list: a cursor that is taken to another one is refused. */
function writeCursor(row: Row, query: ListOptions): string {
  const value = query.sort.endsWith('created_at') ? row.created_at.toISOString() : row.phone_number;
  return Buffer.from(JSON.stringify([value, row.phone_number, listName(query)])).toString('base64url');
}

function readCursor(text: string, query: ListOptions): After {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw invalid('cursor must be the next_cursor of an earlier page');
  }
  const [value, phone_number, name] = Array.isArray(parts) ? parts : [];
  const isNumber = (part: unknown) => typeof part === 'string' && /^\+\d{7,15}$/.test(part);
  const isPlace = query.sort.endsWith('created_at') ? isMoment(value) : isNumber(value);
  if (!isNumber(phone_number) || typeof name !== 'string')
    throw invalid('cursor must be the next_cursor of an earlier page');
  if (name !== listName(query) || !isPlace)
    throw invalid('cursor belongs to a list of another organization, filter or order');
  return { value, phone_number };
}

/** As `writeCursor` writes it; PostgreSQL has no year 0 and no 30th of February. */
function isMoment(part: unknown): boolean {
  if (typeof part !== 'string' || !/^[1-9]\d{3}-/.test(part)) return false;
  const date = new Date(part);
  return !Number.isNaN(date.getTime()) && date.toISOString() === part;
}

/** Names a list among all others: whatever the query asks for, paging aside. */
function listName({ limit: _, cursor: __, view: ___, total: ____, ...asked }: ListOptions): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(asked).sort()))
    .digest('base64url')
    .slice(0, 16);
}
