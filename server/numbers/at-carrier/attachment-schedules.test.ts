import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type Carriers, carrierDefaults, createCarriers } from '../../accounts/open.ts';
import { check } from '../../check/check.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import {
  changeBook,
  newCarrierAccount,
  newCarrierNumbers,
  readBook,
  registerOrganization,
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
import { attachWhatIsDue, releaseWhatIsDue } from '../../testing/due-work.ts';
import { uniqueNumber } from '../../testing/factories.ts';
import { interrupted, play } from '../../testing/killing.ts';
import { fuzzing } from '../../testing/runs.ts';
import { resumeNumberAttachment } from './attachment.ts';
import { carryOutRelease } from './carrier-release.ts';
import { beginRelease } from './release.ts';

type Ask = 'go on' | 'resume' | 'release' | 'go on releasing';

/** How the sandbox treats each number: see its book.ts. */
const campaigns = ['campaign', 'pending-campaign', 'rejected-campaign'] as const;
const schedule = fc.record({
  campaign: fc.constantFrom(...campaigns),
  faults: faultsOf('find', 'find', 'attach', 'attach', 'attach', 'release'),
  processes: processesOf<Ask>(
    // One attachment takes about fifteen steps.
    18,
    ...(['go on', 'go on', 'go on', 'go on', 'go on', 'resume', 'resume'] as const),
    ...(['release', 'go on releasing'] as const),
  ),
});

let database: TestDatabase;
let carriers: Carriers;
let tenants: Map<string, Tenant>;
before(async () => {
  database = await createTestDatabase();
  const settings = { ...carrierDefaults, settleMs: 60_000, timeoutMs: 10, pollMs: 2 };
  carriers = createCarriers(database.db, settings);
  tenants = new Map();
  for (const campaign of campaigns) {
    const tenant = await newScheduleTenant(database.db, 0);
    await registerOrganization(database.db, tenant.caller, tenant.organization, campaign);
    tenants.set(campaign, tenant);
  }
});
after(async () => {
  const { findings } = await check(database);
  await database.drop();
  assert.deepEqual(findings, []);
});

test('whatever is killed or goes wrong, a number is in use only when it is attached, and stays pending for a reason', async () => {
  const property = fc.asyncProperty(schedule, async ({ campaign, faults, processes }) => {
    const tenant = tenants.get(campaign)!;
    const { caller, organization } = tenant;
    const account = await newCarrierAccount(database.db, caller);
    const phone_number = uniqueNumber();
    const bought = { pending: true };
    const [id] = await newCarrierNumbers(database.db, caller, organization, account, [phone_number], bought);
    await setFaults(database.db, account, faults);
    const assertTruth = async (settled: boolean) => {
      const here = await numberOf(id!);
      const [there] = (await readBook(database.db, account)).numbers;
      const story = JSON.stringify({ here, there });
      const attached = there?.attachment?.state === 'attached' && there.attachment.campaign === campaign;
      if (here.status === 'available') assert.ok(attached, story);
      if (here.status === 'released') assert.ok(there?.released, story);
      assert.ok(here.ready <= (here.status === 'pending' ? 0 : 1), story);
      if (!settled) return;
      assert.ok(['available', 'pending', 'released'].includes(here.status), story);
      assert.equal(there?.released, here.status === 'released', story);
      assert.deepEqual([here.attaching, here.leaving], [false, false], story);
      assert.equal(here.pending_reason !== null, here.status === 'pending', story);
      return here;
    };
    for (const { asks, steps } of processes) {
      const actions = asks.map(
        ask => (db: Db, carriers: Carriers) => obey(db, carriers, ask, tenant, phone_number),
      );
      const answers = await play(database, carriers, steps, actions);
      for (const answer of answers)
        if (answer instanceof Problem) assert.ok(expected.has(answer.code), answer.message);
      await assertTruth(false);
      await letTimePass(database.db);
    }
    await settle(account);
    const { pending_reason } = (await assertTruth(true))!;
    // The carrier may now accept what it refused before.
    if (pending_reason === null) return;
    await resumeNumberAttachment(database.db, caller, { phone_number, default_country: 'US' });
    await settle(account);
    const { status } = (await assertTruth(true))!;
    assert.equal(status, campaign === 'rejected-campaign' ? 'pending' : 'available');
  });
  await fc.assert(property, fuzzing('attachments'));
});

test('what has changed while the carrier was asked is not overruled by its answer', async () => {
  const { db } = database;
  const { caller, organization } = await newScheduleTenant(db, 0);
  await registerOrganization(db, caller, organization, 'rejected-campaign');
  const account = await newCarrierAccount(db, caller);
  const phone_number = uniqueNumber();
  const target = { phone_number, default_country: 'US' };
  const [id] = await newCarrierNumbers(db, caller, organization, account, [phone_number], { pending: true });
  const mended = interrupted(carriers, 'attach', async () => {
    await registerOrganization(db, caller, organization, 'campaign');
    await resumeNumberAttachment(db, caller, target);
  });
  assert.equal(await attachWhatIsDue(db, mended), 2, 'once in vain, and at once again');
  assert.deepEqual(await eventsOf(id!), ['number.ready']);

  const given = uniqueNumber();
  const [other] = await newCarrierNumbers(db, caller, organization, account, [given], { pending: true });
  const released = interrupted(carriers, 'attach', () =>
    beginRelease(db, caller, { ...target, phone_number: given }, carriers.settings.settleMs),
  );
  await attachWhatIsDue(db, released);
  const { status, leaving } = await numberOf(other!);
  assert.deepEqual([status, leaving], ['pending', true]);
  await settle(account);
  assert.equal((await numberOf(other!)).status, 'released');
});

async function eventsOf(id: string): Promise<string[]> {
  const { rows } = await database.pool.query(
    `select type from events where data->>'id' = $1 order by revision`,
    [id],
  );
  return rows.map(row => row.type);
}

/** The replies that a concurrent request may get. */
const expected = new Set(['carrier_failed', 'number_not_pending', 'number_leaving', 'number_not_found']);

async function obey(
  db: Db,
  carriers: Carriers,
  ask: Ask,
  { caller }: Tenant,
  phone_number: string,
): Promise<unknown> {
  const target = { phone_number, default_country: 'US' };
  switch (ask) {
    case 'go on':
      return attachWhatIsDue(db, carriers);
    case 'resume':
      return resumeNumberAttachment(db, caller, target);
    case 'go on releasing':
      return releaseWhatIsDue(db, carriers);
    case 'release': {
      const begun = await beginRelease(db, caller, target, carriers.settings.settleMs);
      return 'released_at' in begun ? begun : carryOutRelease(db, carriers, caller, target, begun, false);
    }
  }
}

/** A healthy server continues with a healthy carrier. */
async function settle(account: string): Promise<void> {
  await changeBook(database.db, account, book => {
    book.faults = [];
  });
  // Check pending attachments once more.
  for (let round = 0; round < 3; round++) {
    await letTimePass(database.db);
    await releaseWhatIsDue(database.db, carriers);
    await attachWhatIsDue(database.db, carriers);
  }
}

async function numberOf(id: string) {
  const { rows } = await database.pool.query(
    `select status, pending_reason, attach_due_at is not null as attaching, release_due_at is not null as leaving,
       (select count(*) from events e where e.tenant_id = n.tenant_id and e.organization_id = n.organization_id
         and e.type = 'number.ready' and e.data->>'id' = n.id::text) as ready
     from phone_numbers n where id = $1`,
    [id],
  );
  return rows[0] as {
    status: string;
    pending_reason: string | null;
    attaching: boolean;
    leaving: boolean;
    ready: number;
  };
}
