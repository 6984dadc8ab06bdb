import { type Static, Type } from '../../schema/schema.ts';
import {
  nullable,
  OrganizationId,
  oneOf,
  Timestamp,
  UserReference,
  withDefault,
} from '../../schema/shapes.ts';
import { timestamp } from '../http/operation.ts';
import { AnyFormat, E164, editableExample, editableInput, editableOutput } from '../numbers/schemas.ts';
import { emptyEditable } from '../numbers/state.ts';
import type { OrderRow } from './orders.ts';
import type { Quote } from './place.ts';
import { Country, queryWishes, wanted, wantedExample, wishes } from './wanted-schemas.ts';

const Usd = (description: string, example: number) =>
  Type.Number({ minimum: 0, description: `${description}, in US dollars.`, examples: [example] });

export const SearchQuery = Type.Object(
  {
    organization_id: OrganizationId,
    ...queryWishes,
    country: Country,
    limit: withDefault(
      Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'The maximum number of results.' }),
    ),
  },
  { additionalProperties: false },
);

export const SearchBody = Type.Object({
  numbers: Type.Array(
    Type.Object({
      phone_number: E164,
      pretty_phone_number: Type.String({
        description: 'The number formatted for display.',
        examples: ['+1 415-555-0199'],
      }),
      locality: nullable(
        Type.String({
          description: 'The city or locality, as named by the carrier.',
          examples: ['San Francisco'],
        }),
      ),
      region: nullable(Type.String({ description: 'The state or province.', examples: ['CA'] })),
    }),
    { description: 'Numbers for sale now. A search does not reserve them.' },
  ),
  count: Type.Integer({ description: 'The number of results.' }),
  purchase_fee: Usd('The one-time fee per number', 1),
  weekly_price: Usd('The weekly price per number', 0.5),
});

const numberFields = {
  ...wishes,
  user_id: Type.Optional(nullable(UserReference)),
  ...editableInput,
};

export const PurchaseBody = Type.Object(
  {
    organization_id: OrganizationId,
    ...numberFields,
    phone_number: Type.Optional(AnyFormat),
    country: Country,
    dry_run: withDefault(
      Type.Boolean({ default: false, description: 'If true, returns the price without placing an order.' }),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      { organization_id: 'org_abc123', area_code: '415', user_id: 'user_xyz789', nickname: 'Support' },
    ],
  },
);

const Price = Type.Object(
  {
    purchase_fee: Usd('The one-time fee per number', 1),
    weekly_price: Usd('The weekly price per number, with the first week charged at once', 0.5),
    due_now: Usd('The amount charged at once', 1.5),
    spent: Usd('Charges and open orders of this calendar month, without this purchase', 12),
    spending_cap: nullable(Usd('The monthly spending cap; null for none', 100)),
    numbers: Type.Integer({ description: "The organization's live numbers plus its open orders." }),
    max_per_org: Type.Integer({ description: 'The maximum for the organization.' }),
  },
  { description: 'The price of the purchase.' },
);

const purchased = {
  phone_number: '+14155550199',
  phone_id: '0199f3a0-6f3a-7c11-8a0e-2f5a9d7e4b61',
  pretty_phone_number: '+1 415-555-0199',
  assigned_to: 'user_xyz789',
  stored: true,
};

export const Purchased = Type.Object(
  {
    phone_number: nullable(E164),
    phone_id: nullable(
      Type.String({ format: 'uuid', description: 'The id of the number. Null in a dry run.' }),
    ),
    pretty_phone_number: nullable(Type.String({ description: 'The number formatted for display.' })),
    assigned_to: nullable(
      Type.String({ description: 'The unique_id of the user that the number is assigned to.' }),
    ),
    stored: Type.Boolean({ description: 'Whether the number was bought and stored. False in a dry run.' }),
    dry_run: Type.Optional(Type.Boolean({ description: 'Present and true in a dry run.' })),
    price: Type.Optional(Price),
  },
  { examples: [purchased] },
);

export const orderStatuses = ['placed', 'buying', 'settling', 'bought', 'failed', 'cancelled'] as const;

const Status = oneOf(orderStatuses, {
  description:
    '`placed`: waiting for a number. `buying`: the carrier is being asked for one. `settling`: the carrier may have sold the number, and the server polls it until the outcome is known. `bought`, `failed` and `cancelled` are final.',
});

const order = {
  id: '0199f3a0-6f3a-7c11-8a0e-2f5a9d7e4b60',
  organization_id: 'org_abc123',
  bulk_id: null,
  status: 'bought',
  ...wantedExample,
  user_id: 'user_xyz789',
  ...editableExample,
  phone_number: '+14155550199',
  phone_id: '0199f3a0-6f3a-7c11-8a0e-2f5a9d7e4b61',
  purchase_fee: 1,
  weekly_price: 0.5,
  candidates: 1,
  problem: null,
  error: null,
  created_at: '2024-01-15T10:30:00Z',
  finished_at: '2024-01-15T10:30:02Z',
};

