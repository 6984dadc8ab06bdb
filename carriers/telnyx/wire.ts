import { type Static, type TSchema, Type } from '../../schema/schema.ts';
import { type Shape, shapeOf } from '../../schema/shape.ts';
import type { Outcome } from '../errors.ts';
import type { Api, Refusal } from '../http.ts';

/** Telnyx's API: https://developers.telnyx.com/api-reference. JSON, and a bearer token. */
export const telnyxApi = (url: string, apiKey: string): Api => ({
  title: 'Telnyx',
  url,
  headers: { authorization: `Bearer ${apiKey}` },
  secrets: [apiKey],
  explain,
});

/** By code: https://developers.telnyx.com/development/api-fundamentals/api-errors */
const outcomes: Readonly<Record<string, Outcome>> = {
  10005: 'not_found',
  10009: 'authentication_failed',
  10010: 'authentication_failed',
  10011: 'rate_limited',
  // The account's level does not have this feature.
  10038: 'authentication_failed',
  // The account is inactive.
  20012: 'authentication_failed',
  20100: 'out_of_funds',
  // Not found by a recent search, or no longer for sale.
  85000: 'unavailable',
  85001: 'unavailable',
  // Somebody has reserved it.
  85006: 'unavailable',
};

const Errors = shapeOf(
  Type.Object({
    errors: Type.Array(
      Type.Object({ code: Type.Union([Type.String(), Type.Number()]), title: Type.Optional(Type.String()) }),
      { minItems: 1 },
    ),
  }),
);

/** Decides by the code. One status has many meanings, and one code comes with several statuses. */
function explain(status: number, body: unknown): Refusal | undefined {
  if (!Errors.Check(body)) return undefined;
  const error = body.errors.find(({ code }) => outcomes[code]) ?? body.errors[0];
  const outcome = outcomes[error?.code ?? ''] ?? outcomeOf(status, error?.title ?? '');
  return outcome && { outcome, code: error && String(error.code), message: error?.title };
}

/** For the hundreds of codes that are not in the list. */
function outcomeOf(status: number, title: string): Outcome | undefined {
  if (status === 401 || status === 403) return 'authentication_failed';
  if (status === 404) return 'not_found';
  if (status === 429) return 'rate_limited';
  // Telnyx gave up waiting for itself (10008), and may have gone on.
  if (status === 408) return undefined;
  return /requirement/i.test(title) ? 'needs_compliance' : 'unavailable';
}

const Amount = Type.String({ pattern: '^-?\\d+(\\.\\d+)?$' });
const Currency = Type.String({ pattern: '^[A-Z]{3}$' });
const OptionalText = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const Id = Type.String({ minLength: 1 });

/** The part of an answer that we use. Almost all answers come in `data`. */
const dataOf = <T extends TSchema>(schema: T): Shape<{ data: Static<T> }> => {
  const answer = shapeOf(Type.Object({ data: schema }));
  return { Check: (value): value is { data: Static<T> } => answer.Check(value) };
};

export const Balance = dataOf(Type.Object({ balance: Amount, currency: Currency }));

const AvailableNumber = Type.Object({
  phone_number: Type.String(),
  features: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
  region_information: Type.Optional(
    Type.Array(Type.Object({ region_type: Type.String(), region_name: OptionalText })),
  ),
});
export type AvailableNumber = Static<typeof AvailableNumber>;
export const AvailableNumbers = dataOf(Type.Array(AvailableNumber));

const PhoneNumber = Type.Object({
  id: Id,
  phone_number: Type.String(),
  status: Type.String(),
  tags: Type.Array(Type.String()),
  customer_reference: OptionalText,
});
export type PhoneNumber = Static<typeof PhoneNumber>;
export const OnePhoneNumber = dataOf(PhoneNumber);
export const ReleasedNumber = dataOf(Type.Object({ id: Id }));

const Meta = Type.Object({
  page_number: Type.Integer(),
  total_pages: Type.Integer(),
  total_results: Type.Integer(),
});
export const PhoneNumbers = shapeOf(Type.Object({ data: Type.Array(PhoneNumber), meta: Meta }));

const Order = Type.Object({
  id: Id,
  // The reference has pending, success and failure; the guides also name cancelled and deleted.
  status: Type.String(),
  customer_reference: OptionalText,
  phone_numbers: Type.Array(Type.Object({ phone_number: Type.String() })),
  requirements_met: Type.Optional(Type.Boolean()),
  sub_number_orders_ids: Type.Optional(Type.Array(Id)),
});
export type Order = Static<typeof Order>;
export const OneOrder = dataOf(Order);
export const Orders = shapeOf(Type.Object({ data: Type.Array(Order), meta: Meta }));
export const SubOrder = dataOf(Type.Object({ id: Id }));

export const MessagingSettings = dataOf(
  Type.Object({ id: Id, phone_number: Type.String(), messaging_profile_id: OptionalText }),
);

/** 10DLC answers come without `data`. */
const PhoneNumberCampaign = Type.Object({
  phoneNumber: Type.String(),
  campaignId: Type.String(),
  telnyxCampaignId: OptionalText,
  tcrCampaignId: OptionalText,
  assignmentStatus: OptionalText,
});
export type PhoneNumberCampaign = Static<typeof PhoneNumberCampaign>;
export const OnePhoneNumberCampaign = shapeOf(PhoneNumberCampaign);
