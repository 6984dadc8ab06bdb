import { Readable } from 'node:stream';
import { CompiledQuery } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Caller } from '../../access/caller.ts';
import type { Database, Db } from '../../db/database.ts';
import { namesOfRecurring } from '../../db/prepared.ts';
import { invalid } from '../../errors.ts';
import type { Body } from '../../reading/body-cache.ts';
import { writeCursor } from './cursor.ts';
import { type List, rowsAtOnce } from './query.ts';
import { type ListOptions, type Page, type PageEnd, pageStatement } from './statement.ts';

/**
 * V8 keeps a large string until its next full collection; a piece of this size stays far below that. It also bounds how
 * long other requests wait for the processor.
 */
export const rowsPerPiece = 100;

export function createLists({ db, long }: Database, brand: string) {
  const longName = namesOfRecurring();
  /** The total of each list at a revision, so that a client that reads page after page counts the list once. */
  const totals = new LRUCache<string, { version: string; total: number }>({ max: 10_000 });

  async function readCountedPage(
    caller: Caller,
    organizationId: string,
    list: List,
    version: string,
  ): Promise<Page> {
    if (!list.query.total) return readPage(db, caller, organizationId, list);
    const name = `${organizationId} ${caller.ownUserId ?? ''} ${list.name}`;
    const known = totals.get(name);
    if (known?.version === version) {
      const page = await readPage(db, caller, organizationId, {
        ...list,
        query: { ...list.query, total: false },
      });
      if (page.version === version) return { ...page, total: known.total };
    }
    const page = await readPage(db, caller, organizationId, list);
    totals.set(name, { version: page.version, total: page.total! });
    return page;
  }

  return {
    /**
     * The body of a list and its revision. A list that is too long to be built at once has no bytes. One statement is
     * one snapshot, so the numbers are those of the revision.
     * @param version the organization's revision, as last seen
     */
    async build(caller: Caller, organizationId: string, list: List, version: string): Promise<Body> {
      const begin = { ...list, limit: Math.min(list.limit, rowsAtOnce) };
      const page = await readCountedPage(caller, organizationId, begin, version);
      const more = page.row_count > begin.limit;
      if (more && begin.limit < rowsMax(list)) return { version: page.version, bytes: undefined };
      const count = more ? begin.limit : page.row_count;
      const paging = pagingOf(list, more ? page : undefined);
      const text = list.frame.head + pieceOf(page, list) + tail(list, count, page.total, paging, brand);
      return { version: page.version, bytes: Buffer.from(text) };
    },

    /**
     * A long list, or a long page of one, in pieces of one snapshot. A read-only transaction stays open until the last
     * piece is consumed or the stream is destroyed. Each piece is read when the one before has been consumed.
     * http/pace/spool.ts consumes them, so that no client sets the pace.
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
      let first: Page;
      try {
        await client.query('begin isolation level repeatable read read only');
        first = (await client.query<Page>(statement(list))).rows[0]!;
      } catch (error) {
        client.release(error as Error);
        throw error;
      }
      const most = rowsMax(whole);
      let page: Page | undefined;
      let count = 0;
      const stream = new Readable({
        // Pieces stay strings: buffers would be freed only by a garbage collection.
        objectMode: true,
        highWaterMark: 1,
        read() {
          if (page === undefined) return push(first);
          const limit = Math.min(rowsPerPiece, most - count);
          const next = statement({ ...rest, limit, after: endOf(page, list.query) });
          // Not a promise: promises would chain each piece to the next, and V8 rarely collects its old space, so it
          // kept the pieces too, up to 100 MB. An error thrown in a callback would end the process, so it is caught.
          client.query<Page>(next, (error, result) => {
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
      return { version: first.version, stream };

      function push(piece: Page) {
        const limit = Math.min(rowsPerPiece, most - count);
        const more = piece.row_count > limit;
        const before = page === undefined ? list.frame.head : list.frame.pieceSeparator;
        page = piece;
        count += more ? limit : piece.row_count;
        const last = !more || count === most;
        const paging = last && pagingOf(whole, more ? piece : undefined);
        const after = last ? tail(list, count, first.total, paging, brand) : '';
        stream.push(before + pieceOf(piece, list) + after);
        if (last) stream.push(null);
      }
    },
  };
}

/** How many numbers the answer has at most. */
const rowsMax = ({ paged, limit }: List): number => (paged ? limit : Number.POSITIVE_INFINITY);

/** @param last the last piece of the page, if more numbers follow it */
const pagingOf = (list: List, last: Page | undefined): object | false =>
  list.paged && {
    has_more: last !== undefined,
    next_cursor: last ? writeCursor(endOf(last, list.query), list.name) : null,
  };

const pieceOf = ({ items }: Page, { frame }: List): string => (items === null ? '' : frame.piece(items));

/** The end of a list in JSON: its count and paging. The other formats have none. */
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
): Promise<Page> {
  const [text, values] = pageStatement(caller, organizationId, query, after, limit);
  const { rows } = await db.executeQuery<Page>(CompiledQuery.raw(text, values));
  const page = rows[0]!;
  if (page.ahead) {
    const revision = page.version.split('-')[0];
    const now = page.now!.toISOString();
    throw invalid(`as_of is in the future: the organization is at revision ${revision}, and it is ${now}`);
  }
  return page;
}

const endOf = (page: Page, query: ListOptions): PageEnd => ({
  value: query.sort.endsWith('created_at') ? page.last_created_at! : page.last_number!,
  phone_number: page.last_number!,
});
