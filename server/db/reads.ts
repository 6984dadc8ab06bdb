import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';

/** How long one statement of a read may take, in milliseconds. PostgreSQL's own limit leaves time for large changes. */
const readMsMax = 30_000;

const reads = new AsyncLocalStorage<AbortSignal>();

/**
 * Does `work`, whose statements are the read of a client. PostgreSQL ends them when `gone` aborts, or when one takes too
 * long. A change is never ended so: it finishes whether its client is there or not, and the client finds out by a repeat
 * with its idempotency key.
 *
 * What `work` begins for others too, such as a timer, is taken for the same read: begin it elsewhere.
 */
export const asRead = <T>(gone: AbortSignal, work: () => T): T => reads.run(gone, work);

/** Whether the code that runs now is in asRead(). */
export const isRead = (): boolean => reads.getStore() !== undefined;

export type Cancel = (client: pg.ClientBase) => Promise<void>;

/**
 * Cancels by asking PostgreSQL on another connection.
 * @param pool a pool of its own: the connection that is to be freed may be the last of its pool
 */
export const cancelOn =
  (pool: pg.Pool): Cancel =>
  async client => {
    const { processID } = client as unknown as { processID: number };
    // If PostgreSQL cannot be reached, the statement has ended too.
    await pool.query('select pg_cancel_backend($1)', [processID]).catch(() => {});
  };

/**
 * Runs a statement, and cancels it if it is part of a read that nobody waits for. The promise settles only after
 * PostgreSQL has answered the cancel: until then nobody else gets the connection, so no statement of another request is
 * hit. A cancel that comes after the statement's end does nothing.
 */
export async function cancellably<T>(
  client: pg.ClientBase,
  cancel: Cancel,
  text: string,
  run: () => Promise<T>,
): Promise<T> {
  const gone = reads.getStore();
  // A rollback must come through.
  if (gone === undefined || !/^\s*(select|with)\b/i.test(text)) return run();
  if (gone.aborted) throw new Gone();
  let cancelling: Promise<void> | undefined;
  const end = () => {
    cancelling ??= cancel(client);
  };
  const timer = setTimeout(end, readMsMax);
  gone.addEventListener('abort', end);
  try {
    return await run();
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', end);
    await cancelling;
  }
}

/** As if PostgreSQL had cancelled the statement. */
class Gone extends Error {
  readonly code = '57014';
  constructor() {
    super('The client has gone');
  }
}
