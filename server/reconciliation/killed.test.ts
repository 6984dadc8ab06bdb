import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { pino } from 'pino';
import type { Fault } from '../../carriers/sandbox/store.ts';
import type { Caller } from '../access/caller.ts';
import { type Carriers, carrierDefaults, createCarriers } from '../accounts/open.ts';
import { check } from '../check/check.ts';
import type { Db } from '../db/database.ts';
import { addNumbers } from '../numbers/life/arrivals.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { createTenant } from '../tenants/tenants.ts';
import { newCarrierAccount, own, setFaults } from '../testing/carrier-numbers.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { stepDueRuns } from '../testing/due-work.ts';
import { uniqueNumber } from '../testing/factories.ts';
import { killable, liveFor, mortal } from '../testing/killing.ts';
import { fuzzing } from '../testing/runs.ts';
import { secretKey } from '../testing/server.ts';
import { readRules } from './adoption/rules.ts';
import { getRun, startRun } from './runs.ts';

/*
 * Kills an adoption before and after every statement and carrier call. Other servers lease the run in the middle of a
 * step, as they do when a server is too slow.
 */

const log = pino({ level: 'silent' });
const here = 5;
const pages = 2;

let database: TestDatabase;
let carriers: Carriers;
before(async () => {
  database = await createTestDatabase();
  const settings = { ...carrierDefaults, secretKeys: [secretKey], pollMs: 1, timeoutMs: 4 };
  carriers = createCarriers(database.db, settings);
});
after(async () => {
  await database.drop();
});

type Schedule = {
  /** The number of steps after which each process dies. A last process survives. */
  lives: number[];
  /** The number of concurrent workers. */
  together: number;
  faults: Fault[];
};

const schedule: fc.Arbitrary<Schedule> = fc.record({
  lives: fc.array(fc.integer({ min: 0, max: 70 }), { minLength: 1, maxLength: 5 }),
  together: fc.integer({ min: 1, max: 3 }),
  faults: fc.array(
    fc.record({
      call: fc.constantFrom('list', 'find'),
      kind: fc.constantFrom('rate_limited', 'transient', 'timeout_after', 'torn'),
      times: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 3 },
  ),
});

test('wherever it is killed, an adoption goes on from there and takes everything over once', async () => {
  await fc.assert(fc.asyncProperty(schedule, adopt), fuzzing('adoptions'));
  assert.deepEqual((await check(database)).findings, []);
});

async function adopt({ lives, together, faults }: Schedule): Promise<void> {
  const { caller } = await createTenant(database.db, 'Test', 'test');
  for (const unique_id of ['acme', 'other'])
    await createOrganization(database.db, caller, { unique_id, name: 'A' });
  const account = await newCarrierAccount(database.db, caller);
  const numbers = Array.from({ length: pages * 100 }, uniqueNumber);
  const tagOf = (index: number) => ['acme', 'other', 'none'][index % 3]!;
  await own(
    database.db,
    account,
    numbers.map((phone_number, index) => ({ phone_number, tags: [tagOf(index)] })),
  );
  const known = numbers.filter((_, index) => tagOf(index) === 'acme').slice(0, here);
  await add(caller, known);
  await setFaults(database.db, account, faults);
  const rules = ['acme', 'other'].map(tag => ({ organization_id: tag, tag }));
  const where = await readRules(database.db, caller, { rules, map: [], default_country: 'US' });
  const input = { type: 'adopt' as const, dry_run: false, may_be_missing: null, ...where };
  const { id } = await startRun(database.db, caller, account, input);

  for (const steps of lives) {
    const processes = Array.from({ length: together }, () => liveFor(steps));
    await Promise.allSettled(
      processes.map(life => workOn(caller, id, killable(database, life).db, mortal(carriers, life))),
    );
    for (const life of processes) await life.end();
  }
  await workOn(caller, id, database.db, carriers);

  const { status, counts } = await getRun(database.db, caller, id);
  const wanted = numbers.filter((_, index) => tagOf(index) !== 'none');
  assert.deepEqual(
    [status, counts.listed, counts.adopted, counts.linked, counts.passed_over, counts.unmatched],
    ['done', numbers.length, wanted.length - here, here, 0, numbers.length - wanted.length],
  );
  const rows = await database.db
    .selectFrom('phone_numbers as n')
    .innerJoin('organizations as o', 'o.id', 'n.organization_id')
    .select(['n.phone_number', 'o.unique_id', 'n.carrier_account_id'])
    .where('n.tenant_id', '=', caller.tenantId)
    .execute();
  const expected = wanted.map(number => [number, tagOf(numbers.indexOf(number)), account]);
  assert.deepEqual(rows.map(row => Object.values(row)).sort(), expected.sort());
  // One revision created each organization, one adopted its numbers, and one added the numbers that acme had before.
  const revisions = await database.db
    .selectFrom('organizations')
    .select(['unique_id', 'revision'])
    .where('tenant_id', '=', caller.tenantId)
    .orderBy('unique_id')
    .execute();
  assert.deepEqual(
    revisions.map(({ revision }) => revision),
    [3, 2],
  );
  const rest = await database.db
    .selectFrom('carrier_stock')
    .select('run_id')
    .where('run_id', '=', id)
    .execute();
  assert.deepEqual(rest, []);
}

const add = (caller: Caller, numbers: string[]) =>
  addNumbers(database.db, caller, {
    organization_id: 'acme',
    phone_numbers: numbers.map(phone_number => ({ phone_number })),
    default_country: 'US',
  });

/** Advances the run until it has ended. Makes it due each time, even while another worker has the lease. */
async function workOn(caller: Caller, id: string, db: Db, theirs: Carriers): Promise<void> {
  for (;;) {
    if ((await getRun(database.db, caller, id)).finished_at !== null) return;
    await sql`update carrier_runs set next_at = '-infinity' where id = ${id} and finished_at is null`.execute(
      database.db,
    );
    await stepDueRuns(db, theirs, log);
  }
}
