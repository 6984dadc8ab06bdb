import { sql } from 'kysely';
import type { Carrier, Page } from '../../carriers/carrier.ts';
import { CarrierError } from '../../carriers/errors.ts';
import { type Db, transact } from '../db/database.ts';
import { backOffMs } from '../work/back-off.ts';
import { doubtOfLoss } from './compare.ts';
import { finish, save } from './progress.ts';
import type { Counts, LeasedRun, Run } from './runs.ts';
import { deleteListed, type StoredPage, storeListed } from './stock.ts';

const listingsMax = 3;
const pagesMax = 20_000;
/** An account that is bought into or sold out of while it is read is never read quite right. */
const offByMax = 20;

/**
 * Reads one page of what the account owns, and keeps it together with where to go on, so that a page that is read again
 * after a kill harms nothing. A list that cannot be right is read again from the beginning, a few times.
 */
export async function takePage(db: Db, carrier: Carrier, run: LeasedRun, pollMs: number): Promise<void> {
  const page = await readPage(carrier, run);
  if (!page) return listAgain(db, run, pollMs, 'The carrier does not know its own next page');
  await transact(db, async tx => {
    const kept = await storeListed(tx, run, page.numbers);
    const counts = countPage(run.counts, page, kept);
    const doubt = doubtOf(run, page, kept, counts);
    if (doubt && (doubt.great || !isLastListing(run))) return listAgain(tx, run, pollMs, doubt.text);
    if (page.next !== null) return save(tx, run, { next_page: page.next, counts });
    const loss = await doubtOfLoss(tx, run, counts.listed!);
    if (loss !== undefined) return listAgain(tx, run, pollMs, loss);
    await save(tx, run, { status: 'comparing', next_page: null, counts });
  });
  // Autovacuum would get to it within a minute; until then the table looks empty to the planner.
  if (page.next === null) await sql`analyze carrier_stock`.execute(db);
}

/** @returns undefined where the page is refused that the carrier itself has named as the next one */
async function readPage(carrier: Carrier, run: Run): Promise<Page | undefined> {
  try {
    return await carrier.list(run.next_page ?? undefined);
  } catch (error) {
    const refused =
      error instanceof CarrierError && (error.outcome === 'unavailable' || error.outcome === 'not_found');
    if (refused && run.next_page !== null) return undefined;
    throw error;
  }
}

function countPage(before: Counts, { next, total }: Page, { added, unreadable }: StoredPage): Counts {
  const listed = (before.listed ?? 0) + added;
  return {
    ...before,
    pages: (before.pages ?? 0) + 1,
    listed,
    unreadable: (before.unreadable ?? 0) + unreadable,
    // The first that it says: what it says later must be the same.
    total: before.total ?? total,
    ...(next === null && total !== null && { off_by: Math.abs(total - listed) }),
  };
}

/** Why the list cannot be right; `great`: more than an account that changes meanwhile explains. */
function doubtOf(
  run: Run,
  { numbers, next, total }: Page,
  { added }: StoredPage,
  { pages, listed, total: first }: Counts,
): { text: string; great: boolean } | undefined {
  if (numbers.length > 0 && added === 0)
    return { text: 'The carrier gave the same page twice', great: numbers.length > offByMax };
  if (next !== null && (next === run.next_page || pages! >= pagesMax))
    return { text: 'The carrier names a next page without end', great: true };
  if (total !== null && total !== first)
    return {
      text: `The carrier counted ${first} numbers, and then ${total}`,
      great: Math.abs(total - first!) > offByMax,
    };
  if (next === null && total !== null && total !== listed)
    return {
      text: `The carrier counts ${total} numbers and listed ${listed}`,
      great: Math.abs(total - listed!) > offByMax,
    };
  return undefined;
}

const isLastListing = ({ counts }: Run): boolean => (counts.listings ?? 1) >= listingsMax;

/** From the beginning; after the last time, the run says why its list cannot be believed, and nothing else. */
async function listAgain(db: Db, run: LeasedRun, pollMs: number, why: string): Promise<void> {
  if (isLastListing(run)) return finish(db, run, 'doubtful', { problem: `${why}, so nothing is believed` });
  const listings = (run.counts.listings ?? 1) + 1;
  await transact(db, async tx => {
    await deleteListed(tx, run);
    const counts = { listings, pages: 0, listed: 0, unreadable: 0, total: null };
    await save(tx, run, { next_page: null, counts }, backOffMs(pollMs, listings));
  });
}
