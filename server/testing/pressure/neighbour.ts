// A, the heavy tenant: a process of its own, so that its work does not make B look slow.
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '../load/child.ts';
import { createRudeness, type Rudeness, type Tally } from './rude.ts';
import { type Neighbour, scenarios } from './scenarios.ts';

/** Begins a scenario, or ends the one that has begun. */
export type Order = { begin: string } | 'end';

let current: { rude: Rudeness; end: () => Promise<unknown> } | undefined;

answerParent(async ({ order, a }: { order: Order; a: Neighbour }): Promise<Tally> => {
  if (order !== 'end') {
    const scenario = scenarios.find(({ title }) => title === order.begin)!;
    const rude = createRudeness(Number(new URL(a.url).port));
    current = { rude, end: async () => scenario.end?.(a) };
    // A server that does not answer is loaded, too.
    await Promise.race([scenario.begin(rude, a), sleep(30_000, undefined, { ref: false })]);
    return rude.tally;
  }
  const { rude, end } = current!;
  const tally = await rude.end();
  await end();
  return tally;
});
