import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Database, Session } from './database.ts';

/** @throws Error that says what is wrong with the PostgreSQL, or with what stands before it, and what to set instead */
export async function assertUsable(database: Database): Promise<void> {
  await assertSessions(database);
  await assertVersion(database.pool);
}

const answerMsMax = 10_000;

/**
 * A pooler may give each transaction another connection. Then temporary tables, advisory locks and settings end up in
 * somebody else's hands. So two connections set something, one begins a transaction, and both read what they have set. In
 * a session each sees its own.
 */
async function assertSessions({ openSession }: Database): Promise<void> {
  const sessions: Session[] = [];
  try {
    for (const purpose of ['first', 'second']) sessions.push(await openSession(purpose));
    const [one, two] = sessions.map(({ client }) => ({ client, value: randomUUID() })) as [Setter, Setter];
    for (let round = 0; round < 3; round++) {
      for (const { client, value } of [one, two]) await ask(client, `set linekeeper.session = '${value}'`);
      await ask(two.client, 'begin');
      for (const setter of [two, one]) if (!(await keeps(setter))) throw new PoolerError();
      await ask(two.client, 'commit');
    }
  } catch (error) {
    // PgBouncer with pool_mode=statement
    throw /statement pooling mode/.test((error as Error).message) ? new PoolerError() : error;
  } finally {
    for (const session of sessions) await session.end();
  }
}

type Setter = { client: pg.Client; value: string };

async function keeps({ client, value }: Setter): Promise<boolean> {
  const { rows } = await ask(client, `select current_setting('linekeeper.session', true) as value`);
  return rows[0].value === value;
}

class PoolerError extends Error {
  override readonly message =
    'DATABASE_URL leads to a pooler that gives each transaction another connection, and Linekeeper needs sessions of its own: set pool_mode=session for this database (PgBouncer), or name the port of PostgreSQL itself';
}

/** A pooler that has no second connection to give does not say so. */
function ask(client: pg.Client, text: string): Promise<pg.QueryResult> {
  const query = { text, query_timeout: answerMsMax };
  return client.query(query).catch(error => {
    if (error.message !== 'Query read timeout') throw error;
    throw new Error(
      `DATABASE_URL gives no second connection within ${answerMsMax / 1000} seconds: a server needs 48. Is the pool of a pooler too small?`,
    );
  });
}

async function assertVersion(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query('show server_version');
  const version: string = rows[0].server_version;
  if (Number.parseInt(version, 10) < 15)
    throw new Error(`Linekeeper needs PostgreSQL 15 or newer, and this is ${version}`);
}
