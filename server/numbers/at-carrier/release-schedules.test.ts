import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Caller } from '../../access/caller.ts';
import { type Carriers, carrierDefaults, createCarriers } from '../../accounts/open.ts';
import { check } from '../../check/check.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import {
  changeBook,
  newCarrierAccount,
  newCarrierNumbers,
  readBook,
  setFaults,
} from '../../testing/carrier-numbers.ts';
import {
  faultsOf,
  letTimePass,
  newScheduleTenant,
  processesOf,
  type Tenant,
} from '../../testing/carrier-schedules.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { releaseWhatIsDue } from '../../testing/due-work.ts';
import { uniqueNumber } from '../../testing/factories.ts';
import { interrupted, play, sleepy } from '../../testing/killing.ts';
import { fuzzing } from '../../testing/runs.ts';
import { fromNow, leaseDue, unlessLeaseLost } from '../../work/leases.ts';
import { assignNumber } from '../life/assignments.ts';
import { changeInBulk } from '../life/bulk/bulk.ts';
import { endAllDue } from '../life/clock.ts';
import { advanceRelease, carryOutRelease } from './carrier-release.ts';
import { releases } from './leased-numbers.ts';
import { beginRelease, type Intended, type Released } from './release.ts';

type Ask = 'release' | 'release in bulk' | 'assign' | 'go on' | 'end what is due';

/** One release takes about twenty steps. */
const stepsOfOne = 24;
const schedule = fc.record({
  undo: fc.boolean(),
  faults: faultsOf('release', 'release', 'release', 'find'),
  processes: processesOf<Ask>(
    stepsOfOne,
    ...(['release', 'release', 'release', 'go on', 'go on'] as const),
    ...(['release in bulk', 'assign', 'end what is due'] as const),
  ),
});

let database: TestDatabase;
let carriers: Carriers;
let final: Tenant;
let undoable: Tenant;
before(async () => {
  database = await createTestDatabase();
  const settings = { ...carrierDefaults, settleMs: 60_000, timeoutMs: 10, pollMs: 2 };
  carriers = createCarriers(database.db, settings);
  [final, undoable] = (await Promise.all(
    [0, 3600].map(seconds => newScheduleTenant(database.db, seconds)),
  )) as [Tenant, Tenant];
});
after(async () => {
  const { findings } = await check(database);
  await database.drop();
  assert.deepEqual(findings, []);
});

test('whatever is killed or goes wrong, in the end a number is at the carrier and here, or nowhere', async () => {
  const property = fc.asyncProperty(schedule, async ({ undo, faults, processes }) => {
    const { caller, organization, user } = undo ? undoable : final;
    const account = await newCarrierAccount(database.db, caller);
    const phone_number = uniqueNumber();
    const [id] = await newCarrierNumbers(database.db, caller, organization, account, [phone_number]);
    await setFaults(database.db, account, faults);
    const heard: (string | undefined)[] = [];
    for (const { asks, steps } of processes) {
      const answers = await play(
        database,
        carriers,
        steps,
        asks.map(ask => (db, carriers) => obey(db, carriers, ask, { caller, user, phone_number })),
      );
      heard.push(...answers.map(answer => (answer instanceof Problem ? answer.message : answer)));
      await letTimePass(database.db);
    }
    await settle(account);

    const row = await numberOf(id!);
    const book = await readBook(database.db, account);
    const released = row.released_at !== null;
    const story = JSON.stringify({ heard, row });
    assert.deepEqual(
      book.numbers.map(number => number.released),
      [released],
      story,
    );
    assert.deepEqual([row.leaving, row.status === 'releasing'], [false, false], story);
    assert.equal(row.charges, released ? 1 : 0, story);
    if (heard.includes('released')) assert.ok(released, story);
    const refused = heard.every(words => !words || words === 'done' || words.includes('nothing was changed'));
    const certain = processes.every(
      ({ asks, steps }) => steps > stepsOfOne && !asks.includes('release in bulk'),
    );
    if (refused && certain && !undo) assert.ok(!released, story);
  });
  await fc.assert(property, fuzzing('releases'));
});

