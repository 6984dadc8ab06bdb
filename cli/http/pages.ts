import { parseObject } from '../terminal/arguments.ts';
import { describe, Failure } from '../terminal/failure.ts';
import { type Columns, growingTable, write } from '../terminal/output.ts';
import { call, type Query } from './client.ts';

/** What every body with a page of a list has, beside the list itself. */
type Page = { count: number; total?: number; next_cursor?: string | null };

/** The names of the lists in a body. */
type ListOf<P> = { [name in keyof P]: P[name] extends unknown[] ? name : never }[keyof P] & string;
type Row<P, List extends keyof P> = P[List] extends (infer Item)[] ? Item : never;

type PageOptions<P> = { limit?: number | undefined; perPage: number; query(first: P | undefined): Query };

/**
 * Asks for a list page after page, so that a list of any length needs little memory.
 * @param query the parameters of a page. Those after the first may depend on what the first said.
 */
export async function* pagesOf<P extends Page>(path: string, options: PageOptions<P>): AsyncGenerator<P> {
  const { limit = Number.POSITIVE_INFINITY, perPage, query } = options;
  let first: P | undefined;
  let cursor: string | undefined;
  for (let rest = limit; rest > 0; ) {
    const page = { ...query(first), cursor, limit: Math.min(rest, perPage) };
    const { body } = await call<P>('GET', path, { query: page });
    yield body;
    first ??= body;
    rest -= body.count;
    cursor = body.next_cursor ?? undefined;
    if (cursor === undefined) return;
  }
}

/** Writes pages as one table. @returns the sum of their counts, the number of rows, and the first and last page */
export async function writeTable<P extends Page, List extends ListOf<P>>(
  list: List,
  columns: Columns<Row<P, List>>,
  pages: AsyncIterable<P>,
): Promise<{ count: number; rows: number; first?: P; last?: P }> {
  const piece = growingTable(columns);
  const written: { count: number; rows: number; first?: P; last?: P } = { count: 0, rows: 0 };
  for await (const page of pages) {
    const rows = page[list] as Row<P, List>[];
    await write(piece(rows));
    written.count += page.count;
    written.rows += rows.length;
    written.first ??= page;
    written.last = page;
  }
  return written;
}

/**
 * Writes pages as the one document that the server would send if its pages had no limit. If a later page fails, the
 * document ends with the error, so that it is whole all the same; `success` stands at its end then.
 */
export async function writeDocument<P extends Page>(list: ListOf<P>, pages: AsyncIterable<P>): Promise<void> {
  const iterator = pages[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done) return write(`{"success":true,"${list}":[],"count":0}\n`);
  // The second one tells whether all of the document is known already.
  let next = await iterator.next().catch(failed);
  if (!(next instanceof Failed) && next.done) return write(`${JSON.stringify(first.value)}\n`);
  let begun = itemsOf(first.value, list);
  await write(`{"${list}":[${begun}`);
  let last = first.value;
  let { count } = last;
  while (!(next instanceof Failed) && !next.done) {
    last = next.value;
    const items = itemsOf(last, list);
    if (items) await write(begun ? `,${items}` : items);
    begun ||= items;
    count += last.count;
    next = await iterator.next().catch(failed);
  }
  // Only the first page is asked for the total. Everything else is as the last page says.
  const { [list]: _, ...rest } = { ...last, count, total: first.value.total };
  const problem = next instanceof Failed ? errorOf(next.error) : {};
  await write(`],${JSON.stringify({ ...rest, ...problem }).slice(1)}\n`);
  if (next instanceof Failed) throw next.error;
}

class Failed {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

const failed = (error: unknown): Failed => new Failed(error);

const itemsOf = <P>(page: P, list: keyof P): string => JSON.stringify(page[list]).slice(1, -1);

/** The error of the server as it was sent, or that of the connection. */
export const errorOf = (error: unknown): object => ({
  success: false,
  error: describe(error).split('\n')[0],
  ...(error instanceof Failure && parseObject(error.body ?? '')),
});
