import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Database, Db } from './database.ts';
import { type Migration, readMigrations, statementsOf } from './migration.ts';

export type MigrateOptions = {
  /** The folder of the migrations. */
  folder?: URL;
  /** Told what is waited for, and of migrations of a newer version. */
  log?: (message: string) => void;
  /** How long a migration waits for a lock. Statements that need the same table wait behind it meanwhile. */
  lockMsMax?: number;
  /** How long it lets others go on before it tries again. */
  pauseMs?: number;
};

/** A migration in the database that this version has no file for. */
export type Unknown = { name: string; breaking: boolean };

const ownFolder = new URL('./migrations/', import.meta.url);
// Any two constants will do: they only must be the same in every version.
const lockKey = [5_465_335, 13];
const attemptsMax = 100;

/**
 * Applies all missing migrations, each in a transaction of its own. A second process that migrates at the same time waits
 * for the first and then finds nothing to do.
 * @returns the names of the migrations that were applied
 * @throws Error if the database is a standby, or has a breaking migration that this version does not know, or one that was
 *   edited since
 */
export async function migrate(database: Database, options: MigrateOptions = {}): Promise<string[]> {
  const { folder = ownFolder, log = () => {} } = options;
  const migrations = await readMigrations(folder);
  const { client, end } = await database.openSession('migration');
  try {
    await assertWritable(client);
    const missing = async () => findMissing(await findApplied(client), migrations);
    // Without the lock, if there is nothing to do: an older server may start while a newer one migrates.
    if ((await missing()).length > 0) {
      await lock(client, log);
      await createTable(client);
    }
    const todo = await missing();
    // Defaults of the role would end what takes long.
    if (todo.length > 0) await client.query('set statement_timeout = 0');
    for (const migration of todo) await apply(client, migration, { log, ...options });
    for (const { name } of unknownOf(await findApplied(client), migrations))
      log(`the database has the migration ${name} of a newer version, which this version can work beside`);
    return todo.map(({ name }) => name);
  } finally {
    await end();
  }
}

/** What to tell of a migration that this version cannot work beside. */
export const refusalOf = ({ name }: Unknown): string =>
  `The database has the migration ${name}, which this version of Linekeeper does not know and cannot work beside: start the newer version`;

type Applied = Unknown & { checksum: string };

type Asked = { query<T>(text: string): Promise<{ rows: T[] }> };

async function findApplied(client: Asked): Promise<Applied[]> {
  const { rows: tables } = await client.query<{ there: boolean }>(
    `select to_regclass('migrations') is not null as there`,
  );
  if (!tables[0]!.there) return [];
  // An older version made the table without the column.
  const { rows } = await client.query<Applied>(
    `select name, checksum, coalesce((to_jsonb(m) ->> 'breaking')::boolean, true) as breaking
     from migrations m order by name`,
  );
  return rows;
}

const unknownOf = (applied: Applied[], migrations: Migration[]): Unknown[] =>
  applied.filter(({ name }) => !migrations.some(migration => migration.name === name));

function findMissing(applied: Applied[], migrations: Migration[]): Migration[] {
  const breaking = unknownOf(applied, migrations).find(unknown => unknown.breaking);
  if (breaking) throw new Error(refusalOf(breaking));
  const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  for (const { name, checksum } of migrations)
    if (checksums.has(name) && checksums.get(name) !== checksum)
      throw new Error(`The migration ${name} has changed since it was applied to this database`);
  return migrations.filter(({ name }) => !checksums.has(name));
}

/**
 * Asks again and again for the lock. A statement that waits for it would hold a snapshot, and the process that has the
 * lock may be building an index, which waits until all older snapshots are gone.
 */
async function lock(client: pg.Client, log: (message: string) => void): Promise<void> {
  for (let told = false; ; told = true) {
    const { rows } = await client.query('select pg_try_advisory_lock($1, $2) as locked', lockKey);
    if (rows[0].locked) return;
    if (!told) log('another process is migrating the database: waiting for it');
    await sleep(200);
  }
}

