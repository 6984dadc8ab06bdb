import type { FastifyReply } from 'fastify';
import { Problem, type ProblemCode } from '../errors.ts';
import { createRoom, type Room, type RoomOptions } from './pace/room.ts';

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
   * @returns gives the place back; may be called more than once
   * @throws Problem too_many_requests if the tenant has all of its share for too long; unavailable if all places are
   *   taken for too long
   */
  enter(tenantId: string, gone?: AbortSignal): Promise<() => void>;
};

type Waiter = { admit: () => void };

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

  function take(tenantId: string): () => void {
    taken.set(tenantId, has(tenantId) + 1);
    free--;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      free++;
      if (has(tenantId) === 1) taken.delete(tenantId);
      else taken.set(tenantId, has(tenantId) - 1);
      admitNext();
    };
  }

  function admitNext(): void {
    if (free === 0) return;
    for (const [tenantId, waiters] of waiting) {
      if (has(tenantId) >= each) continue;
      // The tenant's next turn comes after everybody else's.
      waiting.delete(tenantId);
      const [next, ...others] = waiters as [Waiter, ...Waiter[]];
      if (others.length > 0) waiting.set(tenantId, others);
      next.admit();
      return;
    }
  }

  return {
    async enter(tenantId, gone) {
      if (gone?.aborted) throw new Problem('unavailable', 'The client has gone');
      if (free > 0 && has(tenantId) < each && !waiting.has(tenantId)) return take(tenantId);
      if ((waiting.get(tenantId)?.length ?? 0) >= waitingMax) throw tooMany();
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          admit() {
            stopWaiting();
            resolve(take(tenantId));
          },
        };
        const timer = setTimeout(() => {
          leave();
          reject(has(tenantId) >= each ? tooMany() : new Problem('unavailable', 'The server is busy'));
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
export type AllShares = Record<'requests' | 'streams' | 'answers' | 'imports' | 'followers', Shares> & {
  room: Room;
};

export const createAllShares = (waitMsMax: number, room?: Partial<RoomOptions>): AllShares => ({
  requests: createShares('connections to the database', { total: 18, each: 12, waitMsMax }),
  streams: createShares('long answers from the database', { total: 12, each: 4, waitMsMax }),
  answers: createShares('long answers', { total: 100, each: 20, waitMsMax }),
  imports: createShares('imports', { total: 8, each: 2, waitMsMax, code: 'too_many_imports' }),
  followers: createShares('waiting readers of the log', { total: 10_000, each: 1000, waitMsMax: 0 }),
  room: createRoom(room),
});
