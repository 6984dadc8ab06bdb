import { randomUUIDv7 } from 'node:crypto';
import type { CarrierNumber } from '../../carriers/carrier.ts';
import type { Caller } from '../access/caller.ts';
import { kindOf } from '../accounts/open.ts';
import { charge } from '../charges/charges.ts';
import type { Db } from '../db/database.ts';
import { Problem, type ProblemCode } from '../errors.ts';
import { type Arrival, arrivalOf, insertNumbers } from '../numbers/life/arrivals.ts';
import { applyChanges, loadStates } from '../numbers/life/changes.ts';
import { needsAttachment } from '../numbers/life/registration.ts';
import { link } from '../numbers/life/rules.ts';
import { takenNames } from '../numbers/life/unique.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';
import type { Editable, EditableName } from '../numbers/state.ts';
import { type Revision, revise } from '../revisions/revise.ts';
import { buyerOf, type LeasedOrder, writeOrder } from './hold.ts';

/**
 * Adds the purchased number, its fee and its assignment, and closes the order, in one revision. The number is already
 * paid for, so it is added even if the organization was suspended or the user deactivated since the order was placed.
 */
export async function completePurchase(
  db: Db,
  order: LeasedOrder,
  bought: CarrierNumber,
): Promise<LeasedOrder> {
  const caller = buyerOf(order);
  try {
    return await revise(db, caller, { id: order.organization_id }, async revision => {
      const id =
        (await linkExisting(revision, caller, order, bought)) ??
        (await addNumber(revision, caller, order, bought));
      await charge(revision, caller, {
        type: 'number.purchase_fee',
        phone_number_id: id,
        phone_number: bought.phone_number,
        order_id: order.id,
        amount: order.purchase_fee,
        period_start: revision.at,
      });
      revision.record('order.bought', { id: order.id, phone_number: bought.phone_number });
      return writeOrder(revision.tx, order, {
        status: 'bought',
        failure_code: null,
        phone_number_id: id,
        finished_at: revision.at,
        next_at: null,
      });
    });
  } catch (error) {
    // A concurrent change took one of the order's unique values. The retry drops that value.
    if (error instanceof Problem && error.code === 'value_taken') return completePurchase(db, order, bought);
    // Another organization has added the number by hand meanwhile. The next reconciliation run reports it as drift.
    if (!(error instanceof Problem) || error.code !== 'number_taken') throw error;
    const text = `Phone number ${bought.phone_number} was added to another organization during the purchase`;
    return failOrder(db, order, error.code, text);
  }
}

/** Closes an order without a purchase. */
export function failOrder(
  db: Db,
  order: LeasedOrder,
  code: ProblemCode,
  failure: string,
): Promise<LeasedOrder> {
  return revise(db, buyerOf(order), { id: order.organization_id }, async ({ tx, at, record }) => {
    record('order.failed', { id: order.id, code, failure });
    return writeOrder(tx, order, {
      status: 'failed',
      failure_code: code,
      failure,
      finished_at: at,
      next_at: null,
    });
  });
}

async function addNumber(
  revision: Revision,
  caller: Caller,
  order: LeasedOrder,
  bought: CarrierNumber,
): Promise<string> {
  const number = readPhoneNumber(bought.phone_number, order.country);
  if (typeof number === 'string') throw new Error(`The order has an invalid phone number: it ${number}`);
  const arrival: Arrival = {
    id: randomUUIDv7(),
    number,
    values: await freeValues(revision, caller, order),
    user: await activeUserOf(revision, caller, order),
    carrier: { account_id: order.carrier_account_id, number_id: bought.id },
    pending: needsAttachment(revision.organization, kindOf(await carrierOf(revision, order)), number.e164),
  };
  await insertNumbers(revision, caller, [arrival], { hasRoom: true });
  revision.record('number.bought', { ...arrivalOf(arrival), order_id: order.id });
  return arrival.id;
}

/** Links the record of a number that was added by hand during the purchase. */
async function linkExisting(revision: Revision, caller: Caller, order: LeasedOrder, bought: CarrierNumber) {
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
  const linked = link({ account_id: order.carrier_account_id, number_id: bought.id });
  await applyChanges(revision, caller, [{ number: number!, step: linked }]);
  await revision.tx
    .updateTable('phone_numbers')
    .set({ next_fee_at: revision.at })
    .where('tenant_id', '=', caller.tenantId)
    .where('id', '=', live.id)
    .where('next_fee_at', 'is', null)
    .execute();
  return live.id;
}

/** Drops unique values that another number has taken since. The purchase cannot fail for them: it is already paid. */
async function freeValues({ tx }: Revision, caller: Caller, order: LeasedOrder): Promise<Partial<Editable>> {
  const taken = await takenNames(tx, caller, order.fields);
  const free = Object.entries(order.fields).filter(([name]) => !taken.includes(name as EditableName));
  return Object.fromEntries(free);
}

async function activeUserOf({ tx }: Revision, caller: Caller, order: LeasedOrder) {
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

async function carrierOf({ tx }: Revision, order: LeasedOrder): Promise<string> {
  const account = await tx
    .selectFrom('carrier_accounts')
    .select('carrier')
    .where('tenant_id', '=', order.tenant_id)
    .where('id', '=', order.carrier_account_id)
    .executeTakeFirstOrThrow();
  return account.carrier;
}
