import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type pg from 'pg';
import { pino } from 'pino';
import { newScheduleTenant, type Tenant } from '../../testing/carrier-schedules.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { startClock } from './clock.ts';

/*
 * Organizations of different tenants compete for the clock. One is locked, as by a long import, or has very many
 * cool-downs that end together; the others must not wait for it.
 */

const log = pino({ level: 'silent' });

let database: TestDatabase;
let busy: Tenant;
let quiet: Tenant;
before(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  busy = await newScheduleTenant(database.db, 0);
  quiet = await newScheduleTenant(database.db, 0);
});
after(() => database.drop());

let made = 0;

/** Numbers whose cool-down has ended so long ago. */
async function coolDown({ caller }: Tenant, count: number, secondsAgo: number): Promise<void> {
  const first = 2_000_000_000 + made;
  made += count;
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, status, until, since_revision)
    select tenant_id, id, gen_random_uuid(), '+1' || (${first}::bigint + n), '', 'cooling_down',
      clock_timestamp() - make_interval(secs => ${secondsAgo}), 1
    from organizations, generate_series(1, ${count}) n where tenant_id = ${caller.tenantId}`.execute(
    database.db,
  );
}

async function resting({ caller }: Tenant): Promise<number> {
  const { count } = await database.db
    .selectFrom('phone_numbers')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', caller.tenantId)
    .where('status', '=', 'cooling_down')
    .executeTakeFirstOrThrow();
  return count;
}

async function untilRested(tenant: Tenant): Promise<void> {
  while ((await resting(tenant)) > 0) await sleep(10);
}

/** When the clock has changed the organization, in the order of time. */
async function turnsOf({ caller }: Tenant): Promise<Date[]> {
  const { rows } = await sql<{ at: Date }>`
    select distinct at from events where tenant_id = ${caller.tenantId} and actor_id = 'clock' order by at`.execute(
    database.db,
  );
  return rows.map(({ at }) => at);
}

/** Whether somebody waits for a lock of this connection's transaction. */
async function isWaitedFor(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ waits: boolean }>(
    'select exists (select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))) as waits',
  );
  return rows[0]!.waits;
}

test('organizations that are locked delay no other, and have their turn when the lock is gone', async () => {
  // More of them than the clock waits for at once.
  const locked = [busy, ...(await Promise.all([1, 2, 3].map(() => newScheduleTenant(database.db, 0))))];
  for (const tenant of locked) await coolDown(tenant, 1, 60);
  const ids = locked.map(({ caller }) => caller.tenantId);
  const { client, end } = await database.openSession();
  await client.query('begin');
  await client.query('select from organizations where tenant_id = any($1) for update', [ids]);
  const clock = startClock(database.db, log);
  while (!(await isWaitedFor(client))) await sleep(10);
  await coolDown(quiet, 1, 1);
  await untilRested(quiet);
  for (const tenant of locked) assert.equal(await resting(tenant), 1);
  await client.query('rollback');
  await Promise.all(locked.map(untilRested));
  await clock.stop();
  await end();
});

test('very many cool-downs that end together in one organization keep nobody waiting', async () => {
  await coolDown(busy, 3500, 60);
  await coolDown(quiet, 1, 1);
  const clock = startClock(database.db, log);
  await untilRested(quiet);
  await untilRested(busy);
  await clock.stop();
  const [turn] = await turnsOf(quiet);
  const before = (await turnsOf(busy)).filter(at => at < turn!);
  assert.ok(before.length <= 1, `${before.length} turns of the busy one came first`);
});
