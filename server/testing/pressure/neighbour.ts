// A, the heavy tenant: a process of its own, so that its work does not make B look slow.
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '../load/child.ts';
import { isSoak } from '../runs.ts';
import { createRudeness, type Rudeness, type Tally } from './rude.ts';
import { type Neighbour, type Scenario, scenarios } from './scenarios.ts';

/** Begins a scenario, or ends the one that has begun. */
export type Order = { begin: string } | 'end';

let current: { scenario: Scenario; rude: Rudeness } | undefined;

answerParent(async ({ order, a }: { order: Order; a: Neighbour }): Promise<Tally> => {
  if (order !== 'end') {
    const scenario = scenarios.find(({ title }) => title === order.begin)!;
    const rude = createRudeness(Number(new URL(a.url).port));
    current = { scenario, rude };
    const begun = scenario.begin(rude, a).catch(async error => {
      await rude.end();
      throw error;
    });
    // A server that does not answer is loaded, too.
    await Promise.race([begun, sleep(30_000, undefined, { ref: false })]);
    return rude.tally;
  }
  const { scenario, rude } = current!;
  // Who waits for a place of its own tenant is refused after a while.
  const isRefused = () => Object.keys(rude.tally).some(answer => /^4/.test(answer));
  for (let tries = 0; isSoak && scenario.isRefused && !isRefused() && tries < 600; tries++) await sleep(100);
  const tally = await rude.end();
  await scenario.end?.(a);
  return tally;
});
