import { Type } from '../../schema/schema.ts';
import { nullable, oneOf, Timestamp, withDefault } from '../../schema/shapes.ts';
import { OrganizationId } from '../organizations/schemas.ts';
import { UserId } from '../users/schemas.ts';
import { countries, defaultCountry } from './phone-number.ts';

export const E164 = Type.String({
  pattern: '^\\+[1-9][0-9]{6,14}$',
  description: 'The number in E.164.',
  examples: ['+14155551234'],
});

export const AnyWriting = Type.String({
  minLength: 1,
  maxLength: 64,
  description:
    'A phone number, in any usual way of writing it: `+14155551234`, `(415) 555-1234`, `+44 20 7946 0958`.',
  examples: ['+14155551234'],
});

export const DefaultCountry = withDefault(
  oneOf([...countries].sort(), {
    default: defaultCountry,
    description: 'What a number without `+` is read as: an ISO 3166-1 alpha-2 country.',
  }),
);

export const Nickname = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'A friendly name.',
  examples: ['Sales Line'],
});

export const Tags = Type.Array(Type.String({ pattern: '^[^\\x00-\\x1f,]{1,60}$', description: 'A tag.' }), {
  maxItems: 50,
  uniqueItems: true,
  description: 'Words to find it by.',
  examples: [['sales', 'west']],
});
export const Metadata = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  maxProperties: 50,
  additionalProperties: true,
  description: 'Anything of your own: a JSON object of up to 50 fields, 8,000 characters and 5 levels.',
  examples: [{ crm_id: 'A-1093' }],
});

export const Status = oneOf(
  ['pending', 'available', 'reserved', 'assigned', 'cooling_down', 'releasing', 'released'],
  {
    description: 'Where the number is in its life.',
  },
);

export const NumberParams = Type.Object({ phone_number: AnyWriting });
export const CountryQuery = Type.Object({ default_country: DefaultCountry }, { additionalProperties: false });

export const Holder = Type.Unsafe<{ user_id: string; email: string; name: string } | null>({
  type: ['object', 'null'],
  properties: {
    user_id: UserId,
    email: Type.String({ description: "The user's e-mail address." }),
    name: Type.String({ description: "The user's full name." }),
  },
  required: ['user_id', 'email', 'name'],
  additionalProperties: false,
  description: 'The user who has the number, or null.',
});

const listFields = {
  id: Type.String({ format: 'uuid', description: 'The id of the phone record.' }),
  phone_number: E164,
  pretty_phone_number: Type.String({ description: 'Formatted for display.', examples: ['+1 415-555-1234'] }),
  nickname: nullable(Nickname),
  is_available: Type.Boolean({ description: 'True if unassigned and free to be handed out.' }),
  assigned_to: Holder,
  assigned_at: nullable(Timestamp('When it was assigned, or null.')),
  created_at: Timestamp('When the record was created.', '2024-01-10T09:00:00Z'),
};

export const assignedExample = {
  id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
  phone_number: '+14155551234',
  pretty_phone_number: '+1 415-555-1234',
  nickname: 'Sales Line',
  is_available: false,
  assigned_to: { user_id: 'user_xyz789', email: 'john@company.com', name: 'John Smith' },
  assigned_at: '2024-01-15T10:30:00Z',
  created_at: '2024-01-10T09:00:00Z',
};
export const availableExample = {
  id: '8a2b3c4d-5e6f-7890-abcd-ef1234567890',
  phone_number: '+14155555678',
  pretty_phone_number: '+1 415-555-5678',
  nickname: null,
  is_available: true,
  assigned_to: null,
  assigned_at: null,
  created_at: '2024-01-12T14:00:00Z',
};

export const ListedNumber = Type.Object(listFields, { additionalProperties: false });

const fullFields = {
  ...listFields,
  status: Status,
  until: nullable(
    Timestamp('When the status ends by itself: a reservation, a cool-down, the time to undo a release.'),
  ),
  reservation_id: nullable(
    Type.String({ format: 'uuid', description: 'The reservation that keeps it, or null.' }),
  ),
  reservation_note: nullable(Type.String({ description: 'What the reservation is for.' })),
  tags: Tags,
  locked: Type.Boolean({ description: 'Whether it must not be released.' }),
  metadata: Metadata,
  carrier_account_id: nullable(
    Type.String({ format: 'uuid', description: 'The carrier account that it comes from, or null.' }),
  ),
  pending_reason: nullable(
    Type.String({
      description:
        'Why it stays `pending`: what the carrier says against its attachment; null while it is tried.',
    }),
  ),
  organization_id: OrganizationId,
  organization_name: Type.String({ description: 'What the organization is called.' }),
  country: nullable(Type.String({ description: 'ISO 3166-1 alpha-2, from the number itself.' })),
  area_code: nullable(Type.String({ description: 'The area code of a North American number.' })),
  modified_at: Timestamp('When the record was last changed.', '2024-01-15T10:30:00Z'),
};

const fullExample = {
  ...assignedExample,
  status: 'assigned',
  until: null,
  reservation_id: null,
  reservation_note: null,
  tags: ['sales'],
  locked: false,
  metadata: {},
  carrier_account_id: null,
  pending_reason: null,
  organization_id: 'org_abc123',
  organization_name: 'Acme Dental',
  country: 'US',
  area_code: '415',
  modified_at: '2024-01-15T10:30:00Z',
};

export const detailExample = { ...fullExample, leaving: false, release_problem: null };

export const FullNumber = Type.Object(fullFields, { additionalProperties: false });

/** What is under way at the carrier is no revision, so it is in no list: the list's ETag would not tell of it. */
export const NumberDetail = Type.Object(
  {
    ...fullFields,
    leaving: Type.Boolean({
      description: 'Whether it is being released at its carrier: until that is done it is handed to nobody.',
    }),
    release_problem: nullable(
      Type.String({ description: 'Why its carrier has not released it yet; it is asked again.' }),
    ),
  },
  {
    description: 'A number, in full.',
    additionalProperties: false,
    examples: [detailExample],
  },
);

/** The answer of every route that is about one number. */
export const OneNumber = Type.Object({ phone_number: NumberDetail });
