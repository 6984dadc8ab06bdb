import type { Job } from '../work/jobs.ts';
import { startWorkers } from '../work/workers.ts';
import { orderLease, type Shop } from './hold.ts';
import { holdMs, pursue } from './pursue.ts';

/**
 * Goes on with orders that nobody works on: those of many, those whose outcome is not known yet, and those whose server
 * has died. An account has no more of them under way than half of its calls, so a carrier that hangs stops no others.
 */
export const startOrders = (shop: Shop): Job =>
  startWorkers(shop.db, shop.log, {
    name: 'the work on orders',
    lease: orderLease,
    everyMs: shop.carriers.settings.pollMs / 4,
    leaseMs: holdMs(shop.carriers),
    atOnce: 32,
    share: Math.ceil(shop.carriers.settings.concurrency / 2),
    work: order => pursue(shop, order),
  });
