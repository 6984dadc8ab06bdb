import { type Static, type TSchema, Type } from '../../schema/schema.ts';
import { shapeOf } from '../../schema/shape.ts';
import type { Outcome } from '../errors.ts';
import type { Api, Refusal } from '../http.ts';

/**
 * One of Twilio's APIs: https://www.twilio.com/docs/usage/api. Forms in, JSON out. The user is the key for a key's
 * secret, and the account for the account's token.
 */
export function twilioApi(url: string, user: string, secret: string): Api {
  const basic = Buffer.from(`${user}:${secret}`).toString('base64');
  return {
    title: 'Twilio',
    url,
    headers: { authorization: `Basic ${basic}` },
    secrets: [secret, basic],
    explain,
  };
}

/** By code: https://www.twilio.com/docs/api/errors */
const outcomes: Partial<Record<number, Outcome>> = {
  20003: 'authentication_failed',
  20404: 'not_found',
  // Not processed.
  20429: 'rate_limited',
  // A trial account may have one number only.
  21404: 'out_of_funds',
  // An address is missing, or it must be a local one.
  21613: 'needs_compliance',
  21615: 'needs_compliance',
  21631: 'needs_compliance',
  // A regulatory bundle is missing or not approved, or the address is not in it.
  21649: 'needs_compliance',
  21651: 'needs_compliance',
};

export const noneInAreaCode = '21452';
export const inServiceAlready = '21710';
/** By code, in our words, why a Messaging Service does not take a number. */
export const notTaken: Readonly<Record<string, string>> = {
  21712: 'The number is in another Messaging Service',
  21714: 'The Messaging Service is full (400 numbers)',
};

const ErrorBody = shapeOf(Type.Object({ code: Type.Integer(), message: Type.String() }));

/** A 4xx whose code is not in the list is `unavailable`: 21421, 21422 and many more. */
function explain(status: number, body: unknown): Refusal | undefined {
  if (!ErrorBody.Check(body)) return undefined;
  const outcome = outcomes[body.code] ?? outcomeOf(status);
  return outcome && { outcome, code: `${body.code}`, message: body.message };
}

function outcomeOf(status: number): Outcome | undefined {
  if (status === 401 || status === 403) return 'authentication_failed';
  if (status === 429) return 'rate_limited';
  // Twilio gave up waiting, and may have gone on.
  if (status === 408) return undefined;
  return 'unavailable';
}

// The fields of an answer that we use. In Twilio's published descriptions (github.com/twilio/twilio-oai) nearly every
// field may be null. Here the fields that we cannot do without may not.

const Nullable = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

export const accountSid = '^AC[0-9a-fA-F]{32}$';
const E164 = Type.String({ pattern: '^\\+[1-9]\\d{4,14}$' });
const NumberSid = Type.String({ pattern: '^PN[0-9a-fA-F]{32}$' });

const IncomingNumber = Type.Object({
  sid: NumberSid,
  account_sid: Type.String({ pattern: accountSid }),
  phone_number: E164,
  friendly_name: Nullable(Type.String()),
  // RFC 2822: Thu, 30 Jul 2015 23:19:04 +0000
  date_created: Nullable(Type.String()),
});
export type IncomingNumber = Static<typeof IncomingNumber>;
export const OneIncomingNumber = shapeOf(IncomingNumber);

export const IncomingNumbers = shapeOf(
  Type.Object({
    incoming_phone_numbers: Type.Array(IncomingNumber),
    next_page_uri: Nullable(Type.String()),
  }),
);

const AvailableNumber = Type.Object({
  phone_number: E164,
  locality: Nullable(Type.String()),
  region: Nullable(Type.String()),
  // The key is `sms` in some answers and `SMS` in others.
  capabilities: Nullable(Type.Record(Type.String(), Type.Unknown())),
});
export type AvailableNumber = Static<typeof AvailableNumber>;
export const AvailableNumbers = shapeOf(
  Type.Object({ available_phone_numbers: Type.Array(AvailableNumber) }),
);

export const Account = shapeOf(Type.Object({ sid: Type.String(), status: Type.String() }));

export const Balance = shapeOf(
  Type.Object({
    balance: Nullable(Type.String({ pattern: '^-?\\d+(\\.\\d+)?$' })),
    currency: Nullable(Type.String({ pattern: '^[A-Z]{3}$' })),
  }),
);

/** A number in a Messaging Service. */
export const ServiceNumber = shapeOf(Type.Object({ sid: NumberSid, phone_number: E164 }));