export const OrderBody = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'The id of the order.' }),
    organization_id: OrganizationId,
    bulk_id: nullable(
      Type.String({ format: 'uuid', description: 'The bulk request that placed the order.' }),
    ),
    status: Status,
    ...wanted,
    user_id: nullable(Type.String({ description: 'The user to assign the number to.' })),
    ...editableOutput,
    phone_number: nullable(Type.String({ description: 'The number that was bought or is being bought.' })),
    phone_id: nullable(Type.String({ format: 'uuid', description: 'The id of the bought number.' })),
    purchase_fee: Usd('The one-time fee', 1),
    weekly_price: Usd('The weekly price when the order was placed', 0.5),
    candidates: Type.Integer({ description: 'The count of numbers that the server has tried to buy.' }),
    problem: nullable(
      Type.String({
        description: 'A code for why the order waits or has failed.',
        examples: ['outcome_unknown'],
      }),
    ),
    error: nullable(Type.String({ description: 'A message that says why the order failed.' })),
    created_at: Timestamp('When the order was placed.'),
    finished_at: nullable(Timestamp('When the order was bought, failed or cancelled.')),
  },
  { additionalProperties: false, description: 'The purchase of one number.', examples: [order] },
);

export const OneOrder = Type.Object({ order: OrderBody });
export const OrderParams = Type.Object({
  order_id: Type.String({ format: 'uuid', description: 'The id of the order.' }),
});

const BulkId = Type.String({
  format: 'uuid',
  description: 'The bulk request that placed the orders.',
});

export const OrdersQuery = Type.Object(
  {
    organization_id: Type.Optional(OrganizationId),
    bulk_id: Type.Optional(BulkId),
    status: Type.Optional(Status),
    limit: withDefault(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'The maximum number of orders to return.',
      }),
    ),
    cursor: Type.Optional(
      Type.String({ format: 'uuid', description: 'The `next_cursor` of the previous page.' }),
    ),
  },
  { additionalProperties: false },
);

const Counts = Type.Object(
  Object.fromEntries(
    orderStatuses.map(status => [
      status,
      Type.Integer({ description: `The count of orders that are ${status}.` }),
    ]),
  ),
  { description: 'The orders of the bulk request by status. Present if `bulk_id` is given.' },
);

export const OrdersBody = Type.Object({
  orders: Type.Array(OrderBody, { description: 'The orders, newest first.' }),
  count: Type.Integer({ description: 'The number of orders returned.' }),
  counts: Type.Optional(Counts),
  next_cursor: nullable(
    Type.String({ description: 'The cursor of the next page. Null on the last page.', examples: [order.id] }),
  ),
});

const price = {
  purchase_fee: 1,
  weekly_price: 0.5,
  due_now: 39,
  spent: 12,
  spending_cap: 100,
  numbers: 3,
  max_per_org: 50,
};

/** The maximum of one bulk request. */
export const numbersPerBulk = 1000;

export const BulkPurchaseBody = Type.Object(
  {
    organization_id: OrganizationId,
    items: Type.Array(
      Type.Object(
        {
          ...numberFields,
          quantity: Type.Integer({
            minimum: 1,
            maximum: numbersPerBulk,
            description: 'The count of numbers.',
          }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 200, description: 'How many numbers of which kind.' },
    ),
    country: Country,
    dry_run: withDefault(
      Type.Boolean({ default: false, description: 'If true, returns the price without placing an order.' }),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        organization_id: 'org_abc123',
        items: [
          { area_code: '415', quantity: 20 },
          { area_code: ['628', '510'], quantity: 5 },
          { toll_free: true, ends_with: '00', quantity: 1 },
        ],
      },
    ],
  },
);

const bulk = {
  bulk_id: nullable(BulkId),
  orders: Type.Array(OrderBody, { description: 'One order per number. Empty in a dry run.' }),
  count: Type.Integer({ description: 'The count of numbers.' }),
  dry_run: Type.Optional(Type.Boolean({ description: 'Present and true in a dry run.' })),
  price: Type.Optional(Price),
};

export const BulkPurchased = Type.Object(bulk, {
  examples: [
    { bulk_id: '0199f3a0-6f3a-7c11-8a0e-2f5a9d7e4b5f', orders: [{ ...order, status: 'placed' }], count: 1 },
  ],
});
export const BulkPrice = Type.Object(bulk, {
  examples: [{ bulk_id: null, orders: [], count: 26, dry_run: true, price }],
});

export const orderBody = (row: OrderRow): Static<typeof OrderBody> => ({
  id: row.id,
  organization_id: row.organization_unique_id,
  bulk_id: row.bulk_id,
  status: row.status,
  area_code: row.area_codes[0] ?? null,
  area_codes: row.area_codes,
  wanted_number: row.wanted_number,
  starts_with: row.starts_with,
  ends_with: row.ends_with,
  contains: row.contains,
  toll_free: row.toll_free,
  user_id: row.user_unique_id,
  ...emptyEditable,
  ...row.fields,
  phone_number: row.phone_number,
  phone_id: row.phone_number_id,
  purchase_fee: row.purchase_fee,
  weekly_price: row.weekly_price,
  candidates: row.attempts,
  problem: row.failure_code,
  error: row.failure,
  created_at: timestamp(row.created_at),
  finished_at: timestamp(row.finished_at),
});

export const priceBody = ({ account_id: _, ...price }: Quote): Static<typeof Price> => price;
