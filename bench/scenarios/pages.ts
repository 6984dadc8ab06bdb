import {
  alternate,
  type Bench,
  capture,
  listPath,
  loadOurs,
  longOrganization,
  outdate,
  parsed,
  requestOf,
} from '../bench.ts';
import { compared, type Line } from '../figures.ts';

const perPage = 100;
/** The largest page that the API allows. */
const perStep = 10_000;

/** The last pages of a long list against its first ones. All come from the database, none from the cache. */
export async function pageCost(bench: Bench): Promise<Line[]> {
  const { ours, longNumbers } = bench;
  const pages = bench.quick ? 100 : 400;
  const reached = await walk(bench, (longNumbers - pages * perPage) / perStep, perStep);
  const behind = await walk(bench, pages, perPage, reached.at(-1));
  if (behind.at(-1) !== undefined) throw new Error('there is a page after the last');
  const lastOnes = [reached.at(-1), ...behind.slice(0, -1)];
  const firstOnes = [undefined, ...(await walk(bench, pages - 1, perPage))];
  const measure = async (cursors: (string | undefined)[]) => {
    await outdate(ours, [longOrganization]);
    const requests = cursors.map(cursor => requestOf(ours, pagePath(perPage, cursor)));
    return (await loadOurs(bench, { connections: 16, requests, count: pages, status: 200 })).whole.p50;
  };
  const measured = await alternate(2 * bench.rounds, {
    ours: () => measure(lastOnes),
    floor: () => measure(firstOnes),
  });
  const total = longNumbers / perPage;
  const what = `p50 of pages ${(total - pages + 1).toLocaleString('en-US')} to ${total.toLocaleString('en-US')} of 100`;
  return [
    compared('pages', { what, unit: 'ms', ...measured, against: `pages 1 to ${pages}` }, { most: 1.1 }),
  ];
}

const pagePath = (limit: number, cursor: string | undefined) =>
  `${listPath(longOrganization)}&limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`;

/** Reads `count` pages from a cursor on. @returns the cursor after each page; undefined after the last page */
async function walk(
  bench: Bench,
  count: number,
  limit: number,
  from?: string,
): Promise<(string | undefined)[]> {
  const cursors: (string | undefined)[] = [];
  for (let cursor = from; cursors.length < count; cursors.push(cursor)) {
    const [answer] = await capture(bench, [pagePath(limit, cursor)]);
    const page = parsed(answer!);
    if (page.count !== limit) throw new Error(`a page of ${limit} had ${page.count} numbers`);
    cursor = page.next_cursor ?? undefined;
  }
  return cursors;
}
