import type { CarrierNumber } from '../../../carriers/carrier.ts';
import { CarrierError } from '../../../carriers/errors.ts';
import type { Caller } from '../../access/caller.ts';
import type { Carriers } from '../../accounts/open.ts';
import type { Pile, Resolution } from '../../db/carrier-tables.ts';
import { type Db, type Tx, transact } from '../../db/database.ts';
import { invalid, Problem } from '../../errors.ts';
import { applyChanges, loadStates } from '../../numbers/life/changes.ts';
import { forget, type NumberState } from '../../numbers/life/rules.ts';
import { defaultCountry, readPhoneNumber } from '../../numbers/phone-number.ts';
import { type Revision, revise } from '../../revisions/revise.ts';
import { assertLeased, LeaseLost } from '../../work/leases.ts';
import { adoptNumbers, arrivalFrom, linkNumber } from '../adoption/take-over.ts';
import { assertListable, getRun, type Run } from '../runs.ts';
import { type Drift, getDrift, markResolved } from './drift.ts';
import { claimRelease, dropRelease, readReleasing } from './releasing.ts';

export type Action =
  | { action: 'adopt'; organization_id: string }
  | { action: 'link' | 'forget' | 'ignore' }
  | { action: 'release_at_carrier'; confirm: true };

const actionRules: { [action in Action['action']]: { piles: Pile[]; resolution: Resolution } } = {
  adopt: { piles: ['not_here'], resolution: 'adopted' },
  release_at_carrier: { piles: ['not_here'], resolution: 'released_at_carrier' },
  link: { piles: ['different'], resolution: 'linked' },
  forget: { piles: ['not_there'], resolution: 'forgotten' },
  ignore: { piles: ['not_here', 'not_there', 'different'], resolution: 'ignored' },
};

/** The drift of one number, with the carrier's current record of it. */
export type Case = { run: Run; drift: Drift; atCarrier: CarrierNumber | undefined };

/**
 * Makes the carrier calls of a resolution, outside any transaction. Looks the number up again, because the run may be
 * old, and releases it at the carrier for `release_at_carrier`: under a lease, so that nobody adopts it meanwhile. If
 * the outcome is unknown the lease stays until it runs out, and only another release is possible.
 */
export async function openCase(
  db: Db,
  carriers: Carriers,
  caller: Caller,
  { run_id, phone_number }: { run_id: string; phone_number: string },
  action: Action,
): Promise<Case> {
  const run = await getRun(db, caller, run_id);
  const read = readPhoneNumber(phone_number, defaultCountry);
  // A number that cannot be parsed is stored as the carrier wrote it, and can be resolved too.
  const drift = await getDrift(db, caller, run.id, typeof read === 'string' ? phone_number : read.e164);
  const { piles } = actionRules[action.action];
  if (!piles.includes(drift.pile))
    throw invalid(
      `action ${action.action} requires a number that is ${piles.join(' or ')}, and this one is ${drift.pile}`,
    );
  if (run.finished_at === null) throw new Problem('run_running');
  if (drift.resolved_at !== null) throw new Problem('drift_resolved');
  if (action.action === 'ignore') return { run, drift, atCarrier: undefined };
  await assertListable(db, caller, run.carrier_account_id);
  const carrier = await carriers.open(db, caller.tenantId, run.carrier_account_id);
  if (action.action !== 'release_at_carrier')
    return { run, drift, atCarrier: await askCarrier(carrier.findNumber(drift.phone_number)) };
  const lease = await claimRelease(db, caller, run, drift.phone_number, carriers.settings.settleMs, tx =>
    assertUnowned(tx, caller, run, drift.phone_number),
  );
  try {
    const atCarrier = await carrier.findNumber(drift.phone_number);
    if (atCarrier) {
      assertLeased(lease);
      await carrier.release(atCarrier.id);
    }
    return { run, drift, atCarrier };
  } catch (error) {
    const nothing = error instanceof LeaseLost || (error instanceof CarrierError && !isUnclear(error));
    if (nothing) await dropRelease(db, caller, { run_id: run.id, phone_number: drift.phone_number });
    if (error instanceof LeaseLost)
      throw new Problem('carrier_failed', undefined, 'The look-up took too long, so nothing was released');
    return askCarrier(Promise.reject(error));
  }
}

