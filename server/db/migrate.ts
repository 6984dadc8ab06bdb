import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type pg from 'pg';
import type { Database } from './database.ts';

const folder = new URL('./migrations/', import.meta.url);

/**
 * Applies all missing migrations in one transaction. A second process that migrates at the same time waits for the first
 * and then finds nothing to do.
 * @returns the names of the migrations that were applied
 * @throws Error if the database is a standby, or has a migration that this version does not know, or one that was edited
 *   since
 */
export async function migrate(database: Database): Promise<string[]> {
  const { client, end } = await database.openSession();
  try {
    await assertWritable(client);
    await createTable(client);
    await client.query('begin');
    await client.query('lock table migrations in exclusive mode');
    const { rows } = await client.query<{ name: string; checksum: string }>(
      'select name, checksum from migrations',
    );
    const applied = new Map(rows.map(row => [row.name, row.checksum]));
    const files = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort();
    const newer = [...applied.keys()].find(name => !files.includes(name));
    if (newer)
      throw new Error(
        `The database has the migration ${newer}, which this version of Linekeeper does not know`,
      );
    const fresh: string[] = [];
    for (const name of files) {
      const text = await readFile(new URL(name, folder), 'utf8');
      const checksum = createHash('sha256').update(text).digest('hex');
      if (!applied.has(name)) {
        await client.query(text);
        await client.query('insert into migrations (name, checksum) values ($1, $2)', [name, checksum]);
        fresh.push(name);
      } else if (applied.get(name) !== checksum) {
        throw new Error(`The migration ${name} has changed since it was applied to this database`);
      }
    }
    await client.query('commit');
    return fresh;
  } finally {
    await end();
  }
}

/** Nothing here works without writes, and the statement that would fail first says nothing of the cause. */
async function assertWritable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ standby: boolean; readonly: boolean }>(
    `select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as readonly`,
  );
  const { host, database } = client;
  if (rows[0]!.standby)
    throw new Error(
      `The PostgreSQL at ${host} is a standby, which is read-only: DATABASE_URL must name the primary`,
    );
  if (rows[0]!.readonly)
    throw new Error(
      `The database ${database} at ${host} is read-only (default_transaction_read_only): Linekeeper must write to it`,
    );
}

/** `if not exists` takes no lock: two processes can both try to create the table. The one that fails tries again. */
async function createTable(client: pg.Client): Promise<void> {
  const text = `create table if not exists migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`;
  const lost = ['23505', '42P07', '42710']; // duplicate catalog entry, table, row type
  await client.query(text).catch(error => {
    if (!lost.includes(error.code)) throw error;
    return client.query(text);
  });
}
