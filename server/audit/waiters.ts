import { sql } from 'kysely';
import type { Db } from '../db/database.ts';

const pollMs = 250;

/** An organization, named as the database finds it. */
export type Watched = { tenantId: string; id: string };

/**
 * Thousands of followers may wait at one place. When they are woken together, they share what they read: `once` reads it
 * for the first of them.
 */
export type Wake = { once<T>(what: string, read: () => Promise<T>): Promise<T> };

type Waiter = { watched: Watched; afterRevision: number; notify: (wake?: Wake) => void };

/** To answer so many takes some milliseconds. Other requests have their turn in between. */
const wokenAtOnce = 100;

/** Requests that wait for the next revision of an organization. */
export type Waiters = {
  /**
   * Waits until the organization is at another revision.
   * @returns undefined when the time is over, or when the client has gone
   */
  wait(watched: Watched, afterRevision: number, ms: number, gone: AbortSignal): Promise<Wake | undefined>;
  /** Ends all waiting, now and from now on: the server is stopping. */
  notifyAll(): void;
};

/** Polls the database with one small statement for all waiters together, and only while there are any. */
export function createWaiters(db: Db): Waiters {
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | undefined;
  let polling = false;
  let stopped = false;

  async function poll() {
    if (polling) return;
    polling = true;
    try {
      const all = [...new Map([...waiters].map(({ watched }) => [watched.id, watched])).values()];
      const [tenants, ids] = [all.map(({ tenantId }) => tenantId), all.map(({ id }) => id)];
      const { rows } = await sql<{ id: string; revision: number }>`
        select o.id, o.revision from unnest(${tenants}::uuid[], ${ids}::uuid[]) as watched (tenant_id, id)
        join organizations o using (tenant_id, id)`.execute(db);
      const revisions = new Map(rows.map(row => [row.id, row.revision]));
      // Also if it is behind: the database has gone back, and the waiter is told so.
      const woken = [...waiters].filter(
        ({ watched, afterRevision }) => revisions.get(watched.id) !== afterRevision,
      );
      const wake = createWake();
      for (const [index, waiter] of woken.entries()) {
        if (index % wokenAtOnce === wokenAtOnce - 1) await new Promise(setImmediate);
        waiter.notify(wake);
      }
    } catch {
      // The next request of each waiter reports that the database is unavailable.
    } finally {
      polling = false;
    }
  }

  return {
    wait(watched, afterRevision, ms, gone) {
      return new Promise(resolve => {
        const end = setTimeout(() => waiter.notify(), ms);
        const leave = () => waiter.notify();
        const waiter: Waiter = {
          watched,
          afterRevision,
          notify(wake) {
            clearTimeout(end);
            gone.removeEventListener('abort', leave);
            waiters.delete(waiter);
            if (waiters.size === 0) {
              clearInterval(timer);
              timer = undefined;
            }
            resolve(wake);
          },
        };
        waiters.add(waiter);
        gone.addEventListener('abort', leave);
        timer ??= setInterval(poll, pollMs);
        // The signal may have come before the listener.
        if (gone.aborted || stopped) waiter.notify();
      });
    },
    notifyAll() {
      stopped = true;
      for (const waiter of [...waiters]) waiter.notify();
    },
  };
}

function createWake(): Wake {
  const reads = new Map<string, Promise<unknown>>();
  return {
    once<T>(what: string, read: () => Promise<T>) {
      const begun = reads.get(what) ?? read();
      reads.set(what, begun);
      return begun as Promise<T>;
    },
  };
}
