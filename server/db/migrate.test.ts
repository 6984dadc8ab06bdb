import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { migrate } from './migrate.ts';

const migrations = (await readdir(new URL('./migrations/', import.meta.url))).sort();

async function newDatabase(t: TestContext, from?: string): Promise<TestDatabase> {
  const database = await createTestDatabase(from);
  t.after(() => database.drop());
  return database;
}

test('of several processes that migrate at the same time, one does it and the others wait', async t => {
  const empty = await newDatabase(t, 'template1');
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(empty)));
  assert.deepEqual(applied.flat(), migrations);
  assert.deepEqual(applied.map(names => names.length).sort(), [0, 0, 0, 0, migrations.length]);
  const { rows } = await empty.pool.query('select name from migrations order by name');
  assert.deepEqual(
    rows.map(row => row.name),
    migrations,
  );
});

test('a database that is up to date is not changed', async t => {
  const migrated = await newDatabase(t);
  assert.deepEqual(await migrate(migrated), []);
});

test('a migration that was changed after it was applied is refused', async t => {
  const migrated = await newDatabase(t);
  await migrated.pool.query('update migrations set checksum = $1 where name = $2', [
    'another',
    migrations[0],
  ]);
  await assert.rejects(migrate(migrated), new RegExp(`${migrations[0]} has changed`));
});

test('a database of a newer version is refused', async t => {
  const migrated = await newDatabase(t);
  await migrated.pool.query(`insert into migrations (name, checksum) values ('9999_later.sql', 'any')`);
  await assert.rejects(migrate(migrated), /9999_later\.sql, which this version of Linekeeper does not know/);
});

test('a database that is read-only is refused by name', async t => {
  const migrated = await newDatabase(t);
  const { rows } = await migrated.pool.query('select current_database() as name');
  const { name } = rows[0];
  await migrated.pool.query(`alter database ${name} set default_transaction_read_only = on`);
  await assert.rejects(migrate(migrated), new RegExp(`database ${name} at .* is read-only`));
});

test('a migration that fails leaves nothing behind', async t => {
  const database = await newDatabase(t, 'template1');
  // The first migration fails at its last table, after it has made all others.
  await database.pool.query('create table batch_items ()');
  await assert.rejects(migrate(database), /batch_items/);
  const { rows } = await database.pool.query(
    `select tablename from pg_tables where schemaname = 'public' order by 1`,
  );
  assert.deepEqual(
    rows.map(row => row.tablename),
    ['batch_items', 'migrations'],
  );
  await database.pool.query('drop table batch_items');
  assert.deepEqual(await migrate(database), migrations);
});
