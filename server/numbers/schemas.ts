import { Type } from '../../schema/schema.ts';
import { problems } from '../errors.ts';
import { nullable, oneOf, Timestamp, withDefault } from '../http/operation.ts';
import { OrganizationId } from '../organizations/schemas.ts';
import { UserId } from '../users/schemas.ts';
import { frameOf } from './list/formats.ts';
import { sorts } from './list/statement.ts';
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

const Status = oneOf(
  ['pending', 'available', 'reserved', 'assigned', 'cooling_down', 'releasing', 'released'],
  {
    description: 'Where the number is in its life.',
  },
);

export const NumberParams = Type.Object({ phone_number: AnyWriting });
export const CountryQuery = Type.Object({ default_country: DefaultCountry }, { additionalProperties: false });

const pagingNote =
  'Without `limit` and `cursor` every number is returned, however many. Not with CSV and NDJSON, which have all.';
const paging = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, description: `Numbers per page. ${pagingNote}` }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description:
        'The `next_cursor` of the page before; 100 per page without `limit`. Not with CSV and NDJSON.',
    }),
  ),
};

const Digits = (description: string) =>
  Type.String({
    pattern: '^[-+0-9(). ]*[0-9][-+0-9(). ]*$',
    maxLength: 40,
    description: `${description}, in any formatting.`,
  });

const filters = {
  area_code: Type.Optional(
    Type.String({ pattern: '^[2-9][0-9]{2}$', description: 'The area code of a North American number.' }),
  ),
  starts_with: Type.Optional(Digits('The first digits, country code included')),
  contains: Type.Optional(Digits('Digits anywhere in the number')),
  ends_with: Type.Optional(Digits('The last digits')),
  tag: Type.Optional(Type.String({ minLength: 1, maxLength: 60, description: 'A tag that the number has.' })),
  nickname: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'A part of the nickname, in any case.' }),
  ),
  created_after: Type.Optional(Timestamp('Created after this moment.')),
  created_before: Type.Optional(Timestamp('Created before this moment.')),
  unassigned_since: Type.Optional(Timestamp('Available since this moment or longer; not with `as_of`.')),
};

const shape = {
  sort: withDefault(oneOf(sorts, { default: 'phone_number', description: 'The order; `-` turns it round.' })),
  view: withDefault(
    oneOf(['list', 'full'], {
      default: 'list',
      description: '`full` shows every field of each number, but what is under way at its carrier.',
    }),
  ),
  total: withDefault(
    Type.Boolean({
      default: false,
      description:
        'Whether to tell `total`: how many numbers fit, on all pages together. Not with CSV and NDJSON.',
    }),
  ),
  format: Type.Optional(
    oneOf(['json', 'csv', 'ndjson'], {
      description:
        'How to answer; not given, `Accept: text/csv` asks for CSV and `Accept: application/x-ndjson` for NDJSON.',
    }),
  ),
  as_of: Type.Optional(
    Type.String({
      pattern: '^([0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}T.{5,30})$',
      description:
        "The list as it was: at a revision of the organization, or at a moment. Users are shown with today's names.",
      examples: ['12', '2024-03-01T00:00:00Z'],
    }),
  ),
};

export const AvailableQuery = Type.Object(
  { organization_id: OrganizationId, ...filters, ...shape, ...paging },
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
    status: Type.Optional(Status),
    assigned_to: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 320,
        description: 'The unique_id or e-mail address of the user who has it.',
      }),
    ),
    ...filters,
    ...shape,
    ...paging,
  },
  { additionalProperties: false },
);

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

const detailExample = { ...fullExample, leaving: false, release_problem: null };

const FullNumber = Type.Object(fullFields, { additionalProperties: false });

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

export const LookUpBody = Type.Object(
  {
    phone_numbers: Type.Array(AnyWriting, {
      minItems: 1,
      maxItems: 1000,
      description: 'The numbers to look up.',
    }),
    default_country: DefaultCountry,
  },
  { additionalProperties: false, examples: [{ phone_numbers: ['(415) 555-1234', '+14155550000'] }] },
);

export const LookedUp = Type.Object(
  {
    results: Type.Array(
      Type.Object(
        {
          asked: Type.String({
            description: 'The number as it was asked for.',
            examples: ['(415) 555-1234'],
          }),
          phone_number: Type.Union([NumberDetail, Type.Null()], {
            description: 'The number in full; null for one that is not here, or not yours to see.',
          }),
        },
        { additionalProperties: false },
      ),
      { description: 'One for each number that was asked for, in that order.' },
    ),
    count: Type.Integer({ description: 'How many of them were found.' }),
  },
  {
    examples: [
      {
        results: [
          { asked: '(415) 555-1234', phone_number: detailExample },
          { asked: '+14155550000', phone_number: null },
        ],
        count: 1,
      },
    ],
  },
);

const listResponse = (example: object[]) =>
  Type.Object(
    {
      phone_numbers: Type.Array(Type.Union([ListedNumber, FullNumber]), {
        description: 'In the order of `phone_number`, character by character.',
      }),
      count: Type.Integer({ description: 'How many numbers were returned.' }),
      total: Type.Optional(
        Type.Integer({ description: 'How many fit on all pages together; only when asked for.' }),
      ),
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

const asFile = (format: 'csv' | 'ndjson', description: string, example: object[]) => {
  const { head, between, piece } = frameOf({ format, view: 'list' });
  const items = example.map(number => JSON.stringify(number)).join(between);
  return Type.String({ description, examples: [head + piece(items)] });
};
const listFiles = (example: object[]) => ({
  csv: asFile(
    'csv',
    'RFC 4180, in UTF-8: a line that names the columns, and one for each number. The columns are the fields of a number in their order; `assigned_to` is `user_id`, `user_email` and `user_name`, tags have commas between them, metadata is JSON. Text that a spreadsheet might take for a formula begins with an apostrophe. The import takes such a file as it is.',
    example,
  ),
  ndjson: asFile(
    'ndjson',
    'One number a line, each as in the JSON list. The import takes such a file as it is.',
    example,
  ),
});

export const ListFiles = listFiles([assignedExample, availableExample]);
export const AvailableFiles = listFiles([availableExample]);

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

export const NumberEditBody = Type.Object(
  {
    nickname: Type.Optional(nullable(Nickname)),
    tags: Type.Optional(nullable(Tags)),
    locked: Type.Optional(nullable(Type.Boolean({ description: 'Whether it must not be released.' }))),
    metadata: Type.Optional(nullable(Metadata)),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    examples: [{ nickname: 'Support Line', tags: ['support'] }],
  },
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
  rejections_omitted: Type.Optional(
    Type.Integer({
      description: 'Only in the answer to a repeat: how many of the last rejections it lacks.',
    }),
  ),
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

/** An import that was refused: if it was to be all or nothing, an error that carries the whole report. */
export const ImportRejectedBody = Type.Object(
  {
    success: Type.Literal(false, { description: 'Whether the request was successful.' }),
    error: Type.String({ description: 'What is wrong, for people.' }),
    code: oneOf(['import_rejected', 'idempotency_mismatch'], { description: 'What is wrong, for programs.' }),
    request_id: Type.String({ description: 'Names this request in the log of the server.' }),
    ...Type.Partial(Type.Object(importFields)).properties,
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
      {
        success: false,
        error: problems.idempotency_mismatch[1],
        code: 'idempotency_mismatch',
        request_id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
        powered_by: 'Teli',
      },
    ],
  },
);
