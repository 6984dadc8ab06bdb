import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { describeSchema, schemaFile } from './schema.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

test('schema.sql describes what the migrations make', async () => {
  const made = await describeSchema(database.pool);
  assert.equal(made, await readFile(schemaFile, 'utf8'), 'run npm run schema');
});

test('the description shows every kind of change', async () => {
  let last = await describeSchema(database.pool);
  const changes = [
    'alter table tenants add column colour text',
    'alter table tenants alter column name drop not null',
    `alter table tenants alter column name set default 'Acme'`,
    'alter table tenants alter column name type varchar(100)',
    'alter table tenants add constraint tenants_short check (length(name) < 50)',
    'create index tenants_name_idx on tenants (name)',
    'alter table tenants set (fillfactor = 70)',
    'create table others ()',
    'drop index phone_numbers_list_idx',
    'drop trigger number_counts_update on phone_numbers',
    'alter table assignments drop constraint assignments_user_fkey',
  ];
  for (const change of changes) {
    await database.pool.query(change);
    const changed = await describeSchema(database.pool);
    assert.notEqual(changed, last, change);
    last = changed;
  }
});
