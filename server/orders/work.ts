import { type Job, repeat } from '../work/jobs.ts';
import { type HeldOrder, type Shop, takeDue } from './hold.ts';
import { holdMs, pursue } from './pursue.ts';

const ordersAtOnce = 16;

/**
 * Goes on with orders that nobody works on: those of many, those whose outcome is not known yet, and those whose server
 * has died. Every server does so; an order that is due is taken by one of them.
 */
export function startOrders(shop: Shop): Job {
  const { db, carriers, log } = shop;
  const underWay = new Set<Promise<void>>();
  async function work(order: HeldOrder) {
    await pursue(shop, order).catch(error => {
      // It is taken again when the time for which it is held has passed.
      log.warn({ err: error, order: order.id }, 'the work on an order was broken off');
    });
  }
  const rounds = repeat(carriers.settings.pollMs / 4, log, 'the work on orders', async () => {
    const free = ordersAtOnce - underWay.size;
    if (free === 0) return;
    for (const order of await takeDue(db, free, holdMs(carriers))) {
      const working = work(order).finally(() => {
        underWay.delete(working);
        rounds.wake();
      });
      underWay.add(working);
    }
  });
  return {
    wake: rounds.wake,
    async stop() {
      await rounds.stop();
      await Promise.all(underWay);
    },
  };
}
