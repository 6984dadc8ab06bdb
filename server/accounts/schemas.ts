import type { AccountFacts as Facts } from '../../carriers/carrier.ts';
import { carriers as kinds } from '../../carriers/carriers.ts';
import { type Static, Type } from '../../schema/schema.ts';
import { nullable, oneOf, Timestamp } from '../../schema/shapes.ts';
import { timestamp } from '../http/operation.ts';
import { type Account, shownCredentials } from './accounts.ts';
import { fieldsOf } from './credentials.ts';
import type { Vault } from './vault.ts';

export const AccountId = Type.String({ format: 'uuid', description: 'The id of the carrier account.' });
export const AccountParams = Type.Object({ account_id: AccountId });

const CarrierName = oneOf(Object.keys(kinds), { description: 'The carrier; see `GET /v1/carriers`.' });
const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'Your name for the account. It must be unique in the tenant.',
});
const Status = oneOf(['active', 'disabled'], {
  description: 'A `disabled` account buys nothing more. It still manages the numbers it has.',
});
const CompareEvery = nullable(
  Type.Integer({
    minimum: 3600,
    maximum: 31_536_000,
    description: 'The interval in seconds at which its numbers are compared with ours. Null: never.',
  }),
);
const NewCredentials = Type.Object(
  {},
  {
    additionalProperties: true,
    description:
      'The credentials of the account: the fields that `GET /v1/carriers` lists. Secrets are never shown again.',
    examples: [{ account_sid: 'AC0123456789abcdef0123456789abcdef', secret: 'the-auth-token' }],
  },
);

export const NewAccountBody = Type.Object(
  {
    carrier: CarrierName,
    name: Name,
    credentials: Type.Optional(NewCredentials),
    compare_every_seconds: Type.Optional(CompareEvery),
    verify: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'Whether to test the credentials at the carrier before they are stored.',
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        carrier: 'twilio',
        name: 'Main',
        credentials: { account_sid: 'AC0123456789abcdef0123456789abcdef', secret: 'the-auth-token' },
        compare_every_seconds: 86_400,
      },
    ],
  },
);

export const AccountEditBody = Type.Partial(
  Type.Object({
    name: Name,
    status: Status,
    compare_every_seconds: CompareEvery,
    credentials: NewCredentials,
  }),
  {
    additionalProperties: false,
    minProperties: 1,
    examples: [{ status: 'disabled' }, { compare_every_seconds: 3600 }],
  },
);

export const CarrierAccount = Type.Object(
  {
    id: AccountId,
    carrier: CarrierName,
    name: Name,
    status: Status,
    credentials: nullable(
      Type.Record(Type.String(), Type.String(), {
        description:
          'The fields of its credentials that are not secret. Null if the server lacks the key that sealed them.',
      }),
    ),
    verified_at: nullable(Timestamp('When its credentials last passed a test.')),
    problem: nullable(
      Type.String({ description: 'Why the carrier has rejected them since. Null if it has not.' }),
    ),
    compare_every_seconds: CompareEvery,
    compare_due_at: nullable(Timestamp('When the next comparison is due.')),
    created_at: Timestamp('When the account was added.'),
    modified_at: Timestamp('When the account was last changed.'),
  },
  {
    description: 'An account at a carrier, without its secrets.',
    additionalProperties: false,
    examples: [
      {
        id: '0199f3a0-9d41-7c02-b5ae-1f2e3d4c5b6a',
        carrier: 'twilio',
        name: 'Main',
        status: 'active',
        credentials: { account_sid: 'AC0123456789abcdef0123456789abcdef' },
        verified_at: '2024-01-15T10:30:00Z',
        problem: null,
        compare_every_seconds: 86_400,
        compare_due_at: '2024-01-16T10:30:00Z',
        created_at: '2024-01-15T10:30:00Z',
        modified_at: '2024-01-15T10:30:00Z',
      },
    ],
  },
);

export const AccountReply = Type.Object({ carrier_account: CarrierAccount });

export const accountBody = (row: Account, vault: Vault): Static<typeof CarrierAccount> => ({
  id: row.id,
  carrier: row.carrier,
  name: row.name,
  status: row.status,
  credentials: shownCredentials(row, vault),
  verified_at: timestamp(row.verified_at),
  problem: row.problem,
  compare_every_seconds: row.compare_every_seconds,
  compare_due_at: timestamp(row.compare_due_at),
  created_at: timestamp(row.created_at),
  modified_at: timestamp(row.modified_at),
});

const Balance = nullable(
  Type.Object(
    {
      amount: Type.String({ description: 'A decimal, as the carrier writes it.', examples: ['96.30'] }),
      currency: Type.String({ description: 'ISO 4217.', examples: ['USD'] }),
    },
    { description: 'The balance of the account. Null if the carrier does not tell it.' },
  ),
);

/** The reply to a test of an account. */
export const TestReply = Type.Object({
  carrier_account: CarrierAccount,
  account: Type.String({
    description: "The carrier's own id of the account, if it tells it.",
    examples: ['AC0123456789abcdef0123456789abcdef'],
  }),
  balance: Balance,
});

export const factsBody = ({ account, balance }: Facts) => ({ account, balance });

const CarrierKind = Type.Object(
  {
    name: CarrierName,
    title: Type.String({ description: 'Its name for people.' }),
    can: Type.Object(
      {
        buy: Type.Boolean({ description: 'Whether it can buy, compare and release numbers.' }),
        messaging: Type.Array(oneOf(['service', 'campaign']), {
          description:
            'The ids of its 10DLC registration that an organization must have to get numbers attached.',
        }),
      },
      { description: 'The capabilities of the carrier.' },
    ),
    credentials: Type.Array(
      Type.Object({
        name: Type.String({ description: 'The name of the field.' }),
        required: Type.Boolean({ description: 'Whether the field is required.' }),
        secret: Type.Boolean({ description: 'Whether the field is secret, so never shown again.' }),
        description: Type.String({ description: 'The meaning of the field.' }),
      }),
      { description: "The fields of an account's credentials." },
    ),
  },
  {
    description: 'A kind of carrier.',
    additionalProperties: false,
    examples: [
      {
        name: 'telnyx',
        title: 'Telnyx',
        can: { buy: true, messaging: ['service', 'campaign'] },
        credentials: [{ name: 'api_key', required: true, secret: true, description: 'An API v2 key.' }],
      },
    ],
  },
);

export const CarrierKinds = Type.Object({
  count: Type.Integer({ description: 'How many kinds there are.' }),
  carriers: Type.Array(CarrierKind, { description: 'The kinds of carriers.' }),
});

export const kindBodies = () =>
  Object.entries(kinds).map(([name, { title, can }]) => ({ name, title, can, credentials: fieldsOf(name) }));
