import type { FastifyReply } from 'fastify';
import { Problem, type ProblemCode } from '../errors.ts';
import { createRoom, type Room, type RoomOptions } from './pace/room.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Gives back the place that the request holds. */
    leave?: () => void;
    /** Lets the next change of the same organization in. */
    leaveGate?: () => void;
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
  /** How many places the tenant may have, and has. */
  use(tenantId: string): { max: number; used: number };
};

type Waiter = { amount: number; admit: () => void };

/** A tenant that has more requests waiting sends faster than it can be served. */
const waitingMax = 500;

type Places = {
  total: number;
  each: number;
  /** What a tenant may have instead of `each`. */
  eachOf?: (tenantId: string) => number | undefined;
  waitMsMax: number;
  code?: ProblemCode;
  /** Who shares, for people. */
  whose?: string;
};

/**
 * @param what the name of the share, for people: `requests at the database`
 * @param places how many there are, how many of them one tenant may have, and how long one waits for a place
 */
export function createShares(
  what: string,
  { total, each: usual, eachOf, waitMsMax, code = 'too_many_requests', whose = 'tenant' }: Places,
): Shares {
  const each = (tenantId: string) => eachOf?.(tenantId) ?? usual;
  const tooMany = (tenantId: string) =>
    new Problem(
      code,
      undefined,
      `All ${each(tenantId)} ${what} that one ${whose} may have at once are in use. Send fewer at once, or try again.`,
    );
  const taken = new Map<string, number>();
  /** By tenant, in the order in which the tenants have their turn. */
  const waiting = new Map<string, Waiter[]>();
  let free = total;

  const has = (tenantId: string) => taken.get(tenantId) ?? 0;

  const fits = (tenantId: string, amount: number) => has(tenantId) + amount <= each(tenantId);
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
    const wanted = Math.min(amount, each(tenantId));
    if (wanted > free || !fits(tenantId, wanted) || waiting.has(tenantId) || areWanted()) return undefined;
    return take(tenantId, wanted);
  }

  return {
    use: tenantId => ({ max: each(tenantId), used: has(tenantId) }),
    enterNow,

    async enter(tenantId, gone, amount = 1) {
      if (gone?.aborted) throw new Problem('unavailable', 'The client has gone');
      const entered = enterNow(tenantId, amount);
      if (entered) return entered;
      const wanted = Math.min(amount, each(tenantId));
      if ((waiting.get(tenantId)?.length ?? 0) >= waitingMax) throw tooMany(tenantId);
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
          reject(
            fits(tenantId, wanted) ? new Problem('unavailable', 'The server is busy') : tooMany(tenantId),
          );
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
export async function inTurn<T>(
  shares: Shares,
  tenantId: string,
  work: () => Promise<T>,
  gone?: AbortSignal,
): Promise<T> {
  const leave = await shares.enter(tenantId, gone);
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
  | 'requests'
  | 'changes'
  | 'heavy'
  | 'streams'
  | 'answers'
  | 'imports'
  | 'followers'
  | 'bodyBytes'
  | 'answerBytes',
  Shares
> & { room: Room };

type Settings = Partial<Record<'connections' | 'long_answers' | 'imports' | 'followers', number>>;

/**
 * @param of what the operator gives a tenant, if it is not the usual
 * @param room what long answers may use of the disk
 */
export const createAllShares = (
  waitMsMax: number,
  of: (tenantId: string) => Settings = () => ({}),
  room?: Partial<RoomOptions>,
): AllShares => ({
  requests: createShares('connections to the database', {
    ...{ total: 14, each: 10, waitMsMax, eachOf: tenant => of(tenant).connections },
  }),
  changes: createShares('changes', { total: Infinity, each: 3, whose: 'organization', waitMsMax }),
  heavy: createShares('heavy reads', { total: 4, each: 2, waitMsMax }),
  streams: createShares('long answers from the database', {
    ...{ total: 12, each: 4, waitMsMax, eachOf: tenant => of(tenant).long_answers },
  }),
  answers: createShares('long answers', { total: 100, each: 20, waitMsMax }),
  imports: createShares('imports', {
    ...{ total: 8, each: 2, waitMsMax, eachOf: tenant => of(tenant).imports, code: 'too_many_imports' },
  }),
  followers: createShares('waiting readers of the log', {
    ...{ total: 10_000, each: 1000, waitMsMax: 0, eachOf: tenant => of(tenant).followers },
  }),
  bodyBytes: createShares('kilobytes of bodies', { total: 40_960, each: 16_384, waitMsMax }),
  answerBytes: createShares('kilobytes of answers on their way', { total: 65_536, each: 16_384, waitMsMax }),
  room: createRoom(room),
});
