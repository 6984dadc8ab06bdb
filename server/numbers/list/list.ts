import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CompiledQuery } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Caller } from '../../access/caller.ts';
import type { Database, Db } from '../../db/database.ts';
import { namesOfRecurring } from '../../db/prepared.ts';
import { invalid } from '../../errors.ts';
import { readMoment } from '../../http/operation.ts';
import type { Body } from '../../reading/body-cache.ts';
import { type Frame, frameOf } from './formats.ts';
import { type After, type ListOptions, type PageRow, pageStatement } from './statement.ts';

const limitDefault = 100;
/** A list with more numbers than this is not built at once but streamed. */
export const rowsAtOnce = 1000;
/**
 * So many at a time: as text they stay far below the size from which V8 keeps a string until its next full collection,
 * and whoever shares the processor waits for one piece at most.
 */
export const rowsPerPiece = 100;

/** A list that has been understood. */
export type List = {
  query: ListOptions;
  frame: Frame;
  /** Tells it from every list of other numbers, or in another order; the same for all of its pages. */
  name: string;
  /** Whether a page is asked for, or the whole. */
  paged: boolean;
  /** As many numbers as are read at once. */
  limit: number;
  after: After | undefined;
};

/** @throws Problem `invalid_request` for moments and cursors that are none */
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

export type Lists = ReturnType<typeof createLists>;

export function createLists({ db, long }: Database, brand: string) {
  const longName = namesOfRecurring();
  /** How many numbers fit, at which revision: a walk through the pages of a large list counts it once. */
  const totals = new LRUCache<string, { version: string; total: number }>({ max: 10_000 });

  async function readCountedPage(
    caller: Caller,
    organizationId: string,
    list: List,
    version: string,
  ): Promise<PageRow> {
    if (!list.query.total) return readPage(db, caller, organizationId, list);
    const name = `${organizationId} ${caller.ownUserId ?? ''} ${list.name}`;
    const known = totals.get(name);
    if (known?.version === version) {
      const row = await readPage(db, caller, organizationId, {
        ...list,
        query: { ...list.query, total: false },
      });
      if (String(row.revision) === version) return { ...row, total: known.total };
    }
    const row = await readPage(db, caller, organizationId, list);
    totals.set(name, { version: String(row.revision), total: row.total! });
    return row;
  }

  return {
    /**
     * The body of a list, with the revision that it shows; without bytes for one that is too long to be built at once.
     * One statement is one snapshot, so the numbers and the revision belong together.
     * @param version the organization's revision as far as it is known
     */
    async build(caller: Caller, organizationId: string, list: List, version: string): Promise<Body> {
      const row = await readCountedPage(caller, organizationId, list, version);
      const more = row.found > list.limit;
      if (more && !list.paged) return { version: String(row.revision), bytes: undefined };
      const count = more ? list.limit : row.found;
      const paging = list.paged && { has_more: more, next_cursor: more ? writeCursor(row, list) : null };
      const text = list.frame.head + pieceOf(row, list) + tail(list, count, row.total, paging, brand);
      return { version: String(row.revision), bytes: Buffer.from(text) };
    },

    /**
     * A long list, in pieces of one snapshot: a transaction that only reads is held open until the last piece is
     * taken, or the stream is destroyed. The next piece is read when the one before has been taken, so the client sets
     * the pace.
     */
    async stream(
      caller: Caller,
      organizationId: string,
      whole: List,
    ): Promise<{ version: string; stream: Readable }> {
      const list = { ...whole, limit: rowsPerPiece };
      const rest = { ...list, query: { ...list.query, total: false } };
      const statement = (part: List) => {
        const [text, values] = pageStatement(caller, organizationId, part.query, part.after, part.limit);
        return { name: longName(text), text, values };
      };
      const client = await long.connect();
      let first: PageRow;
      try {
        await client.query('begin isolation level repeatable read read only');
        first = (await client.query<PageRow>(statement(list))).rows[0]!;
      } catch (error) {
        client.release(error as Error);
        throw error;
      }
      let row: PageRow | undefined;
      let count = 0;
      const stream = new Readable({
        // As text they need no buffers of their own, which only a collection would free.
        objectMode: true,
        highWaterMark: 1,
        read() {
          if (row === undefined) return push(first);
          const next = statement({ ...rest, after: afterOf(row, list.query) });
          // Promises would make a chain from each piece to the next: V8, which collects its old space seldom, kept the
          // pieces with it, 100 MB at its peak. What a callback throws would end the process.
          client.query<PageRow>(next, (error, result) => {
            try {
              if (error) throw error;
              push(result.rows[0]!);
            } catch (error) {
              stream.destroy(error as Error);
            }
          });
        },
        destroy(error, done) {
          client.query('rollback', failed => {
            client.release(failed);
            done(error);
          });
        },
      });
      return { version: String(first.revision), stream };

      function push(piece: PageRow) {
        const last = piece.found <= list.limit;
        const before = row === undefined ? list.frame.head : list.frame.seam;
        const after = last ? tail(list, count + piece.found, first.total, false, brand) : '';
        row = piece;
        count += list.limit;
        stream.push(before + pieceOf(piece, list) + after);
        if (last) stream.push(null);
      }
    },
  };
}

