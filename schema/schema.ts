import { Ajv, type ValidateFunction } from 'ajv';
import type { Static, TSchema, Type as TypeBox } from 'typebox';

export type { Static, TNull, TObject, TOptional, TProperties, TSchema, TString, TUnsafe } from 'typebox';

type Options = Record<string, unknown>;
type Properties = Record<string, Options>;

/** Hidden from JSON and from copies, as with TypeBox. */
const optionals = new WeakSet<object>();

function optional(schema: Options): Options {
  const copy = { ...schema };
  optionals.add(copy);
  return copy;
}

function object(properties: Properties, options: Options = {}): Options {
  const required = Object.keys(properties).filter(name => !optionals.has(properties[name]!));
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...options };
}

const ofType =
  (type: string) =>
  (options: Options = {}): Options => ({ type, ...options });

const builders = {
  String: ofType('string'),
  Integer: ofType('integer'),
  Number: ofType('number'),
  Boolean: ofType('boolean'),
  Null: ofType('null'),
  Unknown: (options: Options = {}) => ({ ...options }),
  Literal: (value: unknown, options: Options = {}) => ({ type: typeof value, const: value, ...options }),
  Union: (anyOf: Options[], options: Options = {}) => ({ anyOf, ...options }),
  Array: (items: Options, options: Options = {}) => ({ type: 'array', items, ...options }),
  Record: (_name: Options, value: Options, options: Options = {}) => ({
    type: 'object',
    patternProperties: { '^.*$': value },
    ...options,
  }),
  Object: object,
  Optional: optional,
  Partial: ({ required: _, properties, ...rest }: Options, options: Options = {}) => {
    const parts = Object.entries(properties as Properties).map(([name, part]) => [name, optional(part)]);
    return { ...rest, ...object(Object.fromEntries(parts)), ...options };
  },
  /** Whatever schema is given, of the type that is said. */
  Unsafe: (schema: Options) => ({ ...schema }),
};

/**
 * JSON Schemas with the types of TypeBox, of which only what is used here is built: at run time TypeBox is 683 modules,
 * which took a tenth of a start or more, and some 20 MB for as long as the server runs.
 */
export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders>;

/** What a value from outside must be before it is believed. */
export type Shape<T> = { Check(value: unknown): value is T };

const ajv = new Ajv({ strict: false });

/** The shape that a schema describes; it is compiled when it is first needed. */
export function shapeOf<T extends TSchema>(schema: T): Shape<Static<T>> {
  let compiled: ValidateFunction<Static<T>> | undefined;
  return {
    Check(value): value is Static<T> {
      compiled ??= ajv.compile<Static<T>>(schema);
      return compiled(value);
    },
  };
}
