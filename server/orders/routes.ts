import { randomUUIDv7 } from 'node:crypto';
import type { Static } from '../../schema/schema.ts';
import { invalid } from '../errors.ts';
import { type Changing, changeOnce, sendReply } from '../http/changing.ts';
import { type App, operation } from '../http/operation.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';
import { readEdit, uniqueNames } from '../numbers/state.ts';
import type { Job } from '../work/jobs.ts';
import type { Shop } from './hold.ts';
import { cancelOrder, countBulk, getOrder, isOpen, listOrders } from './orders.ts';
import { placeOrders, quote } from './place.ts';
import { awaitOutcome, failureOf, previewPurchase, purchaseOf, searchNumbers } from './purchase.ts';
import { holdMs } from './pursue.ts';
import {
  BulkPrice,
  BulkPurchaseBody,
  BulkPurchased,
  numbersPerBulk,
  OneOrder,
  OrderParams,
  OrdersBody,
  OrdersQuery,
  orderBody,
  PurchaseBody,
  Purchased,
  priceBody,
  SearchBody,
  SearchQuery,
} from './schemas.ts';

const tags: ['Orders'] = ['Orders'];
const mayBuy = [
  'organization_not_found',
  'organization_not_active',
  'purchases_not_enabled',
  'sms_not_active',
  'number_limit_reached',
  'spending_cap_reached',
  'carrier_account_missing',
  'carrier_account_disabled',
  'carrier_incapable',
  'secret_key_missing',
] as const;

