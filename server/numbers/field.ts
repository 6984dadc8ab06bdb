import type { TSchema } from '../../schema/schema.ts';

/** One field of a number; fields.ts has all of them. */
export type Field = {
  /** The type of its column in phone_numbers. A field without one is read `from` an expression. */
  column?: 'uuid' | 'text' | 'boolean' | 'timestamptz' | 'text[]' | 'jsonb';
  /** An SQL expression over `n` (the number), `a` (its assignment), `u` (its holder) and `o` (its organization). */
  from?: string;
  /** How PostgreSQL prints it: `plain` for texts in which JSON escapes nothing, `json` for JSON as it is. */
  print: 'plain' | 'text' | 'boolean' | 'moment' | 'json';
  nullable?: true;
  /** The narrowest view that shows it; without one it is ours alone. */
  view?: 'list' | 'full' | 'detail';
  schema: TSchema;
  example: unknown;
  /**
   * Set: it can change, and number_versions keeps what it was. The value that it has when a number comes and nothing is
   * said of it.
   */
  empty?: unknown;
  /** Whether a number's history shows what it was. */
  history?: true;
  /** Set: admins edit it, and it can be given when a number is added, imported or bought. Null makes it `empty`. */
  edit?: {
    /** Brings what was given into the one form that is stored. @throws Problem `invalid_request` */
    read?(given: never): unknown;
    /** Whether no two live numbers of a tenant have one value. The index that sees to it is phone_numbers_<name>_key. */
    unique?: true;
    /** Whether lists can be narrowed down to the numbers that have a value. */
    filter?: true;
    /** The command line's options for a boolean: to set it, to clear it. Others have `--<name> <value>`, `--no-<name>`. */
    switches?: readonly [on: string, off: string];
  };
};
