import type { Logger } from 'pino';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { advanceAttachment } from '../numbers/at-carrier/attachment.ts';
import { advanceRelease } from '../numbers/at-carrier/carrier-release.ts';
import { attachments, releases } from '../numbers/at-carrier/leased-numbers.ts';
import { orderLease, type Shop } from '../orders/hold.ts';
import { orderLeaseMs, pursue } from '../orders/pursue.ts';
import { runLease } from '../reconciliation/runs.ts';
import { advanceRun, runLeaseMs } from '../reconciliation/work.ts';
import { fromNow, type Lease, type Leased, leaseDue, unlessLeaseLost } from '../work/leases.ts';

/*
 * What the workers of a server do, done when a test says so, and with every failure thrown. Each returns how many rows
 * were due.
 */

export const pursueDueOrders = (shop: Shop): Promise<number> =>
  work(shop.db, orderLease, orderLeaseMs(shop.carriers), order => pursue(shop, order));

export const stepDueRuns = (db: Db, carriers: Carriers, log: Logger): Promise<number> =>
  work(db, runLease, runLeaseMs(carriers), run => advanceRun(db, carriers, log, run));

export const releaseWhatIsDue = (db: Db, carriers: Carriers): Promise<number> =>
  workOff(db, releases, carriers, number => advanceRelease(db, carriers, number));

export const attachWhatIsDue = (db: Db, carriers: Carriers): Promise<number> =>
  workOff(db, attachments, carriers, number => advanceAttachment(db, carriers, number));

/** Until nothing is due. */
async function workOff<Row>(
  db: Db,
  lease: Lease<Row>,
  carriers: Carriers,
  advance: (row: Leased<Row>) => Promise<void>,
): Promise<number> {
  const count = await work(db, lease, carriers.settings.settleMs, advance);
  return count === 0 ? 0 : count + (await workOff(db, lease, carriers, advance));
}

async function work<Row>(
  db: Db,
  lease: Lease<Row>,
  leaseMs: number,
  advance: (row: Leased<Row>) => Promise<void>,
): Promise<number> {
  const rows = await leaseDue(db, lease, fromNow(leaseMs), { free: 10 });
  const results = await Promise.allSettled(rows.map(row => unlessLeaseLost(advance(row))));
  const failed = results.find(result => result.status === 'rejected');
  if (failed) throw failed.reason;
  return rows.length;
}
