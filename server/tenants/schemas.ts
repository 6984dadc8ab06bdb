import { type Static, Type } from '../../schema/schema.ts';
import { nullable, oneOf } from '../../schema/shapes.ts';
import { CarrierAccountId } from '../accounts/reference.ts';
import { Dollars } from '../http/money.ts';
import { weeklyFeeFor } from './weekly-fee.ts';

const Seconds = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 315_360_000, description: `${description}, in seconds.` });

const settings = {
  name: Type.String({ minLength: 1, maxLength: 200, description: "The tenant's name." }),
  cool_down_seconds: Seconds('How long a number rests after it is unassigned'),
  transfer_cool_down_seconds: Seconds('How long a number rests after a transfer to another organization'),
  release_undo_seconds: Seconds('How long a release can be undone'),
  low_stock_threshold: nullable(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000,
      description: 'The stock is low when fewer numbers than this are available. Null: never.',
    }),
  ),
  time_zone: Type.String({
    minLength: 1,
    maxLength: 64,
    description: "Where the tenant's days and months begin: a name of the IANA time zone database.",
    examples: ['UTC', 'Europe/Berlin'],
  }),
  purchases_enabled: Type.Boolean({ description: 'Whether organizations may buy numbers.' }),
  max_numbers_per_organization: Type.Integer({
    minimum: 0,
    maximum: 1_000_000_000,
    description: 'An organization with this many numbers cannot buy more.',
  }),
  purchase_fee: Dollars('The fee that an organization pays once for each number that it buys.', 1),
  weekly_price: Dollars(
    'The price that an organization pays each week for each number; `weekly_fee_for` says which ones.',
    0.5,
  ),
  weekly_fee_for: oneOf(weeklyFeeFor, {
    description:
      'The numbers that the weekly price is charged for. `carrier`: those that were bought or come from a carrier account. `all`: those that were added or imported too. When it becomes `all`, the first week of those begins at once. When it becomes `carrier`, a week of theirs that has begun is charged, and no later one. No week is ever charged twice or for the past.',
  }),
  monthly_spending_cap: nullable(
    Dollars(
      'An organization without its own cap cannot buy more once its charges in a calendar month reach this cap. Null: no cap.',
      100,
    ),
  ),
  carrier_account_id: CarrierAccountId(
    'The carrier account that numbers are bought with, unless the organization has its own. Null: none.',
  ),
};

export const TenantBody = Type.Object(
  { id: Type.String({ format: 'uuid', description: 'The id of the tenant.' }), ...settings },
  {
    description: 'The tenant and its settings.',
    additionalProperties: false,
    examples: [
      {
        id: '0199f3a0-5f1b-7a11-8c0d-7a5e9b3c1d2e',
        name: 'Demonstration',
        cool_down_seconds: 0,
        transfer_cool_down_seconds: 3_888_000,
        release_undo_seconds: 0,
        low_stock_threshold: null,
        time_zone: 'UTC',
        purchases_enabled: true,
        max_numbers_per_organization: 10,
        purchase_fee: 1,
        weekly_price: 0.5,
        weekly_fee_for: 'carrier',
        monthly_spending_cap: null,
        carrier_account_id: '0199f3a0-9d41-7c02-b5ae-1f2e3d4c5b6a',
      },
    ],
  },
);

export const TenantEditBody = Type.Partial(Type.Object(settings), {
  additionalProperties: false,
  minProperties: 1,
  examples: [
    { release_undo_seconds: 86_400, low_stock_threshold: 20 },
    { purchases_enabled: true, max_numbers_per_organization: 10, purchase_fee: 1, weekly_price: 0.5 },
  ],
});

export type TenantEdit = Partial<Omit<Static<typeof TenantBody>, 'id'>>;

/** The config call of the API family's contract. */
export const NumbersConfig = Type.Object(
  {
    enabled: Type.Boolean({ description: 'Whether organizations may buy numbers.' }),
    max_per_org: Type.Integer({
      description: 'How many numbers an organization may have; 0 if not enabled.',
    }),
    weekly_price: Type.Number({ description: 'In US dollars for each number; 0 if not enabled.' }),
  },
  { examples: [{ enabled: true, max_per_org: 10, weekly_price: 0.5 }] },
);
