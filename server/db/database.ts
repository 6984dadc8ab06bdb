import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { preparingPool } from './prepared.ts';
import type { Tables } from './tables.ts';

// Revisions and counts stay far below 2^53, and a number is what JSON has.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
// Amounts of money with four decimals are exact far beyond any that there is; sums are made in SQL.
pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number);

export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;

/** One PostgreSQL, in the ways that it is spoken to. */
export type Database = {
  /** Typed statements. */
  db: Db;
  /** For what Kysely cannot do: cursors. */
  pool: pg.Pool;
  /** For the one statement that every request waits for (http/lookups.ts). */
  lookups: pg.Pool;
  /** For what is read over minutes, at the pace of a client: never enough of it to keep others from working. */
  long: pg.Pool;
  /** A connection of one's own, for what lives in one: COPY, temporary tables. */
  openSession(): Promise<Session>;
  close(): Promise<void>;
};

/** One connection, spoken to directly or through Kysely. Whoever opens it ends it. */
export type Session = { client: pg.Client; db: Db; end(): Promise<void> };

export function openDatabase(connection: pg.ClientConfig): Database {
  const config = {
    application_name: 'linekeeper',
    keepAlive: true,
    // Also how long a request waits for its turn at one of the pool's connections.
    connectionTimeoutMillis: 10_000,
    ...connection,
  };
  function openPool(max: number, more: pg.PoolConfig = {}) {
    const pool = new pg.Pool({ ...config, ...more, max });
    // A connection that dies is replaced at its next use; without a listener it would end the process. The pool listens
    // only to those that lie idle in it.
    pool.on('error', () => {});
    pool.on('connect', client => client.on('error', () => {}));
    return pool;
  }
  const typed = (pool: pg.Pool) =>
    new Kysely<Tables>({ dialect: new PostgresDialect({ pool: preparingPool(pool) }) });
  const pool = openPool(20);
  const lookups = openPool(2, {
    idleTimeoutMillis: 0,
    // The plan for any number of questions is right for one: without this, PostgreSQL would plan one anew each time.
    onConnect: async client => void (await client.query('set plan_cache_mode = force_generic_plan')),
  });
  const db = typed(pool);
  const long = openPool(8);
  return {
    db,
    pool,
    lookups,
    long,
    async openSession() {
      // A name of their own, by which whoever looks can tell them from the pools'.
      const client = new pg.Client({ ...config, application_name: `${config.application_name} session` });
      client.on('error', () => {});
      await client.connect();
      const single = {
        connect: async () => Object.assign(client, { release() {} }),
        end: () => client.end(),
      };
      const session = new Kysely<Tables>({
        dialect: new PostgresDialect({ pool: single as unknown as pg.Pool }),
      });
      return { client, db: session, end: () => client.end() };
    },
    async close() {
      await Promise.all([db.destroy(), long.end(), lookups.end()]);
    },
  };
}

const attemptsMax = 6;

/**
 * Runs `work` in one transaction; again, with jitter, when PostgreSQL gave it up in favour of another one.
 * Given a transaction that is open already, `work` becomes part of it.
 */
export async function transact<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (db.isTransaction) return work(db as Tx);
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      const gaveUp = code === '40001' || code === '40P01'; // serialization failure, deadlock
      if (!gaveUp || attempt === attemptsMax) throw error;
      await sleep(Math.random() * 10 * 2 ** attempt);
    }
  }
}

const rowsWorthStatistics = 1000;

/**
 * Tells the planner of many rows that have come or changed at once. Autovacuum would do it within a minute or so; until
 * then the tables look empty to it, and the joins of a long list would take minutes. A failure is no harm.
 */
export async function refreshStatistics(db: Db, rows: number): Promise<void> {
  if (rows < rowsWorthStatistics) return;
  await sql`analyze phone_numbers, assignments, number_versions, users`.execute(db).catch(() => {});
}
