import type { CarrierNumber } from '../../../carriers/carrier.ts';
import { CarrierError } from '../../../carriers/errors.ts';
import type { Caller } from '../../access/caller.ts';
import type { Carriers } from '../../accounts/open.ts';
import type { Pile, Resolution } from '../../db/carrier-tables.ts';
import type { Db } from '../../db/database.ts';
import { invalid, Problem } from '../../errors.ts';
import { applyChanges, loadStates } from '../../numbers/life/changes.ts';
import { forget, type NumberState } from '../../numbers/life/rules.ts';
import { defaultCountry, readPhoneNumber } from '../../numbers/phone-number.ts';
import { type Revision, revise } from '../../revisions/revise.ts';
import { adoptNumbers, arrivalFrom, linkNumber } from '../adoption/take-over.ts';
import { assertListable, getRun, type Run } from '../runs.ts';
import { type Drift, getDrift, markResolved } from './drift.ts';

/** What is to be made of one number. */
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

/** One number of a run, and what the carrier says of it now. */
export type Case = { run: Run; drift: Drift; atCarrier: CarrierNumber | undefined };

/**
 * The carrier's side of it, before any transaction is open: asks whether it has the number now, for the run has asked a
 * while ago, and gives the number back where that is wanted.
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
  // What the carrier has, and we could not even read, can be resolved too.
  const drift = await getDrift(db, caller, run.id, typeof read === 'string' ? phone_number : read.e164);
  const { piles } = actionRules[action.action];
  if (!piles.includes(drift.pile))
    throw invalid(`action ${action.action} is for numbers that are ${piles}, and this one is ${drift.pile}`);
  if (run.finished_at === null) throw new Problem('run_running');
  if (drift.resolved_at !== null) throw new Problem('drift_resolved');
  if (action.action === 'ignore') return { run, drift, atCarrier: undefined };
  await assertListable(db, caller, run.carrier_account_id);
  const carrier = await carriers.open(db, caller.tenantId, run.carrier_account_id);
  const atCarrier = await askCarrier(carrier.findNumber(drift.phone_number));
  if (action.action === 'release_at_carrier' && atCarrier) {
    await assertUnowned(db, caller, run, drift.phone_number);
    await askCarrier(carrier.release(atCarrier.id));
  }
  return { run, drift, atCarrier };
}

/** @throws Problem `carrier_failed` with the carrier's own reason */
async function askCarrier<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CarrierError) throw new Problem('carrier_failed', undefined, error.message);
    throw error;
  }
}

/** Our side of it. */
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
    case 'ignore':
    case 'release_at_carrier':
      await mark(db);
      break;
    case 'adopt':
      await revise(db, caller, { unique_id: action.organization_id }, async revision => {
        await mark(revision.tx);
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
          throw new Problem('drift_resolved', 'The number is not of this account any more');
        await applyChanges(revision, caller, [{ number, step: forget(number) }]);
      });
  }
  return getDrift(db, caller, run.id, phone_number);
}

/** @throws Problem `drift_resolved` where the carrier has it no more */
function requireAtCarrier(run: Run, found: CarrierNumber | undefined) {
  if (!found) throw new Problem('drift_resolved', 'The carrier does not have the number any more');
  return { ...found, account_id: run.carrier_account_id, carrier_number_id: found.id };
}

/** The live number, under the lock of the organization that has it. */
async function changeLive(
  db: Db,
  caller: Caller,
  phoneNumber: string,
  change: (revision: Revision, number: NumberState) => Promise<void>,
): Promise<void> {
  const gone = new Problem('drift_resolved', 'The number is not here any more');
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

/** Makes sure that no organization has the number, and that no order may be buying it. */
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
