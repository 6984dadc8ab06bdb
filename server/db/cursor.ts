import type pg from 'pg';
import Cursor from 'pg-cursor';

export type OpenCursor<Row> = {
  read(rows: number): Promise<Row[]>;
  /** Closes the cursor. A connection that is not lost is then ready for its next statement. */
  close(): Promise<void>;
};

/**
 * Reads the rows of a statement in pieces. If the connection is lost, some promises of pg-cursor never settle: every
 * close, and a read whose last row has already arrived. Here they do.
 */
export function openCursor<Row>(client: pg.ClientBase, text: string, values: unknown[]): OpenCursor<Row> {
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  const end = () => lost.reject(new Error('Connection terminated unexpectedly'));
  client.once('end', end);
  const cursor = client.query(new Cursor<Row>(text, values));
  return {
    read: rows => Promise.race([cursor.read(rows), lost.promise]),
    async close() {
      await Promise.race([cursor.close(), lost.promise]).catch(() => {});
      client.off('end', end);
    },
  };
}
