import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type OpenCursor, openCursor } from '../db/cursor.ts';
import type { Database } from '../db/database.ts';
import { invalid, Problem } from '../errors.ts';
import { timestamp } from '../http/operation.ts';
import type { Who } from '../keys/who.ts';

export type ListQuery = {
  organization_id: string;
  include_assigned: boolean;
  /** Paging is asked for with either of these. */
  limit?: number;
  cursor?: string;
};

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
  query: ListQuery,
  brand: string,
): Promise<NumberList> {
  const paging = query.limit !== undefined || query.cursor !== undefined;
  const limit = paging ? (query.limit ?? limitDefault) : undefined;
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor, query);
  const client = await database.pool.connect();
  const cursor = openCursor<Row>(client, ...statement(who, query, after, limit));
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
    const page = paging
      ? { limit: limit!, cursorAfter: (number: string) => writeCursor(number, query) }
      : undefined;
    const pieces = listBody(first, cursor, close, brand, page);
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
export function listTag(revision: number, organizationId: string, brand: string): string {
  const rest = createHash('sha256').update(`${organizationId} ${brand} 1`).digest('base64url').slice(0, 8);
  return `"${revision}-${rest}"`;
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

function statement(
  who: Who,
  query: ListQuery,
  after: string | undefined,
  limit: number | undefined,
): [string, unknown[]] {
  const values: unknown[] = [who.tenantId, query.organization_id];
  const value = (given: unknown) => `$${values.push(given)}`;
  const text = `
    select o.id as organization_id, o.revision,
           n.id, n.phone_number, n.pretty_phone_number, n.nickname, n.status, n.created_at,
           a.assigned_at, u.unique_id as user_id, u.email as user_email, u.name as user_name
    from organizations o
    left join phone_numbers n on n.tenant_id = o.tenant_id and n.organization_id = o.id and n.released_at is null
      ${query.include_assigned ? '' : "and n.status = 'available'"}
      ${after === undefined ? '' : `and n.phone_number > ${value(after)}`}
    left join assignments a on a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.ended_at is null
    left join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
    where o.tenant_id = $1 and o.unique_id = $2
      ${who.organizationId === null ? '' : `and o.id = ${value(who.organizationId)}`}
    order by n.phone_number
    ${limit === undefined ? '' : `limit ${value(limit + 1)}`}`;
  return [text, values];
}

type Page = { limit: number; cursorAfter: (number: string) => string };

async function* listBody(
  first: Row[],
  cursor: OpenCursor<Row>,
  close: () => Promise<void>,
  brand: string,
  page: Page | undefined,
): AsyncGenerator<string, void> {
  try {
    let count = 0;
    let last = '';
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
        text += (count++ === 0 ? '' : ',') + JSON.stringify(listItem(row));
        last = row.phone_number;
      }
      if (rows.length === rowsPerRead) {
        yield text;
        text = '';
      }
    }
    const paging = page ? { has_more: more, next_cursor: more ? page.cursorAfter(last) : null } : {};
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

/** Where a page ended, and of which list: a cursor that is taken to another one is refused. */
function writeCursor(number: string, query: ListQuery): string {
  return Buffer.from(JSON.stringify([number, query.organization_id, query.include_assigned])).toString(
    'base64url',
  );
}

function readCursor(text: string, query: ListQuery): string {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw invalid('cursor must be the next_cursor of an earlier page');
  }
  const [number, organizationId, includeAssigned] = Array.isArray(parts) ? parts : [];
  if (typeof number !== 'string' || !/^\+\d{7,15}$/.test(number))
    throw invalid('cursor must be the next_cursor of an earlier page');
  if (organizationId !== query.organization_id || includeAssigned !== query.include_assigned) {
    throw invalid('cursor belongs to a list with another organization_id or include_assigned');
  }
  return number;
}
