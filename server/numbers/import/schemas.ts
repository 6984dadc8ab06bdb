import { Type } from '../../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, withDefault } from '../../../schema/shapes.ts';
import { problems } from '../../errors.ts';
import { DefaultCountry } from '../schemas.ts';

export const ImportQuery = Type.Object(
  {
    organization_id: OrganizationId,
    default_country: DefaultCountry,
    all_or_nothing: withDefault(
      Type.Boolean({
        default: false,
        description: 'If true, nothing is imported if a row is rejected.',
      }),
    ),
    dry_run: withDefault(
      Type.Boolean({
        default: false,
        description: 'If true, nothing is imported: the reply says what would happen.',
      }),
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
      'One JSON object per line.',
      '{"phone_number":"(415) 555-1234","nickname":"Sales Line","user":"user_xyz789"}\n{"phone_number":"+442079460958"}\n',
    ),
  },
};

const importFields = {
  dry_run: Type.Boolean({ description: 'Whether this was a dry run.' }),
  batch_id: nullable(
    Type.String({
      format: 'uuid',
      description: "The id of the import in the organization's audit log; null if nothing was imported.",
    }),
  ),
  rows: Type.Integer({ description: 'How many rows the file has.' }),
  imported: Type.Integer({ description: 'How many rows were imported, or would be.' }),
  rejected: Type.Integer({ description: 'How many rows were rejected.' }),
  rejections_omitted: Type.Optional(
    Type.Integer({
      description: 'Only in a replay: how many further rejections it leaves out.',
    }),
  ),
  rejections: Type.Array(
    Type.Object(
      {
        line: Type.Integer({ description: 'The line of the file, from 1.' }),
        phone_number: Type.String({ description: 'The number as the file has it.' }),
        code: oneOf(['invalid', 'unknown_user', 'already_exists', 'duplicate_in_file', 'value_taken'], {
          description: 'Why the row was rejected, for programs.',
        }),
        error: Type.String({ description: 'Why the row was rejected, for people.' }),
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
