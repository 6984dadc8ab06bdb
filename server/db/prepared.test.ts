import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { type Db, transact } from './database.ts';
import { preparedMax } from './prepared.ts';
import { asRead } from './reads.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

const prepared = async (db: Db) => {
  const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db);
  return rows.map(row => row.statement);
};

test('a recurring statement is prepared, and its results stay the same', async () => {
  await database.db.connection().execute(async db => {
    for (let time = 1; time <= 8; time++) {
      const { rows } = await sql<{ twice: number }>`select ${time}::integer + ${time} as twice`.execute(db);
      assert.deepEqual(rows, [{ twice: 2 * time }]);
      assert.equal((await prepared(db)).length, time === 1 ? 0 : 1);
    }
    await assert.rejects(sql`select ${'x'}::integer + ${0} as twice`.execute(db), { code: '22P02' });
    assert.deepEqual((await sql`select ${3}::integer + ${4} as twice`.execute(db)).rows, [{ twice: 7 }]);
  });
});

test('no prepared statement breaks when a migration adds a column', async () => {
  await database.db.connection().execute(async db => {
    await sql`create table grown (id integer)`.execute(db);
    await sql`insert into grown values (1)`.execute(db);
    const all = () => sql`select * from grown where id = ${1}`.execute(db);
    const named = () => sql`select id from grown where id = ${1}`.execute(db);
    for (let time = 0; time < 7; time++) await Promise.all([all(), named()]);
    assert((await prepared(db)).some(text => text.includes('select id from grown')));
    await sql`alter table grown add column more integer`.execute(db);
    assert.deepEqual((await all()).rows, [{ id: 1, more: null }]);
    assert.deepEqual((await named()).rows, [{ id: 1 }]);
  });
});

test('a connection has a bounded number of prepared statements', async () => {
  await database.db.connection().execute(async db => {
    for (let time = 0; time < 2; time++)
      for (let variant = 0; variant < preparedMax + 20; variant++) {
        const { rows } = await sql`select ${sql.raw(String(variant))} + ${1}::integer as sum`.execute(db);
        assert.deepEqual(rows, [{ sum: variant + 1 }]);
      }
    assert.equal((await prepared(db)).length, preparedMax);
  });
});

test('a thousand different reads leave the statements of changes prepared, and come and go themselves', async () => {
  await database.db.connection().execute(async db => {
    const change = () => sql`update tenants set name = name where id = ${crypto.randomUUID()}`.execute(db);
    for (let time = 0; time < 2; time++) await change();
    const read = (variant: number) =>
      sql`select ${2}::integer + ${sql.raw(String(variant))} as more`.execute(db);
    const forever = new AbortController().signal;
    await asRead(forever, async () => {
      for (let variant = 0; variant < 1000; variant++)
        for (let time = 0; time < 2; time++)
          assert.deepEqual((await read(variant)).rows, [{ more: 2 + variant }]);
      // Those of a transaction that has failed cannot be given back, and are still known.
      await assert.rejects(
        transact(db, async tx => {
          await sql`select 1 / 0`.execute(tx).catch(() => {});
          await sql`select ${2}::integer + 500 as more`.execute(tx);
        }),
      );
      for (const variant of [0, 999, 900, 1, 0])
        assert.deepEqual((await read(variant)).rows, [{ more: 2 + variant }]);
    });
    const texts = await prepared(db);
    assert.equal(texts.filter(text => text.includes('as more')).length, preparedMax);
    assert.ok(texts.some(text => text.startsWith('update tenants')));
    assert.ok(texts.length <= 2 * preparedMax);
  });
});
