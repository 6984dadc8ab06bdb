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

/** Writes pages as the one document that the server would send if its pages had no limit. */
export async function writeDocument<P extends Page>(list: ListOf<P>, pages: AsyncIterable<P>): Promise<void> {
  let count = 0;
  let first: P | undefined;
  let last: P | undefined;
  for await (const page of pages) {
    const items = JSON.stringify(page[list]).slice(1, -1);
    if (!first) await write(`{${[...membersAround(list, page).before, `"${list}":[${items}`].join(',')}`);
    else if (items) await write(`,${items}`);
    count += page.count;
    first ??= page;
    last = page;
  }
  if (!first || !last) return write(`{"success":true,"${list}":[],"count":0}\n`);
  // Only the first page is asked for the total. Everything else behind the list is as the last page says.
  const end = { ...last, count, total: first.total };
  await write(
    `]${membersAround(list, end)
      .after.map(member => `,${member}`)
      .join('')}}\n`,
  );
}

/** What stands before and after the list in a body, as JSON. */
function membersAround(list: string, body: object): { before: string[]; after: string[] } {
  const entries = Object.entries(body).filter(([, value]) => value !== undefined);
  const place = entries.findIndex(([name]) => name === list);
  const json = (some: typeof entries) => some.map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
  return { before: json(entries.slice(0, place)), after: json(entries.slice(place + 1)) };
}