async function createTable(client: pg.Client): Promise<void> {
  await client.query(`create table if not exists migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
  await client.query(
    'alter table migrations add column if not exists breaking boolean not null default true',
  );
}

async function apply(client: pg.Client, migration: Migration, options: MigrateOptions): Promise<void> {
  if (migration.transaction) return applyInOne(client, migration, options);
  for (const statement of statementsOf(migration)) {
    await dropInvalidIndex(client, statement);
    await client.query(statement).catch(async error => {
      await dropInvalidIndex(client, statement).catch(() => {});
      throw error;
    });
  }
  await record(client, migration);
}

/** Every list would wait behind a migration that waits for a long statement. So it gives up, lets them go on, and tries again. */
async function applyInOne(client: pg.Client, migration: Migration, options: MigrateOptions): Promise<void> {
  const { lockMsMax = 1000, pauseMs = 3000, log = () => {} } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query('begin');
      await client.query(`set local lock_timeout = ${lockMsMax}`);
      await record(client, migration);
      await client.query(migration.text);
      await client.query('commit');
      return;
    } catch (error) {
      await client.query('rollback').catch(() => {});
      const { code, message } = error as pg.DatabaseError;
      if (code !== '55P03' && code !== '40P01') throw error; // lock not available, deadlock
      const waiting = `the migration ${migration.name} waits for a lock: ${message}; ${await oldest(client)}`;
      if (attempt === attemptsMax) throw new Error(`After ${attempt} attempts ${waiting}`);
      log(waiting);
      await sleep(pauseMs);
    }
  }
}

async function record(client: pg.Client, { name, checksum, breaking }: Migration): Promise<void> {
  const values = [name, checksum, breaking];
  await client.query('insert into migrations (name, checksum, breaking) values ($1, $2, $3)', values);
}

/** The transaction that most likely has the lock. */
async function oldest(client: pg.Client): Promise<string> {
  const { rows } = await client.query(
    `select pid, application_name as name, xact_start from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
     order by xact_start limit 1`,
  );
  const { pid, name, xact_start } = rows[0] ?? {};
  return pid
    ? `the oldest transaction is that of process ${pid} (${name}), since ${xact_start?.toISOString()}`
    : 'no other transaction is open now';
}

/** A build of an index that was cut short leaves an index that is not used, and `if not exists` takes it for built. */
async function dropInvalidIndex(client: pg.Client, statement: string): Promise<void> {
  const [, name] =
    /create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?(\w+)/i.exec(statement) ?? [];
  if (name === undefined) return;
  const { rowCount } = await client.query(
    'select from pg_index where indexrelid = to_regclass($1) and not indisvalid',
    [name],
  );
  if (rowCount === 1) await client.query(`drop index concurrently ${name}`);
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

/** Whether a newer version has migrated the database under a running server. */
export type VersionWatch = {
  look(): Promise<void>;
  /** What to tell a load balancer, if this version cannot work beside the newer one. */
  refusal(): string | undefined;
};

/** A server that its successor has overtaken says so in its log, once for each migration. */
export function createVersionWatch(db: Db, log: Logger): VersionWatch {
  const asked: Asked = { query: text => sql.raw<never>(text).execute(db) };
  let own: Migration[] | undefined;
  const told = new Set<string>();
  let refusal: string | undefined;
  return {
    async look() {
      own ??= await readMigrations(ownFolder);
      const unknown = unknownOf(await findApplied(asked), own);
      const breaking = unknown.find(each => each.breaking);
      refusal = breaking && refusalOf(breaking);
      const news = unknown.filter(({ name }) => !told.has(name));
      for (const each of news) {
        told.add(each.name);
        if (each.breaking) log.error(refusalOf(each));
        else
          log.warn({ migration: each.name }, 'a newer version has migrated the database; this one goes on');
      }
    },
    refusal: () => refusal,
  };
}
