import type { Db } from '../db/database.ts';

const lookEveryMs = 250;

type Follower = { organizationId: string; afterRevision: number; wake: () => void };

/** Lets requests wait for an organization to move on. One small look for all of them together; none when none waits. */
export type Followers = {
  /** Resolves when the organization is past the revision, when the time is over, or when nobody is interested any more. */
  wait(organizationId: string, afterRevision: number, ms: number, gone: AbortSignal): Promise<void>;
  /** Sends everybody home. */
  stop(): void;
};

export function createFollowers(db: Db): Followers {
  const waiting = new Set<Follower>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let stopped = false;

  async function look() {
    if (looking) return;
    looking = true;
    try {
      const ids = [...new Set([...waiting].map(follower => follower.organizationId))];
      const rows = await db
        .selectFrom('organizations')
        .select(['id', 'revision'])
        .where('id', 'in', ids)
        .execute();
      const revisions = new Map(rows.map(row => [row.id, row.revision]));
      for (const follower of waiting) {
        if (revisions.get(follower.organizationId)! > follower.afterRevision) follower.wake();
      }
    } catch {
      // Whoever asks next is told that the database is away.
    } finally {
      looking = false;
    }
  }

  return {
    wait(organizationId, afterRevision, ms, gone) {
      return new Promise(resolve => {
        const end = setTimeout(() => follower.wake(), ms);
        const follower: Follower = {
          organizationId,
          afterRevision,
          wake() {
            clearTimeout(end);
            gone.removeEventListener('abort', follower.wake);
            waiting.delete(follower);
            if (waiting.size === 0) {
              clearInterval(timer);
              timer = undefined;
            }
            resolve();
          },
        };
        waiting.add(follower);
        gone.addEventListener('abort', follower.wake);
        timer ??= setInterval(look, lookEveryMs);
        // Came too late to be told.
        if (gone.aborted || stopped) follower.wake();
      });
    },
    stop() {
      stopped = true;
      for (const follower of [...waiting]) follower.wake();
    },
  };
}
