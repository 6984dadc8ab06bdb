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
import { AreaCode } from '../numbers/life/schemas.ts';
import { AnyFormat, E164, editableExample, editableInput, editableOutput } from '../numbers/schemas.ts';
import { emptyEditable } from '../numbers/state.ts';
import type { OrderRow } from './orders.ts';
import type { Quote } from './place.ts';

const Usd = (description: string, example: number) =>
  Type.Number({ minimum: 0, description: `${description}, in US dollars.`, examples: [example] });

const Country = withDefault(
  Type.String({
    pattern: '^[A-Z]{2}$',
    default: 'US',
    description:
      'The country to buy in, ISO 3166-1 alpha-2. An area code means one of the North American plan.',
    examples: ['US'],
  }),
);

export const SearchQuery = Type.Object(
  {
    organization_id: OrganizationId,
    area_code: Type.Optional(AreaCode),
    contains: Type.Optional(
      Type.String({
        pattern: '^[0-9]{2,10}$',
        description: 'Digits in a row, anywhere in the number.',
        examples: ['555'],
      }),
    ),
    country: Country,
    limit: withDefault(
      Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'How many numbers at most.' }),
    ),
  },
  { additionalProperties: false },
);

export const SearchBody = Type.Object({
  numbers: Type.Array(
    Type.Object({
      phone_number: E164,
      pretty_phone_number: Type.String({
        description: 'The number for people.',
        examples: ['+1 415-555-0199'],
      }),
      locality: nullable(
        Type.String({ description: 'The place, as the carrier names it.', examples: ['San Francisco'] }),
      ),
      region: nullable(Type.String({ description: 'The state or province.', examples: ['CA'] })),
    }),
    { description: 'Numbers that can be bought now; nobody keeps them for you.' },
  ),
  count: Type.Integer({ description: 'How many numbers were returned.' }),
  purchase_fee: Usd('What buying one costs once', 1),
  weekly_price: Usd('What one costs a week', 0.5),
});

const what = {
  area_code: Type.Optional(AreaCode),
  user_id: Type.Optional(nullable(UserReference)),
  ...editableInput,
};

export const PurchaseBody = Type.Object(
  {
    organization_id: OrganizationId,
    ...what,
    phone_number: Type.Optional(AnyFormat),
    country: Country,
    dry_run: withDefault(
      Type.Boolean({ default: false, description: 'Only says what it would come to: nothing is ordered.' }),
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
    purchase_fee: Usd('What buying one costs once', 1),
    weekly_price: Usd('What one costs a week, the first at once', 0.5),
    due_now: Usd('What is charged at once', 1.5),
    spent: Usd('What is charged or ordered in this calendar month (UTC) without it', 12),
    spending_cap: nullable(Usd('What may be charged in a month; null for no limit', 100)),
    numbers: Type.Integer({ description: 'How many numbers and orders under way the organization has.' }),
    max_per_org: Type.Integer({ description: 'How many it may have.' }),
  },
  { description: 'What it would come to.' },
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
      Type.String({ format: 'uuid', description: 'The id of the number; null in a dry run.' }),
    ),
    pretty_phone_number: nullable(Type.String({ description: 'The number for people.' })),
    assigned_to: nullable(Type.String({ description: 'Who has it: a unique_id.' })),
    stored: Type.Boolean({ description: 'Whether the number is bought and kept; false in a dry run.' }),
    dry_run: Type.Optional(Type.Boolean({ description: 'Given and true in a dry run.' })),
    price: Type.Optional(Price),
  },
  { examples: [purchased] },
);

export const orderStatuses = ['placed', 'buying', 'settling', 'bought', 'failed', 'cancelled'] as const;

const Status = oneOf(orderStatuses, {
  description:
    '`placed`: nothing is bought. `buying`: the carrier is being asked. `settling`: it may have sold the number, and is asked until that is known. `bought`, `failed` and `cancelled` are final.',
});

