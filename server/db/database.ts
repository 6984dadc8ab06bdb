import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { isDiskFull } from '../errors.ts';
import { findPrimary } from './hosts.ts';
import { preparingPool } from './prepared.ts';
import { cancelOn } from './reads.ts';
import type { Tables } from './tables.ts';

// Revisions and counts stay far below 2^53, and JSON has only numbers.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
// A number holds any realistic amount with four decimals exactly. Sums are made in SQL.
pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number);

export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;

/** The connections to one PostgreSQL. */
export type Database = {
  /** Typed statements, on `pool`. */
  db: Db;
  /** Typed statements of background work, on a pool of its own: requests and jobs never wait for each other. */
  background: Db;
  /** For cursors, which Kysely lacks. */
  pool: pg.Pool;
  /** For the one statement that every request waits for (reading/lookups.ts). */
  lookups: pg.Pool;
  /** For reads that take minutes, at the pace of a client. A pool of their own keeps them from blocking other work. */
  long: pg.Pool;
  /** How many bytes each connection has had from PostgreSQL. */
  heard(): Heard;
  /** The connections that have had none since. */
  silentSince(heard: Heard): Socket[];
  /** Whether PostgreSQL has lately refused a statement because its disk is full. */
  isDiskFull(): boolean;
  /**
   * Finds the primary among several servers. Connections to another one are broken.
   * @throws Error if there is none
   */
  findPrimary(): Promise<void>;
  /**
   * A connection of its own, for state that lives in a connection: COPY, temporary tables.
   * @param purpose part of its name in pg_stat_activity, which tells it from the connections of the pools
   */
  openSession(purpose?: string): Promise<Session>;
  close(): Promise<void>;
};

/** By connection, also one that is being made. */
export type Heard = ReadonlyMap<Socket, number>;

/** One connection, for node-postgres and Kysely. The code that opens it must end it. */
export type Session = {
  client: pg.Client;
  db: Db;
  end(): Promise<void>;
  /** Ends it without a word to PostgreSQL, which may not answer. */
  abandon(): void;
};

/**
 * PostgreSQL ends what takes longer, so that nothing holds a connection of `pool` for good. A change may have to wait for
 * an import of the same organization.
 */
const statementLimits = {
  statement_timeout: 120_000,
  lock_timeout: 30_000,
  idle_in_transaction_session_timeout: 60_000,
};

/** Somebody writes every few seconds, if only the job that notes when a key was used. */
const latelyMs = 30_000;

const limits = (given: Record<string, unknown>): string =>
  Object.keys(statementLimits)
    .map(name => `set ${name} = ${Number(given[name])}`)
    .join('; ');
/** Two servers still fit into a PostgreSQL with 100 connections: docs/operations.md. */
const backgroundMax = 6;

/** @param servers one server, or several of which one is the primary: then findPrimary() comes before any other use */
export function openDatabase(servers: pg.ClientConfig | pg.ClientConfig[]): Database {
  const connections = [servers].flat();
  let current = 0;
  const sockets = new Set<Socket>();
  let fullAt = 0;
  const config = {
    // So that all sockets are known, those that still connect too.
    stream() {
      const socket = new Socket();
      sockets.add(socket);
      return socket.once('close', () => sockets.delete(socket));
    },
    application_name: 'linekeeper',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // A request also waits this long for a free connection of the pool.
    connectionTimeoutMillis: 10_000,
    ...connections[0],
  };
  /** Connects to the server that is taken for the primary at that moment. */
  class Client extends pg.Client {
    constructor(given: pg.ClientConfig) {
      super({ ...given, ...connections[current] });
      // Here the answers to all statements pass, those of background work too.
      connectionOf(this).on('errorMessage', error => {
        if (isDiskFull(error)) fullAt = Date.now();
      });
    }
  }
  function openPool(max: number, more: pg.PoolConfig = {}) {
    const pool = new pg.Pool({ ...more, ...config, max, Client: Client as never });
    // Without a listener, a lost connection would end the process. The pool itself listens to idle ones only. It replaces
    // a lost connection at its next use.
    pool.on('error', () => {});
    pool.on('connect', client => client.on('error', () => {}));
    return pool;
  }
  const cancels = openPool(1);
  const typed = (pool: pg.Pool) =>
    new Kysely<Tables>({ dialect: new PostgresDialect({ pool: preparingPool(pool, cancelOn(cancels)) }) });
  // Not as parameters of the connection: a pooler refuses those that it does not know.
  const setLimits = async (client: pg.ClientBase) =>
    void (await client.query(limits({ ...statementLimits, ...connections[0] })));
  const pool = openPool(18, {
    onConnect: async client => {
      await setLimits(client);
      // One request takes one core: what looks through many numbers leaves the others to other requests.
      await client.query('set max_parallel_workers_per_gather = 0');
    },
  });
  const lookups = openPool(2, {
    idleTimeoutMillis: 0,
    // The generic plan suits any number of questions. By default PostgreSQL would plan each time anew.
    onConnect: async client => void (await client.query('set plan_cache_mode = force_generic_plan')),
  });
  const db = typed(pool);
  const background = typed(openPool(backgroundMax, { onConnect: setLimits }));
  const long = openPool(12);
  return {
    db,
    background,
    pool,
    lookups,
    long,
    heard: () => new Map([...sockets].map(socket => [socket, socket.bytesRead])),
    silentSince: heard => [...sockets].filter(socket => socket.bytesRead === (heard.get(socket) ?? 0)),
    isDiskFull: () => Date.now() - fullAt < latelyMs,
    async findPrimary() {
      if (connections.length === 1) return;
      const found = await findPrimary(connections);
      if (found === current) return;
      current = found;
      for (const socket of sockets) socket.destroy();
    },
    async openSession(purpose = 'session') {
      const name = `${config.application_name} ${purpose}`;
      const client = new Client({ ...config, application_name: name });
      client.on('error', () => {});
      await client.connect();
      const single = {
        connect: async () => Object.assign(client, { release() {} }),
        end: () => client.end(),
      };
      const session = new Kysely<Tables>({
        dialect: new PostgresDialect({ pool: single as unknown as pg.Pool }),
      });
      return { client, db: session, end: () => client.end(), abandon: () => socketOf(client).destroy() };
    },
    async close() {
      await Promise.all([db.destroy(), background.destroy(), long.end(), lookups.end()]);
      await cancels.end();
      // Kysely ends the pool only if it has used it, and an idle connection keeps a process from ending for ten seconds.
      if (!pool.ended) await pool.end();
    },
  };
}

/** What node-postgres keeps to itself. */
const connectionOf = (client: pg.ClientBase) =>
  (client as unknown as { connection: EventEmitter & { stream: Socket } }).connection;

const socketOf = (client: pg.ClientBase): Socket => connectionOf(client).stream;

const attemptsMax = 6;

/**
 * Runs `work` in one transaction. After a deadlock or serialization failure it runs again, with jitter.
 * If `db` is already a transaction, `work` becomes part of it.
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
 * Refreshes the planner's statistics after many rows were added or changed. Autovacuum takes a minute or so to do this.
 * Until then the tables look empty to the planner, and the joins of a long list would take minutes. Failure is harmless.
 */
export async function refreshStatistics(db: Db, rows: number): Promise<void> {
  if (rows < rowsWorthStatistics) return;
  await sql`analyze phone_numbers, assignments, number_versions, users`.execute(db).catch(() => {});
}
