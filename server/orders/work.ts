import type { Job } from '../work/jobs.ts';
import { startWorkers } from '../work/workers.ts';
import { orderLease, type Shop } from './hold.ts';
import { orderLeaseMs, pursue } from './pursue.ts';

/**
 * Starts the workers for due orders: bulk orders, orders with an unknown outcome, and orders whose server died. One
 * account gets at most half as many orders as concurrent calls, so a carrier that hangs cannot block other accounts.
 */
export const startOrders = (shop: Shop): Job =>
  startWorkers(shop.db, shop.log, {
    name: 'orders',
    lease: orderLease,
    everyMs: shop.carriers.settings.pollMs / 4,
    leaseMs: orderLeaseMs(shop.carriers),
    atOnce: 32,
    share: Math.ceil(shop.carriers.settings.concurrency / 2),
    work: order => pursue(shop, order),
  });
