import { type Job, logFailure } from '../work/jobs.ts';
import { unlessLeaseLost } from '../work/leases.ts';
import { startWorkers } from '../work/workers.ts';
import { orderLease, type Shop } from './hold.ts';
import { orderLeaseMs, pursue } from './pursue.ts';

export type OrderWork = Job & {
  /** Lets a purchase go on whose caller has been answered. stop() waits for it. */
  goOn(pursuit: Promise<void>, id: string): void;
};

/**
 * Starts the workers for due orders: bulk orders, orders with an unknown outcome, and orders whose server died. One
 * account gets at most half as many orders as concurrent calls, so a carrier that hangs cannot block other accounts.
 */
export function startOrders(shop: Shop): OrderWork {
  const workers = startWorkers(shop.db, shop.log, {
    name: 'orders',
    lease: orderLease,
    everyMs: shop.carriers.settings.pollMs / 4,
    leaseMs: orderLeaseMs(shop.carriers),
    atOnce: 32,
    share: Math.ceil(shop.carriers.settings.concurrency / 2),
    work: order => pursue(shop, order),
  });
  const left = new Set<Promise<void>>();
  return {
    ...workers,
    goOn(pursuit, id) {
      const rest = unlessLeaseLost(pursuit)
        .catch(error =>
          logFailure(shop.log, error, 'a purchase failed after its caller was answered', { id }),
        )
        .then(() => void left.delete(rest));
      left.add(rest);
    },
    async stop() {
      await workers.stop();
      await Promise.all(left);
    },
  };
}
