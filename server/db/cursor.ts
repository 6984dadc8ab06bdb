import type pg from 'pg';
import Cursor from 'pg-cursor';

export type OpenCursor<Row> = {
  read(rows: number): Promise<Row[]>;
  /** Leaves the connection ready for its next statement, or as lost as it is. */
  close(): Promise<void>;
};

/**
 * Reads the rows of a statement in pieces. When the connection is lost, pg-cursor's own promises can wait for ever: a
 * read whose last row has arrived already, and every close.
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
