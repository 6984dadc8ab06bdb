import type { FastifyReply } from 'fastify';
import { Problem } from '../errors.ts';
import { type Bucket, fullBucket, refill } from '../limits/bucket.ts';

export type QueueOptions = {
  /** How many leave it a second. */
  rate: number;
  /** How many leave at once after a pause. */
  burst: number;
  /** How many wait at most. */
  waitingMax: number;
};

export type Queue = {
  /** Resolves when it is the turn of this reply. @throws Problem too_many_wrong_keys */
  turn(reply: FastifyReply): Promise<void>;
  /** Lets all go that wait. */
  end(): void;
};

/** Nobody waits longer than ten seconds. */
export const wrongKeysDefault: QueueOptions = { rate: 100, burst: 200, waitingMax: 1000 };

const roundMs = 50;

/**
 * The queue of those who came with a wrong key or token, for their answer.
 *
 * Every key is looked up, since one that was wrong may have been created meanwhile. But who is refused asks again only
 * after the answer, so the answers' pace is that of the questions. Who waits holds a connection and nothing else. Right
 * keys never come here: neither an address nor a time shuts anybody out.
 */
export function createQueue(options: QueueOptions): Queue {
  const waiting = new Set<() => void>();
  const bucket: Bucket = fullBucket(options, performance.now());
  let timer: NodeJS.Timeout | undefined;

  function release(): void {
    refill(bucket, options, performance.now());
    for (const go of waiting) {
      if (bucket.tokens < 1) return;
      bucket.tokens--;
      waiting.delete(go);
      go();
    }
    clearInterval(timer);
    timer = undefined;
  }

  return {
    async turn(reply) {
      if (waiting.size >= options.waitingMax) {
        reply.header('retry-after', String(Math.ceil(options.waitingMax / options.rate)));
        throw new Problem('too_many_wrong_keys');
      }
      if (reply.raw.closed) return;
      await new Promise<void>(resolve => {
        const go = () => {
          reply.raw.off('close', leave);
          resolve();
        };
        // A client that has gone leaves its place to others.
        const leave = () => {
          waiting.delete(go);
          resolve();
        };
        reply.raw.once('close', leave);
        waiting.add(go);
        timer ??= setInterval(release, roundMs);
        release();
      });
    },
    end() {
      for (const go of waiting) go();
      waiting.clear();
      clearInterval(timer);
      timer = undefined;
    },
  };
}
