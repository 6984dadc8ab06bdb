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
/** The tolerated difference for an account whose numbers change while it is listed. */
const offByMax = 20;

/**
 * Reads one page of the account's numbers and stores it in one transaction with the cursor, so that a page read twice
 * after a crash does no harm. A doubtful list is read again from the beginning, a few times.
 */
export async function takePage(db: Db, carrier: Carrier, run: LeasedRun, pollMs: number): Promise<void> {
  const page = await readPage(carrier, run);
  if (!page) return listAgain(db, run, pollMs, 'The carrier refused its own next page');
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
  // Autovacuum may take a minute. Until then the planner believes that the table is empty.
  if (page.next === null) await sql`analyze carrier_stock`.execute(db);
}

/** @returns undefined if the carrier refuses the page that it named as the next one */
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
    // Keep the first total, so that doubtOf can compare later ones with it.
    total: before.total ?? total,
    ...(next === null && total !== null && { off_by: Math.abs(total - listed) }),
  };
}

/** Why the list is doubtful. `great`: changes to the account during the listing cannot explain it. */
function doubtOf(
  run: Run,
  { numbers, next, total }: Page,
  { added }: StoredPage,
  { pages, listed, total: first }: Counts,
): { text: string; great: boolean } | undefined {
  if (numbers.length > 0 && added === 0)
    return { text: 'The carrier returned the same page twice', great: numbers.length > offByMax };
  if (next !== null && (next === run.next_page || pages! >= pagesMax))
    return { text: 'The list of the carrier does not end', great: true };
  if (total !== null && total !== first)
    return {
      text: `The carrier first counted ${first} numbers and then ${total}`,
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

/** Starts the listing over. After the last attempt, ends the run as `doubtful`, without any drift. */
async function listAgain(db: Db, run: LeasedRun, pollMs: number, why: string): Promise<void> {
  if (isLastListing(run))
    return finish(db, run, 'doubtful', { problem: `${why}, so the run reports no drift` });
  const listings = (run.counts.listings ?? 1) + 1;
  await transact(db, async tx => {
    await deleteListed(tx, run);
    const counts = { listings, pages: 0, listed: 0, unreadable: 0, total: null };
    await save(tx, run, { next_page: null, counts }, backOffMs(pollMs, listings));
  });
}
