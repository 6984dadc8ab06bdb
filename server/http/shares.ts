import type { FastifyReply } from 'fastify';
import { Problem, type ProblemCode } from '../errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Gives back the place that the request holds. */
    leave?: () => void;
  }
}

/**
 * Places at something scarce, such as the connections of a pool, shared out among tenants. A tenant that has its share
 * waits for its own requests to end, and never for those of others. Whoever waits holds nothing scarce.
 */
export type Shares = {
  /**
   * Waits for a place.
   * @param gone aborts the waiting: nobody is there any more
   * @param amount how many places; more than the tenant may have are as many as it may have
   * @returns gives the place back; may be called more than once
   * @throws Problem too_many_requests if the tenant has all of its share for too long; unavailable if all places are
   *   taken for too long
   */
  enter(tenantId: string, gone?: AbortSignal, amount?: number): Promise<() => void>;
  /** The same at once, and undefined if one must wait. */
  enterNow(tenantId: string, amount?: number): (() => void) | undefined;
};

type Waiter = { amount: number; admit: () => void };

/** A tenant that has more requests waiting sends faster than it can be served. */
const waitingMax = 500;

type Places = { total: number; each: number; waitMsMax: number; code?: ProblemCode };

/**
 * @param what the name of the share, for people: `requests at the database`
 * @param places how many there are, how many of them one tenant may have, and how long one waits for a place
 */
export function createShares(
  what: string,
  { total, each, waitMsMax, code = 'too_many_requests' }: Places,
): Shares {
  const tooMany = () =>
    new Problem(
      code,
      undefined,
      `All ${each} ${what} that one tenant may have at once are in use. Send fewer at once, or try again.`,
    );
  const taken = new Map<string, number>();
  /** By tenant, in the order in which the tenants have their turn. */
  const waiting = new Map<string, Waiter[]>();
  let free = total;

  const has = (tenantId: string) => taken.get(tenantId) ?? 0;

  const fits = (tenantId: string, amount: number) => has(tenantId) + amount <= each;
  /** Somebody waits for places of all, and not for their own: nobody who wants fewer goes before. */
  const areWanted = () => [...waiting].some(([tenantId, [first]]) => fits(tenantId, first!.amount));

  function take(tenantId: string, amount: number): () => void {
    taken.set(tenantId, has(tenantId) + amount);
    free -= amount;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      free += amount;
      if (has(tenantId) === amount) taken.delete(tenantId);
      else taken.set(tenantId, has(tenantId) - amount);
      while (admitNext());
    };
  }

  function admitNext(): boolean {
    if (free === 0) return false;
    for (const [tenantId, waiters] of waiting) {
      const { amount } = waiters[0]!;
      if (!fits(tenantId, amount)) continue;
      if (amount > free) return false;
      // The tenant's next turn comes after everybody else's.
      waiting.delete(tenantId);
      const [next, ...others] = waiters as [Waiter, ...Waiter[]];
      if (others.length > 0) waiting.set(tenantId, others);
      next.admit();
      return true;
    }
    return false;
  }

  function enterNow(tenantId: string, amount = 1): (() => void) | undefined {
    const wanted = Math.min(amount, each);
    if (wanted > free || !fits(tenantId, wanted) || waiting.has(tenantId) || areWanted()) return undefined;
    return take(tenantId, wanted);
  }

  return {
    enterNow,

    async enter(tenantId, gone, amount = 1) {
      if (gone?.aborted) throw new Problem('unavailable', 'The client has gone');
      const entered = enterNow(tenantId, amount);
      if (entered) return entered;
      const wanted = Math.min(amount, each);
      if ((waiting.get(tenantId)?.length ?? 0) >= waitingMax) throw tooMany();
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          amount: wanted,
          admit() {
            stopWaiting();
            resolve(take(tenantId, wanted));
          },
        };
        const timer = setTimeout(() => {
          leave();
          reject(!fits(tenantId, wanted) ? tooMany() : new Problem('unavailable', 'The server is busy'));
        }, waitMsMax);
        gone?.addEventListener('abort', leave);
        waiting.set(tenantId, [...(waiting.get(tenantId) ?? []), waiter]);

        function stopWaiting() {
          clearTimeout(timer);
          gone?.removeEventListener('abort', leave);
        }
        function leave() {
          stopWaiting();
          const others = waiting.get(tenantId)!.filter(other => other !== waiter);
          if (others.length > 0) waiting.set(tenantId, others);
          else waiting.delete(tenantId);
          if (gone?.aborted) reject(new Problem('unavailable', 'The client has gone'));
          // It may have been one who wanted many places, and kept others waiting.
          while (admitNext());
        }
      });
    },
  };
}

/** Does `work` while the tenant has a place. */
export async function inTurn<T>(shares: Shares, tenantId: string, work: () => Promise<T>): Promise<T> {
  const leave = await shares.enter(tenantId);
  try {
    return await work();
  } finally {
    leave();
  }
}

/** Aborts when the client of a request has gone. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  if (reply.raw.closed) gone.abort();
  return gone.signal;
}

/** The shares of a server. Those of the database's pools leave some connections for background work. */
export type AllShares = Record<
  'requests' | 'streams' | 'imports' | 'followers' | 'bodies' | 'answers',
  Shares
>;

export const createAllShares = (waitMsMax: number): AllShares => ({
  requests: createShares('connections to the database', { total: 18, each: 12, waitMsMax }),
  streams: createShares('long answers', { total: 12, each: 4, waitMsMax }),
  imports: createShares('imports', { total: 8, each: 2, waitMsMax, code: 'too_many_imports' }),
  bodies: createShares('kilobytes of bodies', { total: 40_960, each: 16_384, waitMsMax }),
  answers: createShares('kilobytes of answers on their way', { total: 65_536, each: 16_384, waitMsMax }),
  followers: createShares('waiting readers of the log', { total: 10_000, each: 1000, waitMsMax: 0 }),
});
