import { randomUUIDv7 } from 'node:crypto';
import { invalid } from '../errors.ts';
import { type Changing, changeOnce, sendReply } from '../http/changing.ts';
import { type App, operation, withBodyOf } from '../http/operation.ts';
import { readEdit, uniqueNames } from '../numbers/state.ts';
import type { Shop } from './hold.ts';
import { cancelOrder, countBulk, getOrder, isOpen, listOrders } from './orders.ts';
import { placeOrders, quote } from './place.ts';
import { awaitOutcome, failureOf, previewPurchase, purchaseOf, searchNumbers } from './purchase.ts';
import { orderLeaseMs } from './pursue.ts';
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
import { type GivenWishes, partWishes, readWanted, saysNothing, type Wanted } from './wanted.ts';
import type { OrderWork } from './work.ts';

const tags: ['Orders'] = ['Orders'];
const mayBuy = [
  'organization_not_found',
  'organization_not_active',
  'purchases_not_enabled',
  'sms_not_active',
  'number_limit_reached',
  'tenant_limit_reached',
  'spending_cap_reached',
  'carrier_account_missing',
  'carrier_account_disabled',
  'carrier_incapable',
  'secret_key_missing',
] as const;

export function orderRoutes(app: App, shop: Shop, change: Changing, work: OrderWork): void {
  const { db, carriers } = shop;

  app.get(
    '/v1/sms/phone-numbers/search',
    operation(
      'read',
      {
        operationId: 'searchNumbers',
        summary: 'Search numbers to buy',
        description:
          "Searches the SMS numbers for sale at the organization's carrier account: those that have all that is asked for, of the first area code first. Returns them with their price. A carrier that cannot filter by some of it is asked for more numbers, and they are filtered here; there may then be others that the carrier has not shown.",
        tags,
        querystring: SearchQuery,
        response: { 200: SearchBody },
      },
      [...mayBuy, 'carrier_failed'],
    ),
    async ({ caller, query }) => {
      const { organization_id, limit, ...given } = query;
      // A `+` that is not encoded arrives as a blank.
      const starts_with = given.starts_with?.replace(/^ /, '+');
      const wanted = readWanted({ ...given, ...(starts_with !== undefined && { starts_with }) });
      const { numbers, price } = await searchNumbers(shop, caller, organization_id, wanted, limit);
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
        description: `Buys a number from the organization's carrier account: the given \`phone_number\`, or any number that has all that the other fields ask for. Of several area codes, the next one is tried only if the ones before it have nothing for sale. Assigns it at once if \`user_id\` is given. Each purchase creates an order, and \`Location\` names it. If the carrier does not confirm or refuse the sale in time, the response is 202 with the order, and the purchase goes on until its outcome is known. Every other response is final. A replay with the same \`Idempotency-Key\` buys nothing and returns the current state of the same order. A number that first needs a 10DLC attachment is \`pending\`, and is assigned once it is attached.`,
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
      const { organization_id, user_id = null, dry_run, ...rest } = request.body;
      const [given, fields] = partWishes(rest);
      const requested = { ...readPurchase(given), user_id, values: readEdit(fields) };
      if (dry_run) {
        const { number, price } = await previewPurchase(shop, request.caller, organization_id, requested);
        const nothing = { phone_id: null, assigned_to: null, stored: false, dry_run: true };
        return reply.send({ ...number, ...nothing, price: priceBody(price) });
      }
      const input = {
        organization_id,
        requests: [requested],
        bulk_id: null,
        leaseMs: orderLeaseMs(carriers),
      };
      const { payload, replayed } = await changeOnce(db, request, 200, async (db, caller) => ({
        order_id: (await placeOrders(db, caller, input))[0]!,
      }));
      const order = await awaitOutcome(shop, work, request.caller, payload.order_id, !replayed);
      reply.header('location', `/v1/sms/orders/${order.id}`);
      if (replayed) reply.header('idempotency-replayed', 'true');
      if (isOpen(order)) return reply.status(202).send({ order: orderBody(order) });
      if (order.status !== 'bought') throw failureOf(order);
      return reply.send({ ...(await purchaseOf(db, order)), stored: true });
    },
  );

  app.post(
    '/v1/sms/orders',
    withBodyOf(
      1_048_576,
      operation(
        'change',
        {
          operationId: 'orderNumbers',
          summary: 'Order many numbers',
          description: `Orders up to ${numbersPerBulk} numbers of one or more kinds. Places one order per number: all of them or none. The server buys them in the background. \`GET /v1/sms/orders?bulk_id=…\` returns the outcome of each.`,
          tags,
          body: BulkPurchaseBody,
          response: { 200: BulkPrice, 202: BulkPurchased },
        },
        [...mayBuy, 'assignee_not_found', 'value_taken'],
      ),
    ),
    async (request, reply) => {
      const { organization_id, items, country, dry_run } = request.body;
      const requests = items.flatMap(({ quantity, user_id = null, ...rest }, index) => {
        const [given, fields] = partWishes({ ...rest, country });
        const requested = { ...readPurchase(given, `items[${index}]`), user_id, values: readEdit(fields) };
        for (const name of uniqueNames)
          if (quantity > 1 && requested.values[name] != null)
            throw invalid(`items[${index}].${name} requires quantity 1, and quantity is ${quantity}`);
        return Array.from({ length: quantity }, () => requested);
      });
      if (requests.length > numbersPerBulk)
        throw invalid(`items request ${requests.length} numbers; the maximum is ${numbersPerBulk}`);
      const count = requests.length;
      if (dry_run) {
        const price = priceBody(await quote(db, request.caller, organization_id, count));
        return reply.send({ bulk_id: null, orders: [], count, dry_run, price });
      }
      const placed = await changeOnce(db, request, 202, async (db, caller) => {
        const bulk_id = randomUUIDv7();
        await placeOrders(db, caller, { organization_id, requests, bulk_id, leaseMs: 0 });
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
      description: 'Lists orders, newest first. With `bulk_id`, also counts its orders by status.',
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
        description: 'Returns one order with its current status.',
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
          'Cancels an order that is `placed`. An order that is `buying` or `settling` can no longer be cancelled.',
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

/** Requires that a purchase says something of the number. @param item the item's place in the body */
function readPurchase(given: GivenWishes, item?: string): Wanted {
  const wanted = readWanted(given, item && `${item}.`);
  if (!saysNothing(wanted)) return wanted;
  const names = `area_code, starts_with, ends_with, contains or toll_free${item ? '' : ', or phone_number'}`;
  throw invalid(`${item ?? 'the body'} must say which number to buy: ${names}`);
}
