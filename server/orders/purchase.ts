import { setTimeout as sleep } from 'node:timers/promises';
import type { Offer } from '../../carriers/carrier.ts';
import { CarrierError } from '../../carriers/errors.ts';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import { Problem, type ProblemCode } from '../errors.ts';
import { type PhoneNumber, readPhoneNumber } from '../numbers/phone-number.ts';
import { type LeasedOrder, readPlaced, type Shop } from './hold.ts';
import { getOrder, isOpen, type OrderRow } from './orders.ts';
import { type Quote, quote } from './place.ts';
import { pursue } from './pursue.ts';
import { noneForSaleText, type Wanted, wishesOf } from './wanted.ts';
import type { OrderWork } from './work.ts';

const pollMs = 100;

/**
 * Carries out the order if this request placed it. Otherwise waits for the worker that has it. After `patienceMs` the
 * order goes on without its caller.
 * @param placed whether this request placed the order
 * @returns the order, which is still open if its outcome is unknown by then
 */
export async function awaitOutcome(
  shop: Shop,
  work: OrderWork,
  caller: Caller,
  id: string,
  placed: boolean,
): Promise<OrderRow> {
  const until = Date.now() + shop.carriers.settings.patienceMs;
  const held = placed && (await readPlaced(shop.db, caller.tenantId, id));
  if (held) await pursueFor(shop, work, held, until - Date.now());
  for (;;) {
    const order = await getOrder(shop.db, caller, id);
    if (!isOpen(order) || Date.now() >= until) return order;
    await sleep(pollMs);
  }
}

/** Pursues the order. If that takes longer than patience lasts, `work` takes the pursuit over. */
async function pursueFor(shop: Shop, work: OrderWork, order: LeasedOrder, patienceMs: number): Promise<void> {
  const ended = new AbortController();
  const pursuit = pursue(shop, order).finally(() => ended.abort());
  const patience = sleep(Math.max(patienceMs, 0), 'over' as const, ended).catch(() => 'not needed' as const);
  // A pursuit that fails meanwhile is reported by one of the two below.
  pursuit.catch(() => {});
  if ((await patience) === 'over') work.goOn(pursuit, order.id);
  else await pursuit;
}

/** The error for an order that ended without a purchase. A replay gets the same error. */
export function failureOf({ status, failure_code, failure }: OrderRow): Problem {
  if (status === 'cancelled') return new Problem('order_finished', 'The order is cancelled');
  return new Problem(failure_code as ProblemCode, failure ?? undefined);
}

type Offered = {
  phone_number: string;
  pretty_phone_number: string;
  locality: string | null;
  region: string | null;
};

/**
 * Searches the numbers for sale at the organization's carrier account, one area code after the other.
 * @param count how many numbers the organization must be allowed to buy
 */
export async function searchNumbers(
  { db, carriers }: Shop,
  caller: Caller,
  organizationId: string,
  wanted: Wanted,
  limit: number,
  count = 0,
): Promise<{ numbers: Offered[]; price: Quote }> {
  const price = await quote(db, caller, organizationId, count);
  const carrier = await carriers.open(db, caller.tenantId, price.account_id);
  const offers: Offer[] = [];
  for (const wish of wishesOf(wanted)) {
    if (offers.length >= limit) break;
    const found = await carrier.search({ ...wish, limit: limit - offers.length }).catch(error => {
      throw error instanceof CarrierError ? new Problem('carrier_failed', error.message) : error;
    });
    offers.push(...found);
  }
  const numbers = offers.flatMap(({ phone_number, locality, region }) => {
    const number = readPhoneNumber(phone_number, wanted.country);
    if (typeof number === 'string') return [];
    return [{ phone_number: number.e164, pretty_phone_number: number.pretty, locality, region }];
  });
  return { numbers, price };
}

/** Returns the number and the price that a purchase would get now. Does not reserve the number. */
export async function previewPurchase(shop: Shop, caller: Caller, organizationId: string, wanted: Wanted) {
  const { numbers, price } = await searchNumbers(shop, caller, organizationId, wanted, 1, 1);
  const first = numbers[0];
  if (!first) throw new Problem('none_for_sale', noneForSaleText(wanted));
  const { phone_number, pretty_phone_number } = first;
  return { number: { phone_number, pretty_phone_number }, price };
}

/** The number and its assignee at the time of purchase, so a replay ignores later changes. */
export async function purchaseOf(db: Db, order: OrderRow) {
  const number = readPhoneNumber(order.phone_number!, order.country) as PhoneNumber;
  const holder = await db
    .selectFrom('assignments as a')
    .innerJoin('users as u', join =>
      join
        .onRef('u.tenant_id', '=', 'a.tenant_id')
        .onRef('u.organization_id', '=', 'a.organization_id')
        .onRef('u.id', '=', 'a.user_id'),
    )
    .select('u.unique_id')
    .where('a.tenant_id', '=', order.tenant_id)
    .where('a.phone_number_id', '=', order.phone_number_id!)
    .where('a.assigned_at', '=', order.finished_at!)
    .executeTakeFirst();
  return {
    phone_number: number.e164,
    phone_id: order.phone_number_id,
    pretty_phone_number: number.pretty,
    assigned_to: holder?.unique_id ?? null,
  };
}
