import { type Static, Type } from '../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp } from '../../schema/shapes.ts';
import { Moment } from '../http/moments.ts';
import { timestamp } from '../http/operation.ts';
import { E164 } from '../numbers/schemas.ts';
import { weekEnd } from './charges.ts';
import type { ChargeRow } from './usage.ts';

export const UsageQuerySchema = Type.Object(
  {
    organization_id: Type.Optional(OrganizationId),
    from: Type.Optional(Moment('Charges at this time or later. By default the beginning of this month.')),
    to: Type.Optional(Moment('Charges before this time. By default the end of this month.')),
    format: Type.Optional(
      oneOf(['json', 'csv'], {
        description: 'The format of the reply. By default `Accept: text/csv` asks for CSV.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'Charges per page, by default 1,000. Not with CSV, which always has all.',
      }),
    ),
    cursor: Type.Optional(
      Type.String({ format: 'uuid', description: 'The `next_cursor` of the previous page. Not with CSV.' }),
    ),
  },
  { additionalProperties: false },
);

const ChargeKind = oneOf(['number.purchase_fee', 'number.weekly_fee', 'number.released'], {
  description:
    'The type of the charge: `number.purchase_fee` once for a number that was bought, `number.weekly_fee` for seven days of a number, `number.released` of 0 where the charges for a number end.',
});
const Amount = Type.Number({ description: 'US dollars, to four decimals.', examples: [1.5] });
const Currency = Type.Literal('USD', { description: 'The currency of every amount.' });

const ChargeBody = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'The id of the charge.' }),
    type: ChargeKind,
    organization_id: OrganizationId,
    phone_number: E164,
    phone_number_id: Type.String({ format: 'uuid', description: 'The id of the phone record.' }),
    order_id: nullable(Type.String({ format: 'uuid', description: 'The order that bought the number.' })),
    amount: Amount,
    currency: Currency,
    period_start: Timestamp('When the charged period begins.'),
    period_end: nullable(
      Timestamp('When the charged period ends; null for a charge without a period.', '2024-01-22T10:30:00Z'),
    ),
    at: Timestamp(
      'When it was charged. The period of the query is compared with this time.',
      '2024-01-15T10:30:20Z',
    ),
  },
  { additionalProperties: false },
);

export type Charge = Static<typeof ChargeBody>;

export const chargeBody = ({ period_start, at, ...row }: ChargeRow): Charge => ({
  ...row,
  currency: 'USD',
  period_start: timestamp(period_start),
  period_end: row.type === 'number.weekly_fee' ? timestamp(weekEnd(period_start)) : null,
  at: timestamp(at),
});

const Count = Type.Integer({ description: 'How many charges.' });

const TotalsBody = Type.Object(
  {
    count: Count,
    amount: Amount,
    currency: Currency,
    by_type: Type.Array(
      Type.Object({ type: ChargeKind, count: Count, amount: Amount }, { additionalProperties: false }),
      { description: 'The totals by type of charge.' },
    ),
    by_organization: Type.Array(
      Type.Object(
        { organization_id: OrganizationId, count: Count, amount: Amount },
        { additionalProperties: false },
      ),
      { description: 'The totals by organization, without organizations that have no charges.' },
    ),
  },
  {
    additionalProperties: false,
    description: 'The totals of the period, over all pages.',
  },
);

const example: Charge = {
  id: '0199f3a0-8d2f-7c11-9e4b-5a6c7d8e9f01',
  type: 'number.weekly_fee',
  organization_id: 'org_abc123',
  phone_number: '+14155551234',
  phone_number_id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
  order_id: null,
  amount: 1.5,
  currency: 'USD',
  period_start: '2024-01-15T10:30:00Z',
  period_end: '2024-01-22T10:30:00Z',
  at: '2024-01-15T10:30:20Z',
};
const sum = { count: 1, amount: 1.5 };

export const UsageBody = Type.Object(
  {
    from: Timestamp('The beginning of the period.', '2024-01-01T00:00:00Z'),
    to: Timestamp('The end of the period, exclusive.', '2024-02-01T00:00:00Z'),
    charges: Type.Array(ChargeBody, { description: 'The charges, the oldest first.' }),
    count: Type.Integer({ description: 'How many charges were returned.' }),
    has_more: Type.Boolean({ description: 'Whether another page follows.' }),
    next_cursor: nullable(
      Type.String({ format: 'uuid', description: 'The `cursor` of the next page; null on the last page.' }),
    ),
    totals: TotalsBody,
  },
  {
    examples: [
      {
        from: '2024-01-01T00:00:00Z',
        to: '2024-02-01T00:00:00Z',
        charges: [example],
        count: 1,
        has_more: false,
        next_cursor: null,
        totals: {
          ...sum,
          currency: 'USD',
          by_type: [{ type: example.type, ...sum }],
          by_organization: [{ organization_id: example.organization_id, ...sum }],
        },
      },
    ],
  },
);

export const UsageCsv = Type.String({
  description:
    'RFC 4180 in UTF-8: a line with the names of the columns, then a line for each charge of the period. Text that a spreadsheet could read as a formula is quoted, with an apostrophe before the formula. Phone numbers stay as they are.',
  examples: [
    'id,type,organization_id,phone_number,phone_number_id,order_id,amount,currency,period_start,period_end,at\r\n0199f3a0-8d2f-7c11-9e4b-5a6c7d8e9f01,number.weekly_fee,org_abc123,+14155551234,6d7f8580-2c18-4ca9-8917-c9ca121a2c49,,1.5000,USD,2024-01-15T10:30:00Z,2024-01-22T10:30:00Z,2024-01-15T10:30:20Z\r\n',
  ],
});
