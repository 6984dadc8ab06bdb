import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { asRead } from './reads.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

const cancelled = { code: '57014' };
const hour = 3600;

async function untilRunning(): Promise<void> {
  for (let running = 0; running === 0; await sleep(5)) {
    const { rows } = await database.pool.query(
      "select count(*)::int as running from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'",
    );
    running = rows[0].running;
  }
}

test('a read ends when its client goes, and asks nothing more', async () => {
  const gone = new AbortController();
  const reading = asRead(gone.signal, () => sql`select pg_sleep(${hour})`.execute(database.db));
  await untilRunning();
  gone.abort();
  await assert.rejects(reading, cancelled);
  await assert.rejects(
    asRead(gone.signal, () => sql`select 1`.execute(database.db)),
    cancelled,
  );
});

test('a read that takes too long ends', async t => {
  const realTimeout = setTimeout;
  const hurried = (work: () => void, ms = 0) => realTimeout(work, ms === 30_000 ? 1 : ms);
  t.mock.method(globalThis, 'setTimeout', hurried as typeof setTimeout);
  const forever = new AbortController().signal;
  await assert.rejects(
    asRead(forever, () => sql`select pg_sleep(${hour})`.execute(database.db)),
    cancelled,
  );
});

test('what is no read goes on, and a read inside a transaction leaves the connection in order', async () => {
  const gone = new AbortController();
  await sql`create table written (id integer)`.execute(database.db);
  const writing = sql`insert into written select 1 from pg_sleep(0.2)`.execute(database.db);
  await untilRunning();
  gone.abort();
  await writing;
  const late = new AbortController();
  const reading = asRead(late.signal, () =>
    database.db.transaction().execute(tx => sql`select pg_sleep(${hour})`.execute(tx)),
  );
  await untilRunning();
  late.abort();
  await assert.rejects(reading, cancelled);
  const { rows } = await database.pool.query(
    "select count(*)::int as open from pg_stat_activity where datname = current_database() and state like 'idle in%'",
  );
  assert.equal(rows[0].open, 0);
});

test('a cancel never hits the statement of another request', async () => {
  let ended = 0;
  await Promise.all(
    Array.from({ length: 18 }, async (_, worker) => {
      for (let time = 0; time < 40; time++) {
        const gone = new AbortController();
        const reading = asRead(gone.signal, () => sql`select pg_sleep(0.002)`.execute(database.db)).catch(
          error => {
            assert.equal(error.code, '57014');
            ended++;
          },
        );
        await sleep((time + worker) % 6);
        gone.abort();
        await reading;
        // As a rule it gets the connection that has just come free.
        await sql`select pg_sleep(0.001)`.execute(database.db);
      }
    }),
  );
  assert.ok(ended > 0);
});
