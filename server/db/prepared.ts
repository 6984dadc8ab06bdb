import type { PostgresPool } from 'kysely';
import type pg from 'pg';

/** So many prepared statements a connection has at most. */
export const preparedMax = 200;
const candidatesMax = 1000;
/** A text that is longer has as many parts as its input, and seldom comes again. */
const lengthMax = 8000;

/**
 * The pool for Kysely: a statement that recurs is prepared on each connection, and from then on neither parsed nor
 * planned again, which is half of what a small change costs the database.
 */
export function preparingPool(pool: pg.Pool): PostgresPool {
  const nameOf = namesOfRecurring();
  return {
    async connect() {
      const client = await pool.connect();
      const query = (text: string, values: unknown[]) => {
        const name = values.length > 0 ? nameOf(text) : undefined;
        return name === undefined ? client.query(text, values) : client.query({ name, text, values });
      };
      return { query: query as never, release: destroy => client.release(destroy) };
    },
    end: () => pool.end(),
    options: pool.options,
  };
}

/** @returns the name that a text is prepared by; undefined when it is seen for the first time, or better left without */
export function namesOfRecurring(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  const candidates = new Set<string>();
  return text => {
    const known = names.get(text);
    if (known !== undefined || names.size === preparedMax) return known;
    // A migration that adds a column would change what a prepared * returns, and PostgreSQL refuses that.
    if (text.length > lengthMax || text.includes('*')) return undefined;
    if (!candidates.delete(text)) {
      if (candidates.size === candidatesMax) candidates.clear();
      candidates.add(text);
      return undefined;
    }
    const name = `s${names.size}`;
    names.set(text, name);
    return name;
  };
}
