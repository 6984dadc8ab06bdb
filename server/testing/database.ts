import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type Database, openDatabase } from '../db/database.ts';

/** The migrated database that scripts/test.ts makes and every test file clones. */
export const templateName = 'linekeeper_template';

/** The PostgreSQL that scripts/test.ts runs. */
export function testPostgres(): pg.ClientConfig {
  const text = process.env.TEST_POSTGRES;
  if (!text) throw new Error('Run the tests with `npm test`, which starts a PostgreSQL for them');
  return JSON.parse(text);
}

export type TestDatabase = Database & { connection: pg.ClientConfig; drop(): Promise<void> };

/** A database of one's own, empty but for the schema; `from: 'template1'` for one without even that. */
export async function createTestDatabase(from: string = templateName): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(`create database ${name} template ${from}`);
  // Whoever waits for a connection, a lock or an answer gets it, however slow the machine is.
  const patient = { connectionTimeoutMillis: 0, statement_timeout: 0, lock_timeout: 0 };
  const connection = { ...testPostgres(), database: name, ...patient };
  const database = openDatabase(connection);
  return {
    ...database,
    connection,
    async drop() {
      await database.close();
      await asAdmin(`drop database ${name} with (force)`);
    },
  };
}

export async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ ...testPostgres(), database: 'postgres' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** That every connection has been given back: only a pool that has all of its own can give them out at once. */
export async function assertNoneLost({ pool, lookups, long }: Database): Promise<void> {
  for (const each of [pool, lookups, long]) {
    const all = await Promise.all(Array.from({ length: each.options.max! }, () => each.connect()));
    for (const client of all) client.release();
  }
}
