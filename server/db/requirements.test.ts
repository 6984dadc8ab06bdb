import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase } from '../testing/database.ts';
import { startPooler } from '../testing/pooler.ts';
import { openDatabase } from './database.ts';
import { assertUsable } from './requirements.ts';

async function emptyDatabase(t: TestContext): Promise<pg.ClientConfig> {
  const database = await createTestDatabase('template1');
  t.after(() => database.drop());
  return database.connection;
}

async function use(connection: pg.ClientConfig): Promise<void> {
  const database = openDatabase(connection);
  await assertUsable(database).finally(() => database.close());
  assert.equal(database.pool.ended, true);
}

test('PostgreSQL itself will do', async t => {
  await use(await emptyDatabase(t));
});

test('a pooler that gives each transaction another connection is refused, whichever it gives', async t => {
  const connection = await emptyDatabase(t);
  const reason =
    /^Error: DATABASE_URL leads to a pooler that gives each transaction another connection, .*: set pool_mode=session .*, or name the port of PostgreSQL itself$/;
  for (const order of ['last', 'first'] as const) {
    const pooler = await startPooler(t, connection, 'transaction', order);
    // Also when it has connections already, which others have used.
    for (let i = 0; i < 3; i++) await assert.rejects(use(pooler), reason);
  }
});

test('a pooler that gives each session a connection of its own will do', async t => {
  const pooler = await startPooler(t, await emptyDatabase(t), 'session');
  for (let i = 0; i < 3; i++) await use(pooler);
});
