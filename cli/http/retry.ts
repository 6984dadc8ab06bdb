import { setTimeout as sleep } from 'node:timers/promises';
import { TemporaryFailure } from '../terminal/failure.ts';
import { note } from '../terminal/output.ts';
import { escapeControls } from '../terminal/text.ts';

const pauseMsMin = 250;
const pauseMsMax = 10_000;

/** Repeats a call for as long as its failure is temporary, with growing pauses: a server that restarts comes back. */
export async function untilAnswered<T>(attempt: () => Promise<T>): Promise<T> {
  let told = false;
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    try {
      const answer = await attempt();
      if (told) note('The server is back');
      return answer;
    } catch (error) {
      if (!(error instanceof TemporaryFailure)) throw error;
      const [headline] = error.message.split('\n');
      if (!told) note(`${escapeControls(headline!)}; trying again until it is back`);
      told = true;
      await sleep(pauseMs);
    }
  }
}
