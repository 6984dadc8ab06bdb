import { randomUUIDv7 } from 'node:crypto';
import type { CarrierNumber } from '../../carriers/carrier.ts';
import type { Caller } from '../access/caller.ts';
import { kindOf } from '../accounts/open.ts';
import { charge } from '../charges/charges.ts';
import type { Db } from '../db/database.ts';
import { Problem, type ProblemCode } from '../errors.ts';
import { needsAttachment } from '../numbers/at-carrier/attachment.ts';
import { type Arrival, arrivalOf, insertNumbers } from '../numbers/life/arrivals.ts';
import { applyChanges, loadStates } from '../numbers/life/changes.ts';
import { link } from '../numbers/life/rules.ts';
import { takenNames } from '../numbers/life/unique.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';
import type { Editable, EditableName } from '../numbers/state.ts';
import { type Revision, revise } from '../revisions/revise.ts';
import { buyerOf, type HeldOrder, writeHeld } from './hold.ts';

/**
 * Makes a number that the carrier has sold one of ours: the number, its fee, its assignment and the end of the order,
 * in one revision. The number is paid for by now, so nothing of what has changed since the order was placed (the
 * organization suspended, the user gone) keeps it out.
 */
export async function takeOver(db: Db, order: HeldOrder, bought: CarrierNumber): Promise<HeldOrder> {
  const caller = buyerOf(order);
  try {
    return await revise(db, caller, { id: order.organization_id }, async revision => {
      const id =
        (await linkKnown(revision, caller, order, bought)) ?? (await add(revision, caller, order, bought));
      await charge(revision, caller, {
        type: 'number.purchase_fee',
        phone_number_id: id,
        phone_number: bought.phone_number,
        order_id: order.id,
        amount: order.purchase_fee,
        period_start: revision.at,
      });
      revision.record('order.bought', { id: order.id, phone_number: bought.phone_number });
      return writeHeld(revision.tx, order, {
        status: 'bought',
        failure_code: null,
        phone_number_id: id,
        finished_at: revision.at,
        next_at: null,
      });
    });
  } catch (error) {
    // Another number was given a value of the order's while it was written: the next look sees that.
    if (error instanceof Problem && error.code === 'value_taken') return takeOver(db, order, bought);
    // Another organization of the tenant was given the number by hand meanwhile. The comparison of the books shows it.
    if (!(error instanceof Problem) || error.code !== 'number_taken') throw error;
    const text = `Phone number ${bought.phone_number} was added to another organization while it was being bought`;
    return fail(db, order, error.code, text);
  }
}

/** Ends an order that has bought nothing. */
export function fail(db: Db, order: HeldOrder, code: ProblemCode, failure: string): Promise<HeldOrder> {
  return revise(db, buyerOf(order), { id: order.organization_id }, async ({ tx, at, record }) => {
    record('order.failed', { id: order.id, code, failure });
    return writeHeld(tx, order, {
      status: 'failed',
      failure_code: code,
      failure,
      finished_at: at,
      next_at: null,
    });
  });
}

async function add(
  revision: Revision,
  caller: Caller,
  order: HeldOrder,
  bought: CarrierNumber,
): Promise<string> {
  const number = readPhoneNumber(bought.phone_number, order.country);
  if (typeof number === 'string') throw new Error(`The order asked for a number that is none: it ${number}`);
  const arrival: Arrival = {
    id: randomUUIDv7(),
    number,
    values: await freeValues(revision, caller, order),
    user: await userOf(revision, caller, order),
    carrier: { account_id: order.carrier_account_id, number_id: bought.id },
    pending: needsAttachment(revision.organization, kindOf(await carrierOf(revision, order))),
  };
  await insertNumbers(revision, caller, [arrival]);
  revision.record('number.bought', { ...arrivalOf(arrival), order_id: order.id });
  return arrival.id;
}

/** The number was brought in by hand while it was being bought: then that is its record. */
async function linkKnown(revision: Revision, caller: Caller, order: HeldOrder, bought: CarrierNumber) {
  const live = await revision.tx
    .selectFrom('phone_numbers')
    .select(['id', 'organization_id'])
    .where('tenant_id', '=', caller.tenantId)
    .where('phone_number', '=', bought.phone_number)
    .where('released_at', 'is', null)
    .executeTakeFirst();
  if (!live) return undefined;
  if (live.organization_id !== order.organization_id) throw new Problem('number_taken');
  const [number] = await loadStates(revision, caller, [live.id]);
  const step = link({ account_id: order.carrier_account_id, number_id: bought.id });
  await applyChanges(revision, caller, [{ number: number!, step }]);
  await revision.tx
    .updateTable('phone_numbers')
    .set({ next_fee_at: revision.at })
    .where('tenant_id', '=', caller.tenantId)
    .where('id', '=', live.id)
    .where('next_fee_at', 'is', null)
    .execute();
  return live.id;
}

/** What the order says of the number, without what another number has been given since: this one is paid for. */
async function freeValues({ tx }: Revision, caller: Caller, order: HeldOrder): Promise<Partial<Editable>> {
  const taken = await takenNames(tx, caller, order.fields);
  const free = Object.entries(order.fields).filter(([name]) => !taken.includes(name as EditableName));
  return Object.fromEntries(free);
}

async function userOf({ tx }: Revision, caller: Caller, order: HeldOrder) {
  if (order.user_id === null) return undefined;
  return tx
    .selectFrom('users')
    .select(['id', 'unique_id'])
    .where('tenant_id', '=', caller.tenantId)
    .where('organization_id', '=', order.organization_id)
    .where('id', '=', order.user_id)
    .where('status', '=', 'active')
    .executeTakeFirst();
}

async function carrierOf({ tx }: Revision, order: HeldOrder): Promise<string> {
  const account = await tx
    .selectFrom('carrier_accounts')
    .select('carrier')
    .where('tenant_id', '=', order.tenant_id)
    .where('id', '=', order.carrier_account_id)
    .executeTakeFirstOrThrow();
  return account.carrier;
}