const isUnclear = ({ outcome }: CarrierError): boolean => outcome === 'outcome_unknown';

/** @throws Problem `carrier_failed` with the carrier's own reason */
async function askCarrier<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CarrierError) throw new Problem('carrier_failed', undefined, error.message);
    throw error;
  }
}

/** Applies the resolution to our records. */
export async function resolveDrift(
  db: Db,
  caller: Caller,
  { run, drift, atCarrier }: Case,
  action: Action,
): Promise<Drift> {
  const { phone_number } = drift;
  const key = { run_id: run.id, phone_number };
  const mark = (tx: Db) => markResolved(tx, caller, key, actionRules[action.action].resolution);
  switch (action.action) {
    case 'release_at_carrier':
      await mark(db);
      break;
    case 'ignore':
      await transact(db, async tx => {
        await mark(tx);
        await assertNotReleasing(tx, run, phone_number);
      });
      break;
    case 'adopt':
      await revise(db, caller, { unique_id: action.organization_id }, async revision => {
        await mark(revision.tx);
        await assertNotReleasing(revision.tx, run, phone_number);
        await assertUnowned(revision.tx, caller, run, phone_number);
        const arrival = arrivalFrom(requireAtCarrier(run, atCarrier));
        await adoptNumbers(revision, caller, run.carrier_account_id, { adopted: [arrival], linked: [] });
      });
      break;
    case 'link':
      await changeLive(db, caller, phone_number, async (revision, number) => {
        await mark(revision.tx);
        const { account_id, carrier_number_id } = requireAtCarrier(run, atCarrier);
        await linkNumber(revision, caller, { number, carrier: { account_id, number_id: carrier_number_id } });
      });
      break;
    case 'forget':
      if (atCarrier) throw new Problem('drift_resolved', 'The carrier has the number');
      await changeLive(db, caller, phone_number, async (revision, number) => {
        await mark(revision.tx);
        if (number.carrier_account_id !== run.carrier_account_id)
          throw new Problem('drift_resolved', 'The number no longer belongs to this account');
        await applyChanges(revision, caller, [{ number, step: forget(number) }]);
      });
  }
  return getDrift(db, caller, run.id, phone_number);
}

/** @throws Problem `number_leaving` if the carrier may be taking the number back */
async function assertNotReleasing(tx: Tx, run: Run, phoneNumber: string): Promise<void> {
  if ((await readReleasing(tx, run, [phoneNumber])).size > 0) throw new Problem('number_leaving');
}

/** @throws Problem `drift_resolved` if the carrier no longer has the number */
function requireAtCarrier(run: Run, found: CarrierNumber | undefined) {
  if (!found) throw new Problem('drift_resolved', 'The carrier no longer has the number');
  return { ...found, account_id: run.carrier_account_id, carrier_number_id: found.id };
}

/** Changes the live number under its organization's lock. */
async function changeLive(
  db: Db,
  caller: Caller,
  phoneNumber: string,
  change: (revision: Revision, number: NumberState) => Promise<void>,
): Promise<void> {
  const gone = new Problem('drift_resolved', 'The number was released here');
  const found = await findLive(db, caller, phoneNumber);
  if (!found) throw gone;
  await revise(db, caller, { id: found.organization_id }, async revision => {
    const [number] = await loadStates(revision, caller, [found.id]);
    if (!number) throw gone;
    await change(revision, number);
  });
}

const findLive = (db: Db, caller: Caller, phoneNumber: string) =>
  db
    .selectFrom('phone_numbers')
    .select(['id', 'organization_id'])
    .where('tenant_id', '=', caller.tenantId)
    .where('phone_number', '=', phoneNumber)
    .where('released_at', 'is', null)
    .executeTakeFirst();

/** Checks that no organization has the number and no order may be buying it. */
async function assertUnowned(db: Db, caller: Caller, run: Run, phoneNumber: string): Promise<void> {
  if (await findLive(db, caller, phoneNumber)) throw new Problem('number_taken');
  const order = await db
    .selectFrom('orders')
    .select('id')
    .where('tenant_id', '=', caller.tenantId)
    .where('carrier_account_id', '=', run.carrier_account_id)
    .where('phone_number', '=', phoneNumber)
    .where('status', 'in', ['buying', 'settling'])
    .executeTakeFirst();
  if (order) throw new Problem('order_under_way', 'An order may be buying the number');
}