test('a refusal that comes when the release is in other hands by now does not drop their intention', async () => {
  const { caller, organization } = final;
  const account = await newCarrierAccount(database.db, caller);
  const phone_number = uniqueNumber();
  const [id] = await newCarrierNumbers(database.db, caller, organization, account, [phone_number]);
  await setFaults(database.db, account, [{ call: 'release', kind: 'transient', times: 1 }]);
  const target = { phone_number, default_country: 'US' };
  const begin = () => beginRelease(database.db, caller, target, carriers.settings.settleMs);
  const late = interrupted(carriers, 'release', async () => {
    await letTimePass(database.db);
    await begin();
  });
  const begun = (await begin()) as Intended;
  await assert.rejects(carryOutRelease(database.db, late, caller, target, begun, false), Problem);
  assert.equal((await numberOf(id!)).leaving, true);
  await settle(account);
  assert.equal((await numberOf(id!)).status, 'released');
});

test('a process that wakes up when the release was refused, and the number given to a user, releases nothing', async () => {
  const { db } = database;
  const { caller, organization, user } = final;
  const account = await newCarrierAccount(db, caller);
  const phone_number = uniqueNumber();
  const target = { phone_number, default_country: 'US' };
  const [id] = await newCarrierNumbers(db, caller, organization, account, [phone_number]);
  await setFaults(db, account, [{ call: 'release', kind: 'needs_compliance', times: 1 }]);
  await beginRelease(db, caller, target, 0);
  const [number] = await leaseDue(db, releases, fromNow(1), { free: 1 });
  // It has read the credentials and has not called the carrier yet.
  const asleep = sleepy(
    db,
    row => 'credentials' in row,
    async () => {
      while ((await numberOf(id!)).leaving) await releaseWhatIsDue(db, carriers);
      await assignNumber(db, caller, target, user.unique_id);
    },
  );
  await unlessLeaseLost(advanceRelease(asleep, carriers, number!));
  assert.equal((await numberOf(id!)).status, 'assigned');
  const [there] = (await readBook(db, account)).numbers;
  assert.equal(there!.released, false);
});

type Given = { caller: Caller; user: Tenant['user']; phone_number: string };

async function obey(
  db: Db,
  carriers: Carriers,
  ask: Ask,
  { caller, user, phone_number }: Given,
): Promise<string> {
  const target = { phone_number, default_country: 'US' };
  switch (ask) {
    case 'release': {
      const begun = await beginRelease(db, caller, target, carriers.settings.settleMs);
      const done: Released =
        'released_at' in begun ? begun : await carryOutRelease(db, carriers, caller, target, begun, false);
      return done.can_be_undone ? 'to be released' : 'released';
    }
    case 'release in bulk':
      await changeInBulk(db, caller, {
        items: [{ action: 'release', phone_number }],
        atomic: false,
        dry_run: false,
        default_country: 'US',
      });
      return 'to be released';
    case 'assign':
      await assignNumber(db, caller, target, user.unique_id);
      return 'done';
    case 'go on':
      await releaseWhatIsDue(db, carriers);
      return 'done';
    case 'end what is due':
      await endAllDue(db);
      return 'done';
  }
}

/** A healthy server continues with a healthy carrier. */
async function settle(account: string): Promise<void> {
  await changeBook(database.db, account, book => {
    book.faults = [];
  });
  await endAllDue(database.db);
  await letTimePass(database.db);
  await releaseWhatIsDue(database.db, carriers);
}

async function numberOf(id: string) {
  const { rows } = await database.pool.query(
    `select status, released_at, release_due_at is not null as leaving,
       (select count(*) from charges c where c.phone_number_id = n.id and c.type = 'number.released') as charges
     from phone_numbers n where id = $1`,
    [id],
  );
  return rows[0] as { status: string; released_at: Date | null; leaving: boolean; charges: number };
}
