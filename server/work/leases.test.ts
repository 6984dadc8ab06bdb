import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { type Db, transact } from '../db/database.ts';
import { releases } from '../numbers/at-carrier/leased-numbers.ts';
import { orderLease } from '../orders/hold.ts';
import { newCarrierAccount } from '../testing/carrier-numbers.ts';
import { newScheduleTenant } from '../testing/carrier-schedules.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { fuzzing } from '../testing/runs.ts';
import { holdersDue } from './due.ts';
import { shareOut } from './fair-share.ts';
import { assertLeased, fromNow, LeaseLost, leaseDue, overwrite, readLeased } from './leases.ts';

let database: TestDatabase;
let db: Db;
let accounts: { tenant_id: string; holder: string }[];
before(async () => {
  database = await createTestDatabase();
  db = database.db;
  // Several tenants, the first with several accounts.
  accounts = [];
  for (const count of [2, 1, 1]) {
    const { caller } = await newScheduleTenant(db, 0);
    for (let made = 0; made < count; made++)
      accounts.push({ tenant_id: caller.tenantId, holder: await newCarrierAccount(db, caller) });
  }
});
beforeEach(async () => {
  await db.deleteFrom('phone_numbers').execute();
  // Freeze the statistics of an empty table. The plans must not depend on them.
  await sql`vacuum analyze phone_numbers`.execute(db);
});
after(() => database.drop());

const hour = 3_600_000;
let made = 0;