const pieceOf = ({ items }: PageRow, { frame }: List): string => (items === null ? '' : frame.piece(items));

/** What a list in JSON says of itself after its numbers; the other formats are numbers and nothing else. */
function tail(
  { query: { format = 'json' } }: List,
  count: number,
  total: number | undefined,
  paging: object | false,
  brand: string,
): string {
  if (format !== 'json') return '';
  const rest = { count, ...(total !== undefined && { total }), ...paging, powered_by: brand };
  return `],${JSON.stringify(rest).slice(1)}`;
}

async function readPage(
  db: Db,
  caller: Caller,
  organizationId: string,
  { query, limit, after }: List,
): Promise<PageRow> {
  const [text, values] = pageStatement(caller, organizationId, query, after, limit);
  const { rows } = await db.executeQuery<PageRow>(CompiledQuery.raw(text, values));
  return rows[0]!;
}

const afterOf = (row: PageRow, query: ListOptions): After => ({
  value: query.sort.endsWith('created_at') ? row.last_created_at! : row.last_number!,
  phone_number: row.last_number!,
});

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

/** Where a page ended, and of which list: a cursor that is taken to another one is refused. */
function writeCursor(row: PageRow, { query, name }: List): string {
  const { value, phone_number } = afterOf(row, query);
  return Buffer.from(JSON.stringify([value, phone_number, name])).toString('base64url');
}

function readCursor(text: string, listed: string, sort: ListOptions['sort']): After {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw invalid('cursor must be the next_cursor of an earlier page');
  }
  const [value, phone_number, name] = Array.isArray(parts) ? parts : [];
  const isNumber = (part: unknown) => typeof part === 'string' && /^\+\d{7,15}$/.test(part);
  const isPlace = sort.endsWith('created_at') ? isMoment(value) : isNumber(value);
  if (!isNumber(phone_number) || typeof name !== 'string')
    throw invalid('cursor must be the next_cursor of an earlier page');
  if (name !== listed || !isPlace)
    throw invalid('cursor belongs to a list of another organization, filter or order');
  return { value, phone_number };
}

/** As `writeCursor` writes it, to the microsecond; PostgreSQL has no year 0 and no 30th of February. */
function isMoment(part: unknown): boolean {
  const milliseconds = typeof part === 'string' && /^([1-9]\d{3}-.*\.\d{3})\d{3}Z$/.exec(part)?.[1];
  if (!milliseconds) return false;
  const date = new Date(`${milliseconds}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString() === `${milliseconds}Z`;
}

/** Names a list among all others: whatever the query asks for, paging aside. */
function listName({ limit, cursor, view, total, format, ...asked }: ListOptions): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(asked).sort()))
    .digest('base64url')
    .slice(0, 16);
}
