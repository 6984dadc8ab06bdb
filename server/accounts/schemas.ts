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

const CarrierName = oneOf(Object.keys(kinds), { description: 'Which carrier; see `GET /v1/carriers`.' });
const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'What you call the account; no two of yours have one name.',
});
const Status = oneOf(['active', 'disabled'], {
  description: '`disabled`: nothing more is bought through it. What it has sold stays in its care.',
});
const CompareEvery = nullable(
  Type.Integer({
    minimum: 3600,
    maximum: 31_536_000,
    description: 'Every so many seconds its book is compared with ours; null for never.',
  }),
);
const NewCredentials = Type.Object(
  {},
  {
    additionalProperties: true,
    description:
      'What opens the account: the fields that `GET /v1/carriers` names. Secrets are never shown again.',
    examples: [{ account_sid: 'AC0123456789abcdef0123456789abcdef', secret: 'the auth token' }],
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
        description: 'Whether the credentials are tested at the carrier before they are kept.',
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        carrier: 'twilio',
        name: 'Main',
        credentials: { account_sid: 'AC0123456789abcdef0123456789abcdef', secret: 'the auth token' },
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
          'The fields of its credentials that are no secret; null where the server lacks the key that they were kept with.',
      }),
    ),
    verified_at: nullable(Timestamp('When its credentials last worked in a test.')),
    problem: nullable(
      Type.String({ description: 'Why the carrier did not accept them since, if it did not.' }),
    ),
    compare_every_seconds: CompareEvery,
    compare_due_at: nullable(Timestamp('When its book is compared with ours next.')),
    created_at: Timestamp('When the account was added.'),
    modified_at: Timestamp('When it was last changed.'),
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
    { description: 'What is left to spend there; null where the carrier does not say.' },
  ),
);

/** What an account says of itself when it is tested. */
export const TestReply = Type.Object({
  carrier_account: CarrierAccount,
  account: Type.String({
    description: "The carrier's own name for the account, where it says it.",
    examples: ['AC0123456789abcdef0123456789abcdef'],
  }),
  balance: Balance,
});

export const factsBody = ({ account, balance }: Facts) => ({ account, balance });

const CarrierKind = Type.Object(
  {
    name: CarrierName,
    title: Type.String({ description: 'What people call it.' }),
    can: Type.Object(
      {
        buy: Type.Boolean({ description: 'Whether numbers are bought, compared and released through it.' }),
        hold: Type.Boolean({ description: 'Whether it keeps a number for a while before it is bought.' }),
        tags: Type.Boolean({ description: 'Whether its numbers have tags.' }),
        messaging: Type.Array(oneOf(['service', 'campaign']), {
          description:
            'What of its 10DLC registration an organization names, so that its numbers are attached.',
        }),
      },
      { description: 'What it can do.' },
    ),
    credentials: Type.Array(
      Type.Object({
        name: Type.String({ description: 'The name of the field.' }),
        required: Type.Boolean({ description: 'Whether it must be given.' }),
        secret: Type.Boolean({ description: 'Whether it is never shown again.' }),
        description: Type.String({ description: 'What it is.' }),
      }),
      { description: 'The fields of an account’s credentials.' },
    ),
  },
  {
    description: 'A kind of carrier.',
    additionalProperties: false,
    examples: [
      {
        name: 'telnyx',
        title: 'Telnyx',
        can: { buy: true, hold: true, tags: true, messaging: ['service', 'campaign'] },
        credentials: [{ name: 'api_key', required: true, secret: true, description: 'An API v2 key.' }],
      },
    ],
  },
);

export const CarrierKinds = Type.Object({
  count: Type.Integer({ description: 'How many there are.' }),
  carriers: Type.Array(CarrierKind, { description: 'The kinds of carriers.' }),
});

export const kindBodies = () =>
  Object.entries(kinds).map(([name, { title, can }]) => ({ name, title, can, credentials: fieldsOf(name) }));
