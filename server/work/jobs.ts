import type { Logger } from 'pino';
import { isUnavailable } from '../errors.ts';

/** Work that every server does again and again until it stops. */
export type Job = {
  /** Starts the next round now; during a round, right after it. */
  wake(): void;
  /** Starts no more rounds. Resolves when all that is under way has ended. */
  stop(): Promise<void>;
};

type Rounds = {
  /** Names the job in the log. */
  name: string;
  /** Between the end of a round and the next one. */
  everyMs: number;
  /** @returns true if there is more to do: then the next round follows at once */
  round(): Promise<unknown>;
  /** Resolves when everything has ended that the rounds began and did not wait for. */
  settled?(): Promise<unknown>;
};

/**
 * Runs rounds with pauses between them. A round that fails is logged, and the next one follows: the database may be
 * out of reach for a while. Several servers run the same job, so a round takes its work in a way that no two of them do
 * it twice (leases.ts).
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

/** Nobody else reports a failure in the background. A database that is out of reach is reported by every request. */
export function logFailure(log: Logger, error: unknown, text: string, about: object = {}): void {
  log[isUnavailable(error) ? 'debug' : 'error']({ err: error, ...about }, text);
}