/** Creates numbers of an account whose release is due in the given seconds. Negative: overdue. */
async function due(
  { tenant_id, holder }: (typeof accounts)[number],
  secondsFromNow: number,
  count = 1,
): Promise<void> {
  const first = 2_000_000_000 + made;
  made += count;
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, since_revision,
      available_since, carrier_account_id, carrier_number_id, release_due_at)
    select tenant_id, id, gen_random_uuid(), '+1' || (${first}::bigint + n), '', 1, now(), ${holder}, ${first}::bigint + n,
      clock_timestamp() + make_interval(secs => ${secondsFromNow})
    from organizations, generate_series(1, ${count}) n where tenant_id = ${tenant_id}`.execute(db);
}

const take = (on: Db, slots: Parameters<typeof leaseDue>[3]) => leaseDue(on, releases, fromNow(hour), slots);

test('who has something due is found, and everybody is given a share of the slots', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.record({ account: fc.nat(3), seconds: fc.constantFrom(-20, -10, 3600) }), { maxLength: 30 }),
    fc.array(fc.nat(3), { maxLength: 6 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 4 }),
    async (rows, busy, free, share) => {
      await db.deleteFrom('phone_numbers').execute();
      for (const { account, seconds } of rows) await due(accounts[account]!, seconds);
      const waiting = accounts.map((_, index) =>
        rows.filter(row => row.account === index && row.seconds < 0),
      );
      const expected = accounts.filter((_, index) => waiting[index]!.length > 0).map(({ holder }) => holder);
      assert.deepEqual(
        (await holdersDue(db, releases as never)).map(({ holder }) => holder).sort(),
        expected.sort(),
      );

      const underWay = busy.map(index => accounts[index]!);
      const taken = await take(db, { free, share, underWay });
      const portions = accounts.map(({ holder }) => taken.filter(row => row.holder === holder).length);
      assert.ok(taken.length <= free);
      for (const [index, portion] of portions.entries()) {
        const had = busy.filter(one => one === index).length;
        const wanted = waiting[index]!.length;
        assert.ok(portion <= Math.min(wanted, Math.max(share - had, 0)));
        // No holder gets a second slot while another has none.
        if (portion === 0 && wanted > 0 && had < share)
          for (const [other, count] of portions.entries())
            assert.ok(count === 0 || count + busy.filter(one => one === other).length <= had + 1);
      }
    },
  );
  await fc.assert(property, fuzzing(60));
});

test('slots go to those who have the fewest, in turn', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(holder => ({ tenant_id: 't', holder }));
  const shares = (...args: Parameters<typeof shareOut>) =>
    shareOut(...args).map(({ holder, count }) => `${holder}${count}`);
  assert.deepEqual(shares([a!, b!, c!], [], 4, 2), ['a1', 'b1']);
  assert.deepEqual(shares([a!, b!, c!], [a!, a!, b!], 4, 3), ['b1', 'c2']);
  assert.deepEqual(shares([a!], [a!, a!, a!, a!], 4, 10), []);
  assert.deepEqual(shares([a!, b!], [], 4, 10), ['a4', 'b4']);
});

test('those who take at the same time never have the same row', async () => {
  for (const account of accounts) await due(account, -1, 20);
  const taken = (await Promise.all(Array.from({ length: 8 }, () => take(db, { free: 10 })))).flat();
  assert.equal(new Set(taken.map(row => row.id)).size, taken.length);
  for (;;) {
    const more = await take(db, { free: 100 });
    if (more.length === 0) break;
    taken.push(...more);
  }
  assert.equal(new Set(taken.map(row => row.id)).size, 80);
  assert.equal(taken.length, 80);
});

test('what somebody else has had meanwhile is not written, whether a counter tells so or the moment', async () => {
  await due(accounts[0]!, -1);
  const [number] = await take(db, { free: 1 });
  const later = await overwrite(db, releases, number!, { release_due_at: fromNow(2 * hour) });
  await assert.rejects(overwrite(db, releases, number!, { release_due_at: null }), LeaseLost);
  assert.equal(await readLeased(db, releases, number!), undefined);
  await overwrite(db, releases, later, { release_due_at: null, release_attempts: 0 });

  const id = randomUUIDv7();
  await sql`
    insert into orders (tenant_id, organization_id, id, carrier_account_id, country, purchase_fee, weekly_price, next_at,
      actor_type, actor_id, created_at, modified_at)
    select tenant_id, id, ${id}, ${accounts[0]!.holder}, 'US', 0, 0, now(), 'system', 'test', now(), now()
    from organizations where tenant_id = ${accounts[0]!.tenant_id}`.execute(db);
  const [order] = await leaseDue(db, orderLease, fromNow(hour), { free: 1 });
  const written = await overwrite(db, orderLease, order!, { attempts: 1 });
  assert.equal(written.version, order!.version + 1);
  await assert.rejects(overwrite(db, orderLease, order!, { attempts: 2 }), LeaseLost);
});

test('a lease that has run out is over, by whichever clock', async () => {
  await due(accounts[0]!, -1);
  const [row] = await take(db, { free: 1 });
  assertLeased(row!);
  assertLeased((await readLeased(db, releases, row!))!);
  const { steady, wall } = row!.until;
  for (const until of [
    { steady: steady - hour, wall },
    { steady, wall: wall - hour },
  ])
    assert.throws(() => assertLeased({ until }), LeaseLost);
  const ended = await overwrite(db, releases, row!, { release_due_at: fromNow(0) });
  assert.throws(() => assertLeased(ended), LeaseLost);
});

test('ten thousand that are due are not read to take a few of them, and keep no other account waiting', async t => {
  const [busy, , quiet] = accounts;
  await due(busy!, -60, 10_000);
  await due(quiet!, -1);
  await due(accounts[1]!, 3600, 1000);
  const underWay = Array.from({ length: 3 }, () => busy!);
  const { taken, read } = await transact(db, async tx => {
    const before = await rowsRead(tx, 'phone_numbers');
    const taken = await take(tx, { free: 13, share: 4, underWay });
    return { taken, read: (await rowsRead(tx, 'phone_numbers')) - before };
  });
  assert.deepEqual(taken.map(row => row.holder).sort(), [busy!.holder, quiet!.holder].sort());
  t.diagnostic(`${read} rows and index entries were read`);
  assert.ok(read < 100, `${read} rows were read`);
});

/**
 * The table rows and index entries that the connection has read and not reported yet. It reports between transactions,
 * at most once a second, so only the difference within a transaction says something.
 */
async function rowsRead(tx: Db, table: string): Promise<number> {
  const { rows } = await sql<{ read: number }>`
    select sum(pg_stat_get_xact_tuples_returned(relation))::integer as read
    from (select ${table}::regclass::oid union all select indexrelid from pg_index where indrelid = ${table}::regclass)
      as of (relation)`.execute(tx);
  return rows[0]!.read;
}