const order = {
  id: '0199f3a0-6f3a-7c11-8a0e-2f5a9d7e4b60',
  organization_id: 'org_abc123',
  bulk_id: null,
  status: 'bought',
  area_code: '415',
  wanted_number: null,
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
      Type.String({ format: 'uuid', description: 'The request for many that it came with.' }),
    ),
    status: Status,
    area_code: nullable(Type.String({ description: 'The area code that was asked for.' })),
    wanted_number: nullable(Type.String({ description: 'The number that was asked for, if it was one.' })),
    user_id: nullable(Type.String({ description: 'Who is to have it.' })),
    ...editableOutput,
    phone_number: nullable(Type.String({ description: 'The number that was bought, or is being bought.' })),
    phone_id: nullable(Type.String({ format: 'uuid', description: 'The id of the number that was bought.' })),
    purchase_fee: Usd('What it costs once', 1),
    weekly_price: Usd('What it cost a week when it was ordered', 0.5),
    candidates: Type.Integer({ description: 'How many numbers the carrier has been asked for.' }),
    problem: nullable(
      Type.String({
        description: 'What it waits for or why it failed, for programs.',
        examples: ['outcome_unknown'],
      }),
    ),
    error: nullable(Type.String({ description: 'Why it failed, for people.' })),
    created_at: Timestamp('When it was placed.'),
    finished_at: nullable(Timestamp('When it was bought, failed or was cancelled.')),
  },
  { additionalProperties: false, description: 'One purchase, from intention to number.', examples: [order] },
);

export const OneOrder = Type.Object({ order: OrderBody });
export const OrderParams = Type.Object({
  order_id: Type.String({ format: 'uuid', description: 'The id of the order.' }),
});

const BulkId = Type.String({
  format: 'uuid',
  description: 'The request for many that the orders came with.',
});

export const OrdersQuery = Type.Object(
  {
    organization_id: Type.Optional(OrganizationId),
    bulk_id: Type.Optional(BulkId),
    status: Type.Optional(Status),
    limit: withDefault(
      Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'How many orders at most.' }),
    ),
    cursor: Type.Optional(Type.String({ format: 'uuid', description: '`next_cursor` of the page before.' })),
  },
  { additionalProperties: false },
);

const Counts = Type.Object(
  Object.fromEntries(
    orderStatuses.map(status => [status, Type.Integer({ description: `How many orders are ${status}.` })]),
  ),
  { description: 'How many orders of the bulk are in which status; given with `bulk_id`.' },
);

export const OrdersBody = Type.Object({
  orders: Type.Array(OrderBody, { description: 'The orders, the newest first.' }),
  count: Type.Integer({ description: 'How many orders were returned.' }),
  counts: Type.Optional(Counts),
  next_cursor: nullable(
    Type.String({ description: 'For the next page; null on the last one.', examples: [order.id] }),
  ),
});

const price = {
  purchase_fee: 1,
  weekly_price: 0.5,
  due_now: 37.5,
  spent: 12,
  spending_cap: 100,
  numbers: 3,
  max_per_org: 50,
};

/** How many numbers one request can order. */
export const numbersPerBulk = 1000;

export const BulkPurchaseBody = Type.Object(
  {
    organization_id: OrganizationId,
    items: Type.Array(
      Type.Object(
        {
          ...what,
          area_code: AreaCode,
          quantity: Type.Integer({ minimum: 1, maximum: numbersPerBulk, description: 'How many numbers.' }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 200, description: 'How many numbers of which area codes.' },
    ),
    country: Country,
    dry_run: withDefault(
      Type.Boolean({ default: false, description: 'Only says what it would come to: nothing is ordered.' }),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        organization_id: 'org_abc123',
        items: [
          { area_code: '415', quantity: 20 },
          { area_code: '628', quantity: 5 },
        ],
      },
    ],
  },
);

const bulk = {
  bulk_id: nullable(BulkId),
  orders: Type.Array(OrderBody, { description: 'The orders, one for each number; none in a dry run.' }),
  count: Type.Integer({ description: 'How many numbers.' }),
  dry_run: Type.Optional(Type.Boolean({ description: 'Given and true in a dry run.' })),
  price: Type.Optional(Price),
};

export const BulkPurchased = Type.Object(bulk, {
  examples: [
    { bulk_id: '0199f3a0-6f3a-7c11-8a0e-2f5a9d7e4b5f', orders: [{ ...order, status: 'placed' }], count: 1 },
  ],
});
export const BulkPrice = Type.Object(bulk, {
  examples: [{ bulk_id: null, orders: [], count: 25, dry_run: true, price }],
});

export const orderBody = (row: OrderRow): Static<typeof OrderBody> => ({
  id: row.id,
  organization_id: row.organization_unique_id,
  bulk_id: row.bulk_id,
  status: row.status,
  area_code: row.area_code,
  wanted_number: row.wanted_number,
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
