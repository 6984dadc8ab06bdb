import type { Logger } from 'pino';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { goOnAttaching } from '../numbers/at-carrier/attachment.ts';
import { goOnReleasing } from '../numbers/at-carrier/carrier-release.ts';
import { attachments, releases } from '../numbers/at-carrier/leased-numbers.ts';
import { orderLease, type Shop } from '../orders/hold.ts';
import { holdMs, pursue } from '../orders/pursue.ts';
import { runLease } from '../reconciliation/runs.ts';
import { runLeaseMs, takeStep } from '../reconciliation/work.ts';
import { fromNow, type Lease, type Leased, takeDue, unlessLost } from '../work/leases.ts';

/*
 * What the workers of a server do, done when a test says so, and with every failure thrown. Each returns how many rows
 * were due.
 */

export const pursueDueOrders = (shop: Shop): Promise<number> =>
  work(shop.db, orderLease, holdMs(shop.carriers), order => pursue(shop, order));

export const stepDueRuns = (db: Db, carriers: Carriers, log: Logger): Promise<number> =>
  work(db, runLease, runLeaseMs(carriers), run => takeStep(db, carriers, log, run));

export const releaseWhatIsDue = (db: Db, carriers: Carriers): Promise<number> =>
  workOff(db, releases, carriers, number => goOnReleasing(db, carriers, number));

export const attachWhatIsDue = (db: Db, carriers: Carriers): Promise<number> =>
  workOff(db, attachments, carriers, number => goOnAttaching(db, carriers, number));

/** Until nothing is due. */
async function workOff<Row>(
  db: Db,
  lease: Lease<Row>,
  carriers: Carriers,
  goOn: (row: Leased<Row>) => Promise<void>,
): Promise<number> {
  const count = await work(db, lease, carriers.settings.settleMs, goOn);
  return count === 0 ? 0 : count + (await workOff(db, lease, carriers, goOn));
}

async function work<Row>(
  db: Db,
  lease: Lease<Row>,
  leaseMs: number,
  goOn: (row: Leased<Row>) => Promise<void>,
): Promise<number> {
  const rows = await takeDue(db, lease, fromNow(leaseMs), { free: 10 });
  const results = await Promise.allSettled(rows.map(row => unlessLost(goOn(row))));
  const failed = results.find(result => result.status === 'rejected');
  if (failed) throw failed.reason;
  return rows.length;
}
