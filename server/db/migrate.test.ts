import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { asAdmin, createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { newOrganization, uniqueNumber } from '../testing/factories.ts';
import { importFile } from '../testing/request.ts';
import { startTestServer } from '../testing/server.ts';
import { migrations, otherVersion } from '../testing/versions.ts';
import { openDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { assertUsable } from './requirements.ts';

async function newDatabase(t: TestContext, from?: string): Promise<TestDatabase> {
  const database = await createTestDatabase(from);
  t.after(() => database.drop());
  return database;
}

const newerVersion = (t: TestContext, files: Record<string, string>) => otherVersion(t, { files });

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

test('a migration that fails leaves nothing of itself behind', async t => {
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

test('the migrations before one that fails stay, and the next start goes on from there', async t => {
  const folder = await newerVersion(t, { '9001_first.sql': 'create table first ();' });
  await writeFile(new URL('9002_second.sql', folder), 'create table second (); select 1 / 0;');
  const migrated = await newDatabase(t);
  await assert.rejects(migrate(migrated, { folder }), /division by zero/);
  const { rows } = await migrated.pool.query(
    `select to_regclass('first') is not null as first, to_regclass('second') is not null as second`,
  );
  assert.deepEqual(rows, [{ first: true, second: false }]);
  await writeFile(new URL('9002_second.sql', folder), 'create table second ();');
  assert.deepEqual(await migrate(migrated, { folder }), ['9002_second.sql']);
});

test('a header that means nothing is refused by name', async t => {
  for (const header of ['-- breaking: maybe', '-- transaction:', '-- locks: none']) {
    const folder = await newerVersion(t, { '9001_new.sql': `-- breaking: no\n${header}\nselect 1;` });
    const message = `9001_new.sql: the header "${header}" must be one of -- breaking: yes, -- breaking: no, -- transaction: one, -- transaction: none`;
    await assert.rejects(migrate(await newDatabase(t), { folder }), { message });
  }
});

test('a server goes on beside a newer version whose migrations do not break it, and says so', async t => {
  const migrated = await newDatabase(t);
  const folder = await newerVersion(t, {
    '9001_column.sql': '-- breaking: no\nalter table tenants add column colour text;',
  });
  assert.deepEqual(await migrate(migrated, { folder }), ['9001_column.sql']);
  const said: string[] = [];
  assert.deepEqual(await migrate(migrated, { log: message => said.push(message) }), []);
  assert.deepEqual(said, [
    'the database has the migration 9001_column.sql of a newer version, which this version can work beside',
  ]);

  const server = await startTestServer({ ...migrated, drop: async () => {} }, {}, { versionEveryMs: 20 });
  t.after(() => server.app.close());
  const untilSaid = async (name: string) => {
    while (!server.logged.some(line => line.includes(name))) await sleep(10);
  };
  await untilSaid('9001_column.sql');
  assert.equal((await server.call('GET', '/readyz')).status, 200);

  await writeFile(new URL('9002_contract.sql', folder), 'alter table tenants drop column colour;');
  await migrate(migrated, { folder });
  await untilSaid('9002_contract.sql');
  const { status, body } = await server.call('GET', '/readyz');
  assert.equal(status, 503);
  const refusal =
    'The database has the migration 9002_contract.sql, which this version of Linekeeper does not know and cannot work beside: start the newer version';
  assert.equal(body.detail, refusal);
  await assert.rejects(migrate(migrated), { message: refusal });
});

/** Starts what waits for a lock, and resolves with its process id when it does. */
async function untilWaiting(database: TestDatabase, statement: string): Promise<number> {
  for (;;) {
    const { rows } = await database.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
         and query ilike $1 and pid <> pg_backend_pid()`,
      [`%${statement}%`],
    );
    if (rows[0]) return rows[0].pid;
    await sleep(5);
  }
}

test('an index whose building was cut short is built anew', async t => {
  const migrated = await newDatabase(t);
  const folder = await newerVersion(t, {
    '9001_indexes.sql': `-- breaking: no
-- transaction: none
-- Tenants are looked up by name; not more than once.
create index concurrently if not exists tenants_name_idx on tenants (name);
create index concurrently if not exists tenants_late_idx on tenants (name, id);
`,
  });
  // Somebody who has changed the table is waited for, before the index is taken into use.
  const writer = await migrated.openSession();
  await writer.client.query('begin');
  await writer.client.query(`insert into tenants (id, name) values (gen_random_uuid(), 'Acme')`);
  const cut = assert.rejects(migrate(migrated, { folder }), /terminat/i);
  const pid = await untilWaiting(migrated, 'tenants_name_idx');
  await migrated.pool.query('select pg_terminate_backend($1)', [pid]);
  await cut;
  const indexes = async () => {
    const { rows } = await migrated.pool.query(
      `select indexrelid::regclass::text as name, indisvalid as valid from pg_index
       where indexrelid in (to_regclass('tenants_name_idx'), to_regclass('tenants_late_idx')) order by 1`,
    );
    return rows;
  };
  assert.deepEqual(await indexes(), [{ name: 'tenants_name_idx', valid: false }]);
  const again = Promise.all([migrate(migrated, { folder }), migrate(migrated, { folder })]);
  await untilWaiting(migrated, 'tenants_name_idx');
  await writer.client.query('commit');
  await writer.end();
  assert.deepEqual((await again).flat(), ['9001_indexes.sql']);
  assert.deepEqual(await indexes(), [
    { name: 'tenants_late_idx', valid: true },
    { name: 'tenants_name_idx', valid: true },
  ]);
});

test('an index that cannot be built leaves nothing behind', async t => {
  const migrated = await newDatabase(t);
  for (let i = 0; i < 2; i++)
    await migrated.pool.query(`insert into tenants (id, name) values (gen_random_uuid(), 'Acme')`);
  const folder = await newerVersion(t, {
    '9001_unique.sql':
      '-- transaction: none\ncreate unique index concurrently if not exists tenants_name_key on tenants (name);\n',
  });
  await assert.rejects(migrate(migrated, { folder }), /could not create unique index/);
  const { rows } = await migrated.pool.query(`select to_regclass('tenants_name_key') as found`);
  assert.deepEqual(rows, [{ found: null }]);
});

test('a migration that waits for a long statement does not hold up what comes after it', async t => {
  const migrated = await newDatabase(t);
  const folder = await newerVersion(t, {
    '9001_column.sql': '-- breaking: no\nalter table tenants add column colour text;',
  });
  const long = await migrated.openSession('long list');
  await long.client.query('begin');
  await long.client.query('select from tenants');
  const waits = Promise.withResolvers<string>();
  const migrating = migrate(migrated, { folder, lockMsMax: 100, pauseMs: 10, log: waits.resolve });
  assert.match(
    await waits.promise,
    /^the migration 9001_column.sql waits for a lock: .*; the oldest transaction is that of process \d+ \(linekeeper long list\), since /,
  );
  // It would wait for the migration, which would wait for the long list.
  for (let i = 0; i < 20; i++) await migrated.pool.query('select from tenants');
  await long.client.query('commit');
  await long.end();
  assert.deepEqual(await migrating, ['9001_column.sql']);
});

test('a role that may only read and write rows serves a migrated database, but does not migrate one', async t => {
  const migrated = await newDatabase(t);
  const role = `clerk_${randomUUID().replaceAll('-', '')}`;
  await migrated.pool.query(`create role ${role} login`);
  await migrated.pool.query(`grant select, insert, update, delete on all tables in schema public to ${role}`);
  const connection = { ...migrated.connection, user: role };
  const clerk = openDatabase(connection);
  // The database goes first, and with it the rights.
  t.after(() => asAdmin(`drop role ${role}`));
  await assertUsable(clerk);
  assert.deepEqual(await migrate(clerk), []);
  const folder = await newerVersion(t, { '9001_new.sql': 'create table new ();' });
  await assert.rejects(migrate(clerk, { folder }), { code: '42501' });

  const server = await startTestServer({ ...clerk, connection, drop: async () => {} });
  const organization = await newOrganization(server);
  const file = `phone_number\n${Array.from({ length: 1500 }, uniqueNumber).join('\n')}\n`;
  const imported = await importFile(server.url, organization, { key: server.key, body: file });
  assert.deepEqual([imported.status, imported.body.imported], [200, 1500]);
  const list = await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  assert.equal(list.body.count, 1500);
  await server.app.close();
  await clerk.close();
});