/** The routes that buy numbers. */
export function orderRoutes(app: App, shop: Shop, change: Changing, work: Job): void {
  const { db, carriers } = shop;

  app.get(
    '/v1/sms/phone-numbers/search',
    operation(
      'read',
      {
        operationId: 'searchNumbers',
        summary: 'Search numbers to buy',
        description: "SMS numbers that the organization's carrier account sells now, and what they cost.",
        tags,
        querystring: SearchQuery,
        response: { 200: SearchBody },
      },
      [...mayBuy, 'carrier_failed'],
    ),
    async ({ caller, query }) => {
      const { organization_id, ...wanted } = query;
      const { numbers, price } = await searchNumbers(shop, caller, organization_id, wanted);
      const { purchase_fee, weekly_price } = price;
      return { numbers, count: numbers.length, purchase_fee, weekly_price };
    },
  );

  app.post(
    '/v1/sms/phone-numbers/purchase',
    operation(
      'change',
      {
        operationId: 'purchaseNumber',
        summary: 'Buy a number',
        description: `Buys a number of an area code, or the \`phone_number\` that is named, from the organization's carrier account, and assigns it at once if \`user_id\` is given. The purchase is an order: \`Location\` names it. Where the carrier leaves it open whether it has sold a number, the answer is 202 with that order, which is followed up until it is known; every other answer is final. A repeat with the same \`Idempotency-Key\` buys nothing more and is answered by how the same order stands then. A number that must be attached to a 10DLC campaign first is \`pending\`, and is assigned when it is ready.`,
        tags,
        body: PurchaseBody,
        response: { 200: Purchased, 202: OneOrder },
      },
      [
        ...mayBuy,
        'assignee_not_found',
        'none_for_sale',
        'number_taken',
        'value_taken',
        'carrier_failed',
        'order_finished',
      ],
    ),
    async (request, reply) => {
      const { organization_id, area_code = null, user_id = null, country, dry_run, ...rest } = request.body;
      const { phone_number: _, ...given } = rest;
      const wanted_number = readWanted(request.body);
      const requested = { area_code, wanted_number, country, user_id, values: readEdit(given) };
      if (dry_run) {
        const { number, price } = await previewPurchase(shop, request.caller, organization_id, requested);
        const nothing = { phone_id: null, assigned_to: null, stored: false, dry_run: true };
        return reply.send({ ...number, ...nothing, price: priceBody(price) });
      }
      const input = { organization_id, requests: [requested], bulk_id: null, holdMs: holdMs(carriers) };
      const { payload, replayed } = await changeOnce(db, request, 200, async (db, caller) => ({
        order_id: (await placeOrders(db, caller, input))[0]!,
      }));
      const order = await awaitOutcome(shop, request.caller, payload.order_id, !replayed);
      reply.header('location', `/v1/sms/orders/${order.id}`);
      if (replayed) reply.header('idempotency-replayed', 'true');
      if (isOpen(order)) return reply.status(202).send({ order: orderBody(order) });
      if (order.status !== 'bought') throw failureOf(order);
      return reply.send({ ...(await purchaseOf(db, order)), stored: true });
    },
  );

  app.post(
    '/v1/sms/orders',
    operation(
      'change',
      {
        operationId: 'orderNumbers',
        summary: 'Order many numbers',
        description: `Orders up to ${numbersPerBulk} numbers of several area codes: an order for each, all placed or none. They are bought one by one afterwards; which were and which were not is said by \`GET /v1/sms/orders?bulk_id=…\`.`,
        tags,
        body: BulkPurchaseBody,
        response: { 200: BulkPrice, 202: BulkPurchased },
      },
      [...mayBuy, 'assignee_not_found', 'value_taken'],
    ),
    async (request, reply) => {
      const { organization_id, items, country, dry_run } = request.body;
      const requests = items.flatMap(({ area_code, quantity, user_id = null, ...given }, index) => {
        const values = readEdit(given);
        for (const name of uniqueNames)
          if (quantity > 1 && values[name] != null)
            throw invalid(`items[${index}].${name} is for one number, and quantity is ${quantity}`);
        return Array.from({ length: quantity }, () => ({
          ...{ area_code, wanted_number: null, country, user_id, values },
        }));
      });
      if (requests.length > numbersPerBulk)
        throw invalid(`items ask for ${requests.length} numbers, and ${numbersPerBulk} is the most`);
      const count = requests.length;
      if (dry_run) {
        const price = priceBody(await quote(db, request.caller, organization_id, count));
        return reply.send({ bulk_id: null, orders: [], count, dry_run, price });
      }
      const placed = await changeOnce(db, request, 202, async (db, caller) => {
        const bulk_id = randomUUIDv7();
        await placeOrders(db, caller, { organization_id, requests, bulk_id, holdMs: 0 });
        const { orders } = await listOrders(db, caller, { bulk_id, limit: numbersPerBulk });
        return { bulk_id, orders: orders.map(orderBody), count };
      });
      work.wake();
      return sendReply(reply, placed) as never;
    },
  );

  app.get(
    '/v1/sms/orders',
    operation('read', {
      operationId: 'listOrders',
      summary: 'List orders',
      description: 'Orders, the newest first. With `bulk_id` also how many of them are in which status.',
      tags,
      querystring: OrdersQuery,
      response: { 200: OrdersBody },
    }),
    async ({ caller, query }) => {
      const { orders, next } = await listOrders(db, caller, query);
      const counts = query.bulk_id && { counts: await countBulk(db, caller, query.bulk_id) };
      return { orders: orders.map(orderBody), count: orders.length, ...counts, next_cursor: next };
    },
  );

  app.get(
    '/v1/sms/orders/:order_id',
    operation(
      'read',
      {
        operationId: 'getOrder',
        summary: 'Get an order',
        description: 'One order, as it stands.',
        tags,
        params: OrderParams,
        response: { 200: OneOrder },
      },
      ['order_not_found'],
    ),
    async ({ caller, params }) => ({ order: orderBody(await getOrder(db, caller, params.order_id)) }),
  );

  app.post(
    '/v1/sms/orders/:order_id/cancel',
    operation(
      'change',
      {
        operationId: 'cancelOrder',
        summary: 'Cancel an order',
        description:
          'Takes an order back while it is `placed`. Once the carrier is being asked for a number it is too late.',
        tags,
        params: OrderParams,
        response: { 200: OneOrder },
      },
      ['order_not_found', 'order_under_way', 'order_finished'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => ({
        order: orderBody(await cancelOrder(db, caller, request.params.order_id)),
      })),
  );
}

/** A purchase names an area code or a number. */
function readWanted({ area_code, phone_number, country }: Static<typeof PurchaseBody>): string | null {
  if ((area_code === undefined) === (phone_number === undefined))
    throw invalid('the body must have either area_code or phone_number');
  if (phone_number === undefined) return null;
  const number = readPhoneNumber(phone_number, country);
  if (typeof number === 'string') throw invalid(`phone_number ${number}`);
  return number.e164;
}
