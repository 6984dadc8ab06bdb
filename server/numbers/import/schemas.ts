import { Type } from '../../../schema/schema.ts';
import { nullable, oneOf, withDefault } from '../../../schema/shapes.ts';
import { problems } from '../../errors.ts';
import { DefaultCountry } from '../schemas.ts';
import { type Rejection, rowProblems } from './rejections.ts';

const flag = (description: string) => withDefault(Type.Boolean({ default: false, description }));

export const ImportQuery = Type.Object(
  {
    organization_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description:
          'The unique_id of the organization of rows that name none. Required unless the file has a column for it.',
        examples: ['org_abc123'],
      }),
    ),
    default_country: DefaultCountry,
    columns: Type.Optional(
      Type.String({
        maxLength: 4000,
        description:
          'A JSON object: for fields whose column has another name, that name. `metadata.NAME` puts a column into the metadata. With `no_header` the positions, from 1.',
        examples: ['{"phone_number":"Phone Number","metadata.city":"City"}'],
      }),
    ),
    no_header: flag(
      'If true, the first line is a row. The number is in column 1, unless `columns` says otherwise.',
    ),
    update: flag(
      'If true, numbers that are in their organization already are changed where the row differs. Otherwise such rows are rejected.',
    ),
    create_organizations: flag(
      'If true, an organization that does not exist is created, if a row for it can be imported. A bound key cannot do this.',
    ),
    create_users: flag(
      'If true, a user whose e-mail address no user of the organization has is created. `user_name` is the name.',
    ),
    all_or_nothing: flag('If true, nothing is imported if a row is rejected.'),
    dry_run: flag('If true, nothing is imported: the reply says what would happen.'),
  },
  { additionalProperties: false },
);

const importFile = (description: string, example: string) => ({
  schema: Type.String({ description, examples: [example] }),
});
export const ImportFile = {
  content: {
    'text/csv': importFile(
      'Separated by commas, semicolons or tabs. The first line names the columns, in any case.',
      'organization,phone_number,nickname,user\norg_abc123,(415) 555-1234,Sales Line,john@company.com\norg_abc123,+442079460958,,\n',
    ),
    'application/x-ndjson': importFile(
      'One JSON object per line. Its keys are what columns are in CSV.',
      '{"organization":"org_abc123","phone_number":"(415) 555-1234","nickname":"Sales Line","user":"user_xyz789"}\n{"organization":"org_abc123","phone_number":"+442079460958"}\n',
    ),
  },
};

export const ImportedOrganization = Type.Object(
  {
    organization_id: nullable(
      Type.String({ description: 'Its unique_id; null if it is only to be created.' }),
    ),
    name: Type.String({ description: "The organization's name." }),
    is_new: Type.Boolean({ description: 'Whether the import created it, or would.' }),
    batch_id: nullable(
      Type.String({ format: 'uuid', description: 'The batch of the new numbers in its audit log, or null.' }),
    ),
    update_batch_id: nullable(
      Type.String({ format: 'uuid', description: 'The batch of the changes in its audit log, or null.' }),
    ),
    imported: Type.Integer({ description: 'How many new numbers came into it.' }),
    updated: Type.Integer({ description: 'How many of its numbers were changed.' }),
    unchanged: Type.Integer({ description: 'How many of its numbers were the same.' }),
    rejected: Type.Integer({
      description: 'How many of its rows were rejected. Invalid rows belong to no organization.',
    }),
  },
  { additionalProperties: false },
);

const importFields = {
  dry_run: Type.Boolean({ description: 'Whether this was a dry run.' }),
  batch_id: nullable(
    Type.String({
      format: 'uuid',
      description:
        "The batch of the new numbers in the organization's audit log; null if there are none, or several organizations.",
    }),
  ),
  rows: Type.Integer({ description: 'How many rows the file has. Empty ones do not count.' }),
  imported: Type.Integer({ description: 'How many new numbers were imported, or would be.' }),
  updated: Type.Integer({ description: 'How many numbers were changed, or would be. 0 without `update`.' }),
  unchanged: Type.Integer({ description: 'How many numbers were the same already. 0 without `update`.' }),
  rejected: Type.Integer({ description: 'How many rows were rejected.' }),
  organizations: Type.Array(ImportedOrganization, {
    description: 'What became of each organization that the request or the file names.',
  }),
  not_taken: Type.Array(
    Type.Object(
      {
        column: Type.String({ description: 'The column, as the file names it.' }),
        rows: Type.Integer({ description: 'How many rows have something there.' }),
      },
      { additionalProperties: false },
    ),
    { description: 'What the file says and the import did not take.' },
  ),
  columns: Type.Unsafe<string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string' },
    description: "The file's columns; null for NDJSON.",
  }),
  separator: nullable(Type.String({ description: 'What is between two cells; null for NDJSON.' })),
  rejections_omitted: Type.Optional(
    Type.Integer({
      description: 'Only in a replay: how many further rejections it leaves out.',
    }),
  ),
  rejections: Type.Array(
    Type.Object(
      {
        line: Type.Integer({ description: 'The line of the file in which the row ends, from 1.' }),
        phone_number: Type.String({ description: 'The number as the file has it.' }),
        code: oneOf(rowProblems, { description: 'Why the row was rejected, for programs.' }),
        field: nullable(
          Type.String({ description: 'The field that is wrong; null if it is the whole row.' }),
        ),
        error: Type.String({ description: 'Why the row was rejected, for people.' }),
        row: Type.Unsafe<Rejection['row']>({
          type: ['array', 'object', 'string'],
          items: { type: 'string' },
          additionalProperties: true,
          description:
            'The row, to be corrected and imported again: the cells of CSV, or the object of NDJSON. A line that is no object is text.',
        }),
      },
      { additionalProperties: false },
    ),
    { description: 'The rejected rows, in the order of the file.' },
  ),
};

const rejection = {
  line: 3,
  phone_number: '415-555-12',
  code: 'invalid',
  field: 'phone_number',
  error: 'phone_number has 8 digits after +1 instead of 10',
  row: ['415-555-12', 'Front desk', 'Oakland'],
};
const organization = {
  organization_id: 'org_abc123',
  name: 'Acme Dental',
  is_new: false,
  batch_id: '0199f3a0-9c41-7e85-8f4d-7a6b1c2d3e4f',
  update_batch_id: null,
  imported: 1,
  updated: 0,
  unchanged: 0,
  rejected: 0,
};
const importExample = {
  dry_run: false,
  batch_id: '0199f3a0-9c41-7e85-8f4d-7a6b1c2d3e4f',
  rows: 2,
  imported: 1,
  updated: 0,
  unchanged: 0,
  rejected: 1,
  organizations: [organization],
  not_taken: [{ column: 'City', rows: 2 }],
  columns: ['Phone Number', 'Label', 'City'],
  separator: ',',
  rejections: [rejection],
};

export const ImportBody = Type.Object(importFields, { examples: [importExample] });

/** The error of an all-or-nothing import, with its report. */
export const ImportRejectedBody = Type.Object(
  {
    success: Type.Literal(false, { description: 'Whether the request was successful.' }),
    error: Type.String({ description: 'What is wrong, for people.' }),
    code: oneOf(['import_rejected', 'idempotency_mismatch'], { description: 'What is wrong, for programs.' }),
    request_id: Type.String({ description: "The id of this request in the server's log." }),
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
        organizations: [{ ...organization, batch_id: null, imported: 0 }],
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
