import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Database } from '../db/database.ts';

const folder = new URL('../db/migrations/', import.meta.url);

/** The names of this version's migrations, in order. */
export const migrations = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort();

/** A folder with this version's migrations but the last ones, and with files of one's own. */
export async function otherVersion(
  t: TestContext,
  { without = 0, files = {} }: { without?: number; files?: Record<string, string> },
): Promise<URL> {
  const other = await mkdtemp(join(tmpdir(), 'lk-migrations-'));
  t.after(() => rm(other, { recursive: true }));
  for (const name of migrations.slice(0, migrations.length - without))
    await cp(new URL(name, folder), join(other, name));
  for (const [name, text] of Object.entries(files)) await writeFile(join(other, name), text);
  return pathToFileURL(`${other}/`);
}

type Column = { table: string; column: string };

async function columnsOf({ pool }: Database): Promise<Column[]> {
  const { rows } = await pool.query<Column>(
    `select c.relname as table, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'migrations'
       and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''`,
  );
  return rows;
}

/** Copies all rows to a database of another version, as far as its tables and columns go. */
export async function copyRows(from: Database, to: Database): Promise<void> {
  const there = new Set((await columnsOf(from)).map(({ table, column }) => `${table}.${column}`));
  const common = (await columnsOf(to)).filter(({ table, column }) => there.has(`${table}.${column}`));
  const { client, end } = await to.openSession('copy');
  try {
    // Rows refer to each other in circles.
    await client.query('set session_replication_role = replica');
    for (const [table, columns] of Object.entries(Object.groupBy(common, each => each.table))) {
      const names = columns!.map(({ column }) => `"${column}"`).join(', ');
      const { rows } = await from.pool.query(`select jsonb_agg(to_jsonb(t)) as all from ${table} t`);
      if (rows[0].all === null) continue;
      // A migration may have filled it.
      await client.query(`delete from ${table}`);
      await client.query(
        `insert into ${table} (${names}) select ${names} from jsonb_populate_recordset(null::${table}, $1)`,
        [JSON.stringify(rows[0].all)],
      );
    }
  } finally {
    await end();
  }
}
