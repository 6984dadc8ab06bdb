import type { PostgresPool } from 'kysely';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { type Cancel, cancellably, isRead } from './reads.ts';

/** The most prepared statements that a connection has for reads, and the most that it has for everything else. */
export const preparedMax = 100;
const textsMax = 2000;
/** A longer text has as many parts as its input has rows, and seldom recurs. */
const lengthMax = 8000;

/**
 * A pool for Kysely that prepares recurring statements on each connection. A prepared statement is not parsed and planned
 * again, which saves half of the database's work for a small change. Reads have statements without number, since each
 * combination of filters is one. So they have places of their own: they never push out the statements of changes.
 */
export function preparingPool(pool: pg.Pool, cancel: Cancel): PostgresPool {
  const nameOf = namesOfRecurring(Infinity);
  const connections = new WeakMap<pg.PoolClient, Record<'reads' | 'others', Prepared>>();

  function run(client: pg.PoolClient, text: string, values: unknown[]) {
    const name = values.length > 0 ? nameOf(text) : undefined;
    if (name === undefined) return client.query(text, values);
    let prepared = connections.get(client);
    if (!prepared) {
      prepared = { reads: new Set(), others: new Set() };
      connections.set(client, prepared);
    }
    const removing = makeRoom(client, prepared[isRead() ? 'reads' : 'others'], name);
    const send = () => client.query({ name, text, values });
    return removing ? removing.then(send) : send();
  }

  return {
    async connect() {
      const client = await pool.connect();
      const query = (text: string, values: unknown[]) =>
        cancellably(client, cancel, text, () => run(client, text, values));
      return { query: query as never, release: destroy => client.release(destroy) };
    },
    end: () => pool.end(),
    options: pool.options,
  };
}

/** The names of prepared statements, the least recently used first. */
type Prepared = Set<string>;

/** Notes the use of `name`. If it is one too many, the one that was not used for the longest time is deallocated. */
function makeRoom(client: pg.PoolClient, prepared: Prepared, name: string): Promise<void> | undefined {
  const known = prepared.delete(name);
  prepared.add(name);
  if (known || prepared.size <= preparedMax) return undefined;
  const oldest = prepared.values().next().value!;
  prepared.delete(oldest);
  // node-postgres takes a statement for prepared as long as its text is here. Its preparation may also have failed.
  const { parsedStatements } = (client as unknown as { connection: { parsedStatements: Parsed } }).connection;
  const text = parsedStatements[oldest];
  if (text === undefined) return undefined;
  delete parsedStatements[oldest];
  return client.query(`deallocate ${oldest}`).then(
    () => {},
    error => {
      // In a transaction that has failed: the statement is still there.
      parsedStatements[oldest] = text;
      prepared.add(oldest);
      throw error;
    },
  );
}

type Parsed = Record<string, string>;

/**
 * @param namesMax how many names are given out; for connections that deallocate nothing
 * @returns the name of a prepared statement for the text; undefined the first time, and for text not worth preparing. A
 * name is never given to another text. A text that has not come for long gets a new one.
 */
export function namesOfRecurring(namesMax = 2 * preparedMax): (text: string) => string | undefined {
  const names = new LRUCache<string, { name?: string }>({ max: textsMax });
  let given = 0;
  return text => {
    // PostgreSQL refuses a prepared `*` whose columns have changed, as a migration may do.
    if (text.length > lengthMax || text.includes('*')) return undefined;
    const known = names.get(text);
    if (!known) names.set(text, {});
    else if (known.name === undefined && given < namesMax) known.name = `s${given++}`;
    return known?.name;
  };
}
