import { type Static, Type } from 'typebox';
import { nullable, oneOf, Timestamp, timestamp, withDefault } from '../http/operation.ts';
import { OrganizationId } from '../organizations/schemas.ts';
import { UserId } from '../users/schemas.ts';
import { listItem } from './list.ts';
import type { NumberRow } from './numbers.ts';
import { countries, defaultCountry } from './phone-number.ts';

const E164 = Type.String({
  pattern: '^\\+[1-9][0-9]{6,14}$',
  description: 'The number in E.164.',
  examples: ['+14155551234'],
});

const AnyWriting = Type.String({
  minLength: 1,
  maxLength: 64,
  description:
    'A phone number, in any usual way of writing it: `+14155551234`, `(415) 555-1234`, `+44 20 7946 0958`.',
  examples: ['+14155551234'],
});

const DefaultCountry = withDefault(
  oneOf([...countries].sort(), {
    default: defaultCountry,
    description: 'What a number without `+` is read as: an ISO 3166-1 alpha-2 country.',
  }),
);

const Nickname = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'A friendly name.',
  examples: ['Sales Line'],
});

export const NumberParams = Type.Object({ phone_number: AnyWriting });
export const CountryQuery = Type.Object({ default_country: DefaultCountry }, { additionalProperties: false });

const pagingNote = 'Without `limit` and `cursor` every number is returned, however many.';
const paging = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, description: `Numbers per page. ${pagingNote}` }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'The `next_cursor` of the page before; 100 per page without `limit`.',
    }),
  ),
};

export const AvailableQuery = Type.Object(
  { organization_id: OrganizationId, ...paging },
  { additionalProperties: false },
);

export const ListQuery = Type.Object(
  {
    organization_id: OrganizationId,
    include_assigned: withDefault(
      Type.Boolean({
        default: true,
        description: 'If false, only returns unassigned numbers (the available pool).',
      }),
    ),
    ...paging,
  },
  { additionalProperties: false },
);

