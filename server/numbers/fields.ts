import { Type } from '../../schema/schema.ts';
import { OrganizationId, oneOf, Timestamp, textLike, UserId } from '../../schema/shapes.ts';
import type { Field } from './field.ts';
import { readMetadata } from './metadata.ts';

/*
 * What a number is: one entry for each field. SQL statements, schemas, events, history, files and the command line are
 * generated from these entries. field.ts explains their properties; in short:
 *
 *   column or from   the field is stored in phone_numbers, or computed by SQL
 *   view             the narrowest view that shows it: `list` has the fields of the published API, `full` all that an
 *                    organization's revision covers, `detail` also the state of work at the carrier
 *   empty            the field changes, and number_versions keeps its earlier values
 *   edit             admins edit it
 *
 * To add a field that admins edit, write a migration (a column in phone_numbers and in number_versions), an entry here
 * with `edit`, and a test.
 */

const Tag = textLike(
  '^[^\\x00-\\x1f,]{1,60}$',
  '1 to 60 characters without commas and line breaks, such as west',
  { description: 'A tag.' },
);

/** In the order in which replies show them. */
export const fields = {
  id: {
    column: 'uuid',
    print: 'plain',
    view: 'list',
    schema: Type.String({ format: 'uuid', description: 'The id of the phone record.' }),
    example: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
  },
  phone_number: {
    column: 'text',
    print: 'plain',
    view: 'list',
    schema: textLike('^\\+[1-9][0-9]{6,14}$', 'a number in E.164 such as +14155551234', {
      description: 'The number in E.164.',
      examples: ['+14155551234'],
    }),
    example: '+14155551234',
  },
  pretty_phone_number: {
    column: 'text',
    print: 'plain',
    view: 'list',
    schema: Type.String({ description: 'Formatted for display.', examples: ['+1 415-555-1234'] }),
    example: '+1 415-555-1234',
  },
  nickname: {
    column: 'text',
    print: 'text',
    nullable: true,
    view: 'list',
    schema: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'A friendly name.',
      examples: ['Sales Line'],
    }),
    example: 'Sales Line',
    empty: null,
    history: true,
    edit: {},
  },
  is_available: {
    from: "n.status = 'available'",
    print: 'boolean',
    view: 'list',
    schema: Type.Boolean({ description: 'True if the number is unassigned and can be assigned.' }),
    example: false,
  },
  assigned_to: {
    from: "coalesce(u.holder, 'null')",
    print: 'json',
    view: 'list',
    schema: Type.Unsafe<{ user_id: string; email: string; name: string } | null>({
      type: ['object', 'null'],
      properties: {
        user_id: UserId,
        email: Type.String({ description: "The user's e-mail address." }),
        name: Type.String({ description: "The user's full name." }),
      },
      required: ['user_id', 'email', 'name'],
      additionalProperties: false,
      description: 'The user who has the number, or null.',
    }),
    example: { user_id: 'user_xyz789', email: 'john@company.com', name: 'John Smith' },
  },
  assigned_at: {
    from: 'a.assigned_at',
    print: 'moment',
    nullable: true,
    view: 'list',
    schema: Timestamp('When it was assigned, or null.'),
    example: '2024-01-15T10:30:00Z',
  },
  created_at: {
    column: 'timestamptz',
    print: 'moment',
    view: 'list',
    schema: Timestamp('When the record was created.', '2024-01-10T09:00:00Z'),
    example: '2024-01-10T09:00:00Z',
  },
  status: {
    column: 'text',
    print: 'plain',
    view: 'full',
    schema: oneOf(['pending', 'available', 'reserved', 'assigned', 'cooling_down', 'releasing', 'released'], {
      description: 'The stage of its life that the number is in.',
    }),
    example: 'assigned',
    empty: 'available',
    history: true,
  },
  until: {
    column: 'timestamptz',
    print: 'moment',
    nullable: true,
    view: 'full',
    schema: Timestamp(
      'When the status ends by itself: the end of a reservation, of a cool-down, or of the time in which a release can be undone. Null if it does not.',
    ),
    example: null,
    empty: null,
    history: true,
  },
  reservation_id: {
    column: 'uuid',
    print: 'plain',
    nullable: true,
    view: 'full',
    schema: Type.String({ format: 'uuid', description: 'The reservation that holds the number, or null.' }),
    example: null,
    empty: null,
    history: true,
  },
  reservation_note: {
    column: 'text',
    print: 'text',
    nullable: true,
    view: 'full',
    schema: Type.String({ description: 'The note of the reservation, or null.' }),
    example: null,
    empty: null,
    history: true,
  },
  external_id: {
    column: 'text',
    print: 'text',
    nullable: true,
    view: 'full',
    schema: Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        "The number's id in your own system. No two live numbers of the tenant can have the same one.",
      examples: ['crm-10932'],
    }),
    example: null,
    empty: null,
    history: true,
    edit: { unique: true, filter: true },
  },
  tags: {
    column: 'text[]',
    print: 'text',
    view: 'full',
    schema: Type.Array(Tag, {
      maxItems: 50,
      uniqueItems: true,
      description: 'Labels of your own.',
      examples: [['sales', 'west']],
    }),
    example: ['sales'],
    empty: [],
    edit: { read: (tags: string[]) => [...new Set(tags)].sort() },
  },
  locked: {
    column: 'boolean',
    print: 'boolean',
    view: 'full',
    schema: Type.Boolean({ description: 'If true, the number cannot be released.' }),
    example: false,
    empty: false,
    edit: { switches: ['lock', 'unlock'] },
  },
  metadata: {
    column: 'jsonb',
    print: 'json',
    view: 'full',
    schema: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      maxProperties: 50,
      additionalProperties: true,
      description: 'Your own data: a JSON object of up to 50 fields, 8,000 characters and 5 levels.',
      examples: [{ crm_id: 'A-1093' }],
    }),
    example: {},
    empty: {},
    edit: { read: readMetadata },
  },
  carrier_account_id: {
    column: 'uuid',
    print: 'plain',
    nullable: true,
    view: 'full',
    schema: Type.String({
      format: 'uuid',
      description: 'The carrier account that the number comes from, or null.',
    }),
    example: null,
    empty: null,
  },
  carrier_number_id: {
    column: 'text',
    print: 'text',
    nullable: true,
    schema: Type.String({ description: "The carrier's id of the number." }),
    example: null,
    empty: null,
  },
  pending_reason: {
    column: 'text',
    print: 'text',
    nullable: true,
    view: 'full',
    schema: Type.String({
      description:
        "Why the number stays `pending`: the carrier's reason for not attaching it. Null while Linekeeper tries to attach it.",
    }),
    example: null,
    empty: null,
  },
  organization_id: {
    from: 'o.unique_id',
    print: 'text',
    view: 'full',
    schema: OrganizationId,
    example: 'org_abc123',
  },
  organization_name: {
    from: 'o.name',
    print: 'text',
    view: 'full',
    schema: Type.String({ description: "The organization's name." }),
    example: 'Acme Dental',
  },
  country: {
    column: 'text',
    print: 'plain',
    nullable: true,
    view: 'full',
    schema: Type.String({ description: 'The country of the number itself: ISO 3166-1 alpha-2.' }),
    example: 'US',
  },
  area_code: {
    column: 'text',
    print: 'plain',
    nullable: true,
    view: 'full',
    schema: Type.String({ description: 'The area code of a North American number.' }),
    example: '415',
  },
  modified_at: {
    column: 'timestamptz',
    print: 'moment',
    view: 'full',
    schema: Timestamp('When the record was last changed.', '2024-01-15T10:30:00Z'),
    example: '2024-01-15T10:30:00Z',
  },
  created_at_exact: {
    from: 'n.created_at',
    print: 'instant',
    view: 'full',
    schema: Timestamp(
      'When the record was created, to the millisecond. Pass it as `created_after` to get what came later, and all of it.',
      '2024-01-10T09:00:00.000Z',
    ),
    example: '2024-01-10T09:00:00.000Z',
  },
  leaving: {
    from: 'n.release_due_at is not null',
    print: 'boolean',
    view: 'detail',
    schema: Type.Boolean({
      description: 'Whether the carrier is releasing the number. Until then it cannot be assigned.',
    }),
    example: false,
  },
  release_problem: {
    from: 'n.release_problem',
    print: 'text',
    nullable: true,
    view: 'detail',
    schema: Type.String({
      description: 'Why the carrier has not released the number yet. Linekeeper tries again.',
    }),
    example: null,
  },
} as const satisfies Record<string, Field>;
