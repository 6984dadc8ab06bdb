import { type TOptional, type TSchema, type TString, Type } from '../../../schema/schema.ts';
import { AreaCode, nullable, OrganizationId, oneOf, withDefault } from '../../../schema/shapes.ts';
import { Moment } from '../../http/moments.ts';
import { fields } from '../fields.ts';
import {
  assignedExample,
  availableExample,
  Beginning,
  Digits,
  FullNumber,
  ListedNumber,
  SearchCountry,
} from '../schemas.ts';
import { type FilterName, field, filterNames } from '../state.ts';
import { frameOf } from './formats.ts';
import { sorts } from './statement.ts';

const pagingNote =
  'Without `limit` and `cursor` all numbers are returned. Not with CSV and NDJSON, which always have all.';
const paging = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, description: `Numbers per page. ${pagingNote}` }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description:
        'The `next_cursor` of the previous page. Without `limit` a page has 100 numbers. Not with CSV and NDJSON.',
    }),
  ),
};

/** A filter by an exact value. */
const exactly = ({ description, ...schema }: TSchema & { description?: string }): TSchema => ({
  ...schema,
  description: `Exactly this value. ${description}`,
});

const filters = {
  area_code: Type.Optional(AreaCode),
  starts_with: Type.Optional(Beginning),
  contains: Type.Optional(Digits('Digits anywhere in the number')),
  ends_with: Type.Optional(Digits('The last digits')),
  default_country: SearchCountry,
  tag: Type.Optional(Type.String({ minLength: 1, maxLength: 60, description: 'A tag that the number has.' })),
  nickname: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'A part of the nickname. Upper and lower case are alike, and so are letters with and without accents.',
    }),
  ),
  ...(Object.fromEntries(filterNames.map(name => [name, Type.Optional(exactly(field(name).schema))])) as {
    [Name in FilterName]: TOptional<TString>;
  }),
  created_after: Type.Optional(
    Moment(
      'Created after this time; a moment to the second has all of that second. To follow what comes in, pass the last `created_at_exact` of the full view.',
    ),
  ),
  created_before: Type.Optional(Moment('Created before this time.')),
  unassigned_since: Type.Optional(Moment('Available since this time or longer. Not with `as_of`.')),
};

const shape = {
  sort: withDefault(oneOf(sorts, { default: 'phone_number', description: 'The order; `-` reverses it.' })),
  view: withDefault(
    oneOf(['list', 'full'], {
      default: 'list',
      description: '`full` shows every field of each number, except work in progress at its carrier.',
    }),
  ),
  total: withDefault(
    Type.Boolean({
      default: false,
      description: 'If true, `total` counts the matching numbers on all pages. Not with CSV and NDJSON.',
    }),
  ),
  format: Type.Optional(
    oneOf(['json', 'csv', 'ndjson'], {
      description:
        'The format of the reply. By default `Accept: text/csv` asks for CSV and `Accept: application/x-ndjson` for NDJSON.',
    }),
  ),
  as_of: Type.Optional(
    Type.String({
      format: 'revision-or-moment',
      maxLength: 40,
      description:
        "The list as it was at a revision of the organization, or at a time: an ISO 8601 timestamp, or a day, which means its beginning in the tenant's time zone. It must not be in the future. Users have today's names.",
      examples: ['12', '2024-03-01T00:00:00Z', '2024-03-01'],
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
    status: Type.Optional(fields.status.schema),
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

const listResponse = (example: object[]) =>
  Type.Object(
    {
      phone_numbers: Type.Array(Type.Union([ListedNumber, FullNumber]), {
        description: 'In the order of `phone_number`, character by character.',
      }),
      count: Type.Integer({ description: 'How many numbers were returned.' }),
      total: Type.Optional(
        Type.Integer({ description: 'How many numbers match, on all pages; only if asked for.' }),
      ),
      has_more: Type.Optional(Type.Boolean({ description: 'Whether another page follows; only in a page.' })),
      next_cursor: Type.Optional(
        nullable(
          Type.String({
            description: 'The `cursor` of the next page, or null; only in a page.',
          }),
        ),
      ),
    },
    { examples: [{ phone_numbers: example, count: example.length }] },
  );

export const ListBody = listResponse([assignedExample, availableExample]);
export const AvailableBody = listResponse([availableExample]);

const asFile = (format: 'csv' | 'ndjson', description: string, example: object[]) => {
  const { head, separator, piece } = frameOf({ format, view: 'list' });
  const items = example.map(number => JSON.stringify(number)).join(separator);
  return Type.String({ description, examples: [head + piece(items)] });
};
const listFiles = (example: object[]) => ({
  csv: asFile(
    'csv',
    'RFC 4180 in UTF-8: a line with the names of the columns, then a line for each number. The columns are the fields of a number in order. `assigned_to` becomes `user_id`, `user_email` and `user_name`; tags are separated by commas; metadata is JSON. Text that a spreadsheet could read as a formula is quoted, with an apostrophe before the formula. The import accepts the file unchanged.',
    example,
  ),
  ndjson: asFile(
    'ndjson',
    'One number per line, as in the JSON list. The import accepts the file unchanged.',
    example,
  ),
});

export const ListFiles = listFiles([assignedExample, availableExample]);
export const AvailableFiles = listFiles([availableExample]);
