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
    '`not_here`: only at the carrier. `not_there`: only here, confirmed by a look-up at the carrier. `different`: in both places with different data.',
});

export const DriftQuery = Type.Object(
  {
    pile: Type.Optional(Pile),
    include_resolved: withDefault(
      Type.Boolean({ default: false, description: 'If true, includes resolved drift.' }),
    ),
    limit: withDefault(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'The maximum number of results.',
      }),
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'The `next_cursor` of the previous page.' }),
    ),
  },
  { additionalProperties: false },
);

export const Drift = Type.Object(
  {
    phone_number: Type.String({ description: 'The number as the carrier writes it.' }),
    pile: Pile,
    organization_id: nullable(
      Type.String({ description: 'The organization that has the number here. Null if none does.' }),
    ),
    wanted_organization_id: nullable(
      Type.String({ description: 'The organization that the map or the rules choose. Null if none fits.' }),
    ),
    carrier_number_id: Type.String({
      description: "The number's id at the carrier. For `not_there`, the id recorded here.",
    }),
    name: nullable(Type.String({ description: 'The name at the carrier.' })),
    tags: Type.Array(Type.String({ description: 'A tag.' }), { description: 'The tags at the carrier.' }),
    reference: nullable(Type.String({ description: 'The purchase reference, if the carrier stores it.' })),
    subaccount: nullable(Type.String({ description: 'The subaccount that owns the number at the carrier.' })),
    differences: Type.Array(
      Type.Object(
        {
          field: oneOf(['carrier_account_id', 'carrier_number_id', 'organization_id'], {
            description: 'The field that differs.',
          }),
          here: nullable(Type.String({ description: 'The value here.' })),
          there: Type.String({
            description: 'The value at the carrier, or the value that the map or the rules choose.',
          }),
        },
        { additionalProperties: false },
      ),
      { description: 'The fields that differ. Empty unless the pile is `different`.' },
    ),
    resolution: nullable(
      oneOf(['adopted', 'linked', 'forgotten', 'ignored', 'released_at_carrier'], {
        description: 'The resolution. Null while there is none.',
      }),
    ),
    resolved_at: nullable(Timestamp('When the drift was resolved.')),
  },
  {
    description: 'A number on which the carrier and Linekeeper disagreed during a run.',
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
    { action: Type.Literal(action, { description: 'The action.' }), ...more },
    { additionalProperties: false },
  );

export const ResolveBody = Type.Unsafe<Action>({
  type: 'object',
  required: ['action'],
  properties: {
    action: {
      type: 'string',
      enum: ['adopt', 'link', 'forget', 'ignore', 'release_at_carrier'],
      description: 'The action.',
    },
  },
  discriminator: { propertyName: 'action' },
  oneOf: [
    does('adopt', { organization_id: OrganizationId }),
    does('link'),
    does('forget'),
    does('ignore'),
    does('release_at_carrier', {
      confirm: Type.Literal(true, { description: 'Confirms the release. The number may be lost for good.' }),
    }),
  ],
  examples: [{ action: 'adopt', organization_id: 'org_abc123' }],
});