const Holder = Type.Unsafe<{ user_id: string; email: string; name: string } | null>({
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

const assignedExample = {
  id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
  phone_number: '+14155551234',
  pretty_phone_number: '+1 415-555-1234',
  nickname: 'Sales Line',
  is_available: false,
  assigned_to: { user_id: 'user_xyz789', email: 'john@company.com', name: 'John Smith' },
  assigned_at: '2024-01-15T10:30:00Z',
  created_at: '2024-01-10T09:00:00Z',
};
const availableExample = {
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

const listResponse = (example: object[]) =>
  Type.Object(
    {
      phone_numbers: Type.Array(ListedNumber, {
        description: 'In the order of `phone_number`, character by character.',
      }),
      count: Type.Integer({ description: 'How many numbers were returned.' }),
      has_more: Type.Optional(
        Type.Boolean({ description: 'Whether another page follows; only when paging was asked for.' }),
      ),
      next_cursor: Type.Optional(
        nullable(
          Type.String({
            description: 'What to ask the next page with, or null; only when paging was asked for.',
          }),
        ),
      ),
    },
    { examples: [{ phone_numbers: example, count: example.length }] },
  );

export const ListBody = listResponse([assignedExample, availableExample]);
export const AvailableBody = listResponse([availableExample]);

export const NumberDetail = Type.Object(
  {
    ...listFields,
    status: oneOf(['pending', 'available', 'reserved', 'assigned', 'cooling_down', 'releasing', 'released'], {
      description: 'Where the number is in its life.',
    }),
    organization_id: OrganizationId,
    organization_name: Type.String({ description: 'What the organization is called.' }),
    country: nullable(Type.String({ description: 'ISO 3166-1 alpha-2, from the number itself.' })),
    area_code: nullable(Type.String({ description: 'The area code of a North American number.' })),
    modified_at: Timestamp('When the record was last changed.', '2024-01-15T10:30:00Z'),
  },
  {
    description: 'A number, in full.',
    additionalProperties: false,
    examples: [
      {
        ...assignedExample,
        status: 'assigned',
        organization_id: 'org_abc123',
        organization_name: 'Acme Dental',
        country: 'US',
        area_code: '415',
        modified_at: '2024-01-15T10:30:00Z',
      },
    ],
  },
);

export function numberBody(row: NumberRow): Static<typeof NumberDetail> {
  return {
    ...listItem({ ...row, user_email: row.user_email ?? '', user_name: row.user_name ?? '' }),
    status: row.status,
    organization_id: row.organization_unique_id,
    organization_name: row.organization_name,
    country: row.country,
    area_code: row.area_code,
    modified_at: timestamp(row.modified_at),
  };
}

export const AddNumbersBody = Type.Object(
  {
    organization_id: OrganizationId,
    phone_numbers: Type.Array(
      Type.Object(
        {
          phone_number: AnyWriting,
          nickname: Type.Optional(nullable(Nickname)),
          user_id: Type.Optional(nullable(UserId)),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 1000, description: 'The numbers to add.' },
    ),
    default_country: DefaultCountry,
  },
  {
    additionalProperties: false,
    examples: [
      {
        organization_id: 'org_abc123',
        phone_numbers: [{ phone_number: '(415) 555-1234', nickname: 'Sales Line', user_id: 'user_xyz789' }],
      },
    ],
  },
);

export const AssignQuery = Type.Object(
  {
    organization_id: Type.Optional(OrganizationId),
    default_country: DefaultCountry,
  },
  { additionalProperties: false },
);

export const AssignBody = Type.Object(
  { user_id: UserId },
  { additionalProperties: false, examples: [{ user_id: 'user_xyz789' }] },
);

export const AssignedBody = Type.Object(
  {
    phone_number: E164,
    user_id: UserId,
    assigned_at: Timestamp('When it was assigned.'),
  },
  {
    examples: [{ phone_number: '+14155551234', user_id: 'user_xyz789', assigned_at: '2024-01-15T10:30:00Z' }],
  },
);

export const UnassignedBody = Type.Object(
  { phone_number: E164, user_id: Type.String({ description: 'Who had it until now.' }) },
  { examples: [{ phone_number: '+14155551234', user_id: 'user_xyz789' }] },
);

export const NumberEditBody = Type.Object(
  { nickname: nullable(Nickname) },
  { additionalProperties: false, examples: [{ nickname: 'Support Line' }] },
);

export const ImportQuery = Type.Object(
  {
    organization_id: OrganizationId,
    default_country: DefaultCountry,
    all_or_nothing: withDefault(
      Type.Boolean({
        default: false,
        description: 'If true, one rejected row means that nothing is imported.',
      }),
    ),
    dry_run: withDefault(
      Type.Boolean({ default: false, description: 'If true, only tells what would happen.' }),
    ),
  },
  { additionalProperties: false },
);

const importFile = (description: string, example: string) => ({
  schema: Type.String({ description, examples: [example] }),
});
export const ImportFile = {
  content: {
    'text/csv': importFile(
      'The first line names the columns.',
      'phone_number,nickname,user\n(415) 555-1234,Sales Line,john@company.com\n+442079460958,,\n',
    ),
    'application/x-ndjson': importFile(
      'One JSON object a line.',
      '{"phone_number":"(415) 555-1234","nickname":"Sales Line","user":"user_xyz789"}\n{"phone_number":"+442079460958"}\n',
    ),
  },
};

const importFields = {
  dry_run: Type.Boolean({ description: 'Whether this was only a rehearsal.' }),
  batch_id: nullable(
    Type.String({ format: 'uuid', description: "Names the import in the organization's log." }),
  ),
  rows: Type.Integer({ description: 'How many rows the file has.' }),
  imported: Type.Integer({ description: 'How many were imported, or would be.' }),
  rejected: Type.Integer({ description: 'How many were not.' }),
  rejections: Type.Array(
    Type.Object(
      {
        line: Type.Integer({ description: 'The line of the file, from 1.' }),
        phone_number: Type.String({ description: 'The number as it was written there.' }),
        code: oneOf(['invalid', 'unknown_user', 'already_exists', 'duplicate_in_file'], {
          description: 'Why, for programs.',
        }),
        error: Type.String({ description: 'Why, for people.' }),
      },
      { additionalProperties: false },
    ),
    { description: 'Every rejected row, in the order of the file.' },
  ),
};

const rejection = {
  line: 3,
  phone_number: '415-555-12',
  code: 'invalid',
  error: 'phone_number has 8 digits after +1 instead of 10',
};
const importExample = {
  dry_run: false,
  batch_id: '0199f3a0-9c41-7e85-8f4d-7a6b1c2d3e4f',
  rows: 2,
  imported: 1,
  rejected: 1,
  rejections: [rejection],
};

export const ImportBody = Type.Object(importFields, { examples: [importExample] });

/** An all-or-nothing import that was refused: an error that carries the whole report. */
export const ImportRejectedBody = Type.Object(
  {
    success: Type.Literal(false, { description: 'Whether the request was successful.' }),
    error: Type.String({ description: 'What is wrong, for people.' }),
    code: Type.Literal('import_rejected', { description: 'What is wrong, for programs.' }),
    request_id: Type.String({ description: 'Names this request in the log of the server.' }),
    ...importFields,
    powered_by: Type.String({ description: "The server's brand." }),
  },
  {
    additionalProperties: false,
    examples: [
      {
        success: false,
        error: '1 of 2 rows was rejected, so nothing was imported',
        code: 'import_rejected',
        request_id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
        ...importExample,
        batch_id: null,
        imported: 0,
        powered_by: 'Teli',
      },
    ],
  },
);
