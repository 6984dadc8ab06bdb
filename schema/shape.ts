import { Ajv, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from 'typebox';

// Apart from schema.ts, so that the command line, which checks no shapes, does not load Ajv.

/** Checks a value from outside before it is used. */
export type Shape<T> = { Check(value: unknown): value is T };

const ajv = new Ajv({ strict: false });

/** The shape of a schema. Ajv compiles the schema at the first check. */
export function shapeOf<T extends TSchema>(schema: T): Shape<Static<T>> {
  let compiled: ValidateFunction<Static<T>> | undefined;
  return {
    Check(value): value is Static<T> {
      compiled ??= ajv.compile<Static<T>>(schema);
      return compiled(value);
    },
  };
}
