import type { Logger } from 'pino';
import { isUnavailable } from '../errors.ts';

/** A periodic task that runs on every server until it is stopped. */
export type Job = {
  /** Starts the next round at once, or right after the current one. */
  wake(): void;
  /** Starts no further round. Resolves when all running work has ended. */
  stop(): Promise<void>;
};

type Rounds = {
  /** Names the job in the log. */
  name: string;
  /** The pause between rounds. */
  everyMs: number;
  /** @returns true if there is more to do, so that the next round follows without a pause */
  round(): Promise<unknown>;
  /** Resolves when the work that rounds started without awaiting it has ended. */
  settled?(): Promise<unknown>;
};

/**
 * Runs rounds with pauses between them. A failed round is logged and does not stop the job, because the database may
 * be unreachable for a while. Every server runs the same jobs, so a round must lease or lock the rows it works on.
 */
export function startJob(log: Logger, { name, everyMs, round, settled }: Rounds): Job {
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function run() {
    again = false;
    try {
      again = (await round()) === true || again;
    } catch (error) {
      logFailure(log, error, `${name} could not run`);
    }
  }

  function schedule(ms: number) {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = run().then(() => {
        running = undefined;
        schedule(again ? 0 : everyMs);
      });
    }, ms).unref();
  }

  schedule(everyMs);
  return {
    wake() {
      if (running) again = true;
      else schedule(0);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      await settled?.();
    },
  };
}

/** Logs a background failure, which has no caller to report it. Requests already report an unreachable database. */
export function logFailure(log: Logger, error: unknown, text: string, about: object = {}): void {
  log[isUnavailable(error) ? 'debug' : 'error']({ err: error, ...about }, text);
}
