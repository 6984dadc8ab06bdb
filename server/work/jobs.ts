import type { Logger } from 'pino';
import { isUnavailable } from '../errors.ts';

/** Something that is done again and again until the server stops. */
export type Job = {
  /** Starts the next round at once instead of after the pause. */
  wake(): void;
  /** Resolves when the round that is under way has ended. */
  stop(): Promise<void>;
};

/**
 * Runs `work`, waits, and runs it again. Every server does so for itself; `work` takes what is due in a way that two
 * of them do not do twice. A round that fails (the database may be out of reach) is followed by the next: whoever needs
 * to know is told by their own request.
 * @param everyMs between the end of a round and the next one
 */
export function repeat(everyMs: number, log: Logger, what: string, work: () => Promise<void>): Job {
  let running = Promise.resolve();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  async function round() {
    try {
      await work();
    } catch (error) {
      // Of a mistake of ours nobody else would tell.
      log[isUnavailable(error) ? 'debug' : 'error']({ err: error }, `${what} could not run`);
    }
    schedule(everyMs);
  }
  function schedule(ms: number) {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      running = round();
    }, ms).unref();
  }
  schedule(everyMs);
  return {
    wake() {
      if (timer) schedule(0);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
