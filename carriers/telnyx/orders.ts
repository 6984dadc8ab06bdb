import { verify } from '../answers.ts';
import type { Purchase } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import type { Client } from '../http.ts';
import { isReference } from '../reference.ts';
import { changeNumber, findNumber } from './numbers.ts';
import { OneOrder, type Order, Orders, SubOrder } from './wire.ts';

/** Telnyx takes an order and completes it later. The number exists only then, with an id of its own. */
export async function buy(
  client: Client,
  phoneNumber: string,
  reference: string,
  begin?: () => void,
): Promise<Purchase> {
  let order: Order;
  try {
    order = await placeOrder(client, phoneNumber, reference, begin);
  } catch (error) {
    // The number is taken, perhaps by ourselves, with a call whose answer was lost.
    const purchase = isTaken(error) && (await ownPurchase(client, phoneNumber, reference));
    if (purchase) return purchase;
    throw error;
  }
  await throwIfOver(client, order);
  // The order is placed. It stays so if its number cannot be looked up now.
  return purchaseOf(client, order, phoneNumber, reference).catch(() => pending(order));
}

/**
 * Looks for our reference among the orders and then among the account's numbers. Orders come first because they also
 * show pending and failed purchases.
 */
export async function findPurchase(
  client: Client,
  phoneNumber: string,
  reference: string,
): Promise<Purchase | undefined> {
  const order = await findOrder(client, phoneNumber, reference);
  if (order) {
    await throwIfOver(client, order);
    return purchaseOf(client, order, phoneNumber, reference);
  }
  const number = await findNumber(client, phoneNumber);
  return number?.reference === reference ? { state: 'owned', number } : undefined;
}

const pending = (order: Order): Purchase => ({ state: 'pending', order: order.id });

/** The API reference has the first one; the guides also name the other two. */
const failed = new Set(['failure', 'cancelled', 'deleted']);

async function placeOrder(
  client: Client,
  phoneNumber: string,
  reference: string,
  begin: (() => void) | undefined,
): Promise<Order> {
  const json = { phone_numbers: [{ phone_number: phoneNumber }], customer_reference: reference };
  const { data } = await client({ method: 'POST', path: '/number_orders', json, begin }, OneOrder);
  verify(data.phone_numbers[0] ?? {}, { phone_number: phoneNumber }, 'outcome_unknown');
  return data;
}

const isTaken = (error: unknown): boolean => error instanceof CarrierError && error.carrierCode === '85001';

/**
 * Our own purchase of a number that is taken; undefined if somebody else has it.
 *
 * @throws CarrierError `outcome_unknown` if the look-up fails: the number may be ours
 */
async function ownPurchase(
  client: Client,
  phoneNumber: string,
  reference: string,
): Promise<Purchase | undefined> {
  try {
    return await findPurchase(client, phoneNumber, reference);
  } catch (error) {
    if (error instanceof CarrierError && error.outcome === 'unavailable') return undefined;
    throw new CarrierError('outcome_unknown', 'Telnyx has sold the number. It did not say whether to us');
  }
}

/** Of several orders of the number under the reference, the one that succeeded, or else one that did not fail. */
async function findOrder(client: Client, phoneNumber: string, reference: string): Promise<Order | undefined> {
  const orders = await ordersWith(client, reference);
  const ours = orders.filter(order => order.phone_numbers.some(item => item.phone_number === phoneNumber));
  const other = orders.find(order => !ours.includes(order) && !failed.has(order.status));
  // A reference belongs to one purchase. It may have tried several numbers, but only one after another.
  if (ours.length === 0 && other)
    throw new CarrierError('transient', 'Telnyx has an order of another number under the reference');
  return (
    ours.find(order => order.status === 'success') ?? ours.find(order => !failed.has(order.status)) ?? ours[0]
  );
}

async function ordersWith(client: Client, reference: string): Promise<Order[]> {
  const orders: Order[] = [];
  for (let page = 1, pages = 1; page <= pages; page++) {
    const query = {
      'filter[customer_reference]': reference,
      'page[size]': '250',
      'page[number]': `${page}`,
    };
    const { data, meta } = await client({ method: 'GET', path: '/number_orders', query }, Orders);
    orders.push(...data.filter(order => order.customer_reference === reference));
    pages = meta.total_pages;
  }
  return orders;
}

/** @throws CarrierError `unavailable` or `needs_compliance` if the order will not be completed */
async function throwIfOver(client: Client, order: Order): Promise<void> {
  if (failed.has(order.status)) throw new CarrierError('unavailable', 'Telnyx could not complete the order');
  // It would wait for documents, and be completed when nobody expects it any more.
  if (order.status !== 'success' && order.requirements_met === false && (await withdraw(client, order)))
    throw new CarrierError('needs_compliance', 'Telnyx requires regulatory documents first');
}

/** @returns whether Telnyx has confirmed it; if not, the order is still pending */
async function withdraw(client: Client, order: Order): Promise<boolean> {
  const parts = order.sub_number_orders_ids ?? [];
  try {
    for (const id of parts)
      await client(
        { method: 'PATCH', path: `/sub_number_orders/${encodeURIComponent(id)}/cancel` },
        SubOrder,
      );
    return parts.length > 0;
  } catch {
    return false;
  }
}

async function purchaseOf(
  client: Client,
  order: Order,
  phoneNumber: string,
  reference: string,
): Promise<Purchase> {
  const number = order.status === 'success' ? await findNumber(client, phoneNumber) : undefined;
  // An order can be complete some time before its number is listed.
  if (!number) return pending(order);
  if (number.reference !== null && number.reference !== reference) throw otherReference(number.reference);
  if (number.reference === reference) return { state: 'owned', number };
  // Sets the reference so that lists show it too. It may fail, since the order has the reference in any case.
  const change = changeNumber(client, number.id, { customer_reference: reference });
  return { state: 'owned', number: await change.catch(() => ({ ...number, reference })) };
}

const otherReference = (reference: string): CarrierError =>
  isReference(reference)
    ? new CarrierError('unavailable', 'Telnyx has sold the number once more since, under another reference')
    : new CarrierError(
        'outcome_unknown',
        'Telnyx has completed the order, and somebody has given its number another reference. Give it that of the order',
      );
