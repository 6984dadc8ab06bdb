import type { TSchema } from '../../schema/schema.ts';

/** What fields.ts says about one field of a number. */
export type Field = {
  /** The type of its column in phone_numbers. A field without a column has `from` instead. */
  column?: 'uuid' | 'text' | 'boolean' | 'timestamptz' | 'text[]' | 'jsonb';
  /** An SQL expression over `n` (the number), `a` (its assignment), `u` (its user) and `o` (its organization). */
  from?: string;
  /**
   * How PostgreSQL prints it as JSON. `text` is escaped. `plain` is text without characters that JSON escapes. `json` is
   * JSON already. `moment` is a timestamp to the second, `instant` to the millisecond.
   */
  print: 'plain' | 'text' | 'boolean' | 'moment' | 'instant' | 'json';
  nullable?: true;
  /** The narrowest view that shows it; wider views show it too. A field without a view is internal. */
  view?: 'list' | 'full' | 'detail';
  schema: TSchema;
  example: unknown;
  /**
   * The value of a new number, unless another one is given. Only fields that change have it: number_versions keeps their
   * earlier values.
   */
  empty?: unknown;
  /** Whether a number's history shows its earlier values. */
  history?: true;
  /** Admins edit the field, and can give it when they add, import or buy a number. In an edit null means `empty`. */
  edit?: {
    /** Normalizes a value before it is stored. @throws Problem `invalid_request` */
    read?(given: never): unknown;
    /** No two live numbers of a tenant have the same value. The index phone_numbers_<name>_key enforces it. */
    unique?: true;
    /** Lists can be filtered by a value of the field. */
    filter?: true;
    /** The command line's options for a boolean. Other fields have `--<name> <value>` and `--no-<name>`. */
    switches?: readonly [on: string, off: string];
  };
};
