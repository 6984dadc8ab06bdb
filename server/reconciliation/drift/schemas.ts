import { type Static, type TSchema, Type } from '../../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp, withDefault } from '../../../schema/shapes.ts';
import { timestamp } from '../../http/operation.ts';
import { AnyFormat } from '../../numbers/schemas.ts';
import { RunId } from '../schemas.ts';
import type { Drift as DriftRow } from './drift.ts';
import type { Action } from './resolve.ts';

export const DriftParams = Type.Object({ run_id: RunId, phone_number: AnyFormat });

const piles = ['not_here', 'not_there', 'different'] as const;
const Pile = oneOf(piles, {
  description:
    '`not_here`: at the carrier only. `not_there`: here only, and looked up at the carrier by itself. `different`: in both, and not the same.',
});

export const DriftQuery = Type.Object(
  {
    pile: Type.Optional(Pile),
    include_resolved: withDefault(
      Type.Boolean({ default: false, description: 'If true, also what is resolved.' }),
    ),
    limit: withDefault(
      Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Numbers at most.' }),
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'The `next_cursor` of the page before.' }),
    ),
  },
  { additionalProperties: false },
);

export const Drift = Type.Object(
  {
    phone_number: Type.String({ description: 'The number, as the carrier writes it.' }),
    pile: Pile,
    organization_id: nullable(Type.String({ description: 'The organization that has it here, or null.' })),
    wanted_organization_id: nullable(
      Type.String({ description: 'Where the rules of the adoption put it, or null.' }),
    ),
    carrier_number_id: Type.String({
      description: "The carrier's id of it; ours of it for what it has not.",
    }),
    name: nullable(Type.String({ description: 'Its name at the carrier.' })),
    tags: Type.Array(Type.String({ description: 'A tag.' }), { description: 'Its tags at the carrier.' }),
    reference: nullable(Type.String({ description: 'What it was bought with, where the carrier knows.' })),
    subaccount: nullable(Type.String({ description: 'The account below yours that it lies in.' })),
    differences: Type.Array(
      Type.Object(
        {
          field: oneOf(['carrier_account_id', 'carrier_number_id', 'organization_id'], {
            description: 'What is different.',
          }),
          here: nullable(Type.String({ description: 'What it is here.' })),
          there: Type.String({ description: 'What it is at the carrier, or by the rules of the adoption.' }),
        },
        { additionalProperties: false },
      ),
      { description: 'What is different, for a number that is in both books.' },
    ),
    resolution: nullable(
      oneOf(['adopted', 'linked', 'forgotten', 'ignored', 'released_at_carrier'], {
        description: 'What was made of it, or null.',
      }),
    ),
    resolved_at: nullable(Timestamp('When that was.')),
  },
  {
    description: 'A number about which the two books do not agree, as of a run.',
    additionalProperties: false,
    examples: [
      {
        phone_number: '+14155551234',
        pile: 'not_here' as const,
        organization_id: null,
        wanted_organization_id: null,
        carrier_number_id: 'PN0123456789abcdef0123456789abcdef',
        name: 'Front desk',
        tags: [],
        reference: null,
        subaccount: null,
        differences: [],
        resolution: null,
        resolved_at: null,
      },
    ],
  },
);

export const driftBody = (row: DriftRow): Static<typeof Drift> => ({
  ...row,
  differences: row.differences as Static<typeof Drift>['differences'],
  resolved_at: timestamp(row.resolved_at),
});

const does = (action: Action['action'], more: Record<string, TSchema> = {}) =>
  Type.Object(
    { action: Type.Literal(action, { description: 'What to do.' }), ...more },
    { additionalProperties: false },
  );

export const ResolveBody = Type.Unsafe<Action>({
  type: 'object',
  required: ['action'],
  properties: {
    action: {
      type: 'string',
      enum: ['adopt', 'link', 'forget', 'ignore', 'release_at_carrier'],
      description: 'What to do.',
    },
  },
  discriminator: { propertyName: 'action' },
  oneOf: [
    does('adopt', { organization_id: OrganizationId }),
    does('link'),
    does('forget'),
    does('ignore'),
    does('release_at_carrier', {
      confirm: Type.Literal(true, { description: 'That you mean it: the number may be gone for good.' }),
    }),
  ],
  examples: [{ action: 'adopt', organization_id: 'org_abc123' }],
});
