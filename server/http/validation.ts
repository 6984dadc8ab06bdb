import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import type { FastifySerializerCompiler } from 'fastify/types/schema.js';
import type { TSchema } from '../../schema/schema.ts';
import { invalid, type Problem } from '../errors.ts';
import { explainValidation } from './explanation.ts';
import { textFormats } from './text-formats.ts';

/** @param coerceTypes a query is text, so numbers are parsed from it; a body has types: "7" is not 7 */
function createAjv(coerceTypes: boolean, allErrors: boolean): Ajv {
  const ajv = new Ajv({
    coerceTypes,
    allErrors,
    useDefaults: true,
    removeAdditional: false,
    strict: false,
    discriminator: true,
    // An error has its schema, from which it is explained.
    verbose: true,
  });
  addFormats.default(ajv);
  for (const [name, format] of Object.entries(textFormats)) ajv.addFormat(name, format);
  return ajv;
}

/** The validators of a kind of value. Most values are right: all errors are only looked for if there is one. */
class Validators {
  readonly #coerceTypes: boolean;
  readonly #first: Ajv;
  #all: Ajv | undefined;

  constructor(coerceTypes: boolean) {
    this.#coerceTypes = coerceTypes;
    this.#first = createAjv(coerceTypes, false);
  }

  /** Ajv remembers what it has compiled. */
  compile(schema: TSchema): ValidateFunction {
    return this.#first.compile(schema);
  }

  /** @returns undefined if the value is right */
  errorsOf(schema: TSchema, value: unknown, validate = this.compile(schema)): ErrorObject[] | undefined {
    if (validate(value)) return undefined;
    const { errors } = validate;
    if (!isSmall(value)) return errors!;
    this.#all ??= createAjv(this.#coerceTypes, true);
    const validateAll = this.#all.compile(schema);
    validateAll(value);
    return validateAll.errors ?? errors!;
  }
}

const bodies = new Validators(false);
const texts = new Validators(true);

/** A large value could have millions of errors, and Ajv cannot be told to stop. */
function isSmall(value: unknown): boolean {
  let rest = 10_000;
  const visit = (part: unknown): boolean => {
    if (--rest < 0) return false;
    if (typeof part !== 'object' || part === null) return true;
    if (Array.isArray(part) && part.length > rest) return false;
    return Object.values(part).every(visit);
  };
  return visit(value);
}

/** Compiles a schema at its first use. To compile all of them would be a fifth of the work of a start. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart, contentType }) => {
  // A schema for one content type describes a file, which its route reads as a stream.
  if (contentType) return () => true;
  const validators = httpPart === 'body' ? bodies : texts;
  const booleanNames = httpPart === 'querystring' ? booleansOf(schema) : [];
  let compiled: ValidateFunction | undefined;
  const validate = (value: unknown) => {
    compiled ??= validators.compile(schema);
    for (const name of booleanNames) readBoolean(value as Record<string, unknown>, name);
    const errors = validators.errorsOf(schema, value, compiled);
    validate.errors = errors;
    return errors === undefined;
  };
  validate.errors = undefined as ValidateFunction['errors'];
  return validate;
};

const booleansOf = ({ properties = {} }: { properties?: Record<string, { type?: string }> }): string[] =>
  Object.keys(properties).filter(name => properties[name]!.type === 'boolean');

/** Clients write booleans as their languages do: Python sends `False`. */
const booleans = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

function readBoolean(query: Record<string, unknown>, name: string): void {
  const given = query[name];
  if (typeof given !== 'string') return;
  query[name] = booleans.get(given.toLowerCase()) ?? given;
}

const buildSerializer = SerializerSelector()({}, {});

/** The same for replies. */
export const compileSerializer: FastifySerializerCompiler<TSchema> = route => {
  let compiled: ReturnType<typeof buildSerializer> | undefined;
  return data => {
    compiled ??= buildSerializer(route as never);
    return compiled(data);
  };
};

/**
 * Validates a part of a body that the schema of the route leaves open, by the rules of a body.
 * @throws Problem `invalid_request`
 */
export function assertValid(schema: TSchema, value: unknown): void {
  const errors = bodies.errorsOf(schema, value);
  if (errors) throw explainValidation(errors, 'body');
}

/** Whether a value fits a schema, by the rules of a body. */
export function isValid(schema: TSchema, value: unknown): boolean {
  return bodies.compile(schema)(value) as boolean;
}

/**
 * Finds text that PostgreSQL cannot store: it rejects U+0000 and unpaired surrogates.
 * @returns the name of the first such field; '' for the value itself
 */
export function unstorableField(value: unknown): string | undefined {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? '' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  // Names are only put together where something is wrong: a body may have a million values.
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = unstorableField(value[index]);
      if (found !== undefined) return joined(`[${index}]`, found);
    }
    return undefined;
  }
  for (const name of Object.keys(value)) {
    const found = unstorableField(name) ?? unstorableField((value as Record<string, unknown>)[name]);
    if (found !== undefined) return joined(name, found);
  }
  return undefined;
}

const joined = (name: string, rest: string) =>
  rest === '' || rest.startsWith('[') ? name + rest : `${name}.${rest}`;

/** @param field as unstorableField() names it */
export const unstorable = (field: string): Problem =>
  invalid(
    `${storable(field) || 'the body'} has a character that cannot be stored (U+0000 or an unpaired surrogate)`,
  );

/** The text with a mark in place of what cannot be stored. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd');

const depthMax = 20;
/** The most values in a body: 10,000 items of a bulk request with 60 fields each have fewer. */
const valuesMax = 700_000;

/** What makes JSON text more than any body of ours. Checked before it is parsed, which would take longer. */
export function excessOf(text: string): string | undefined {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x2c) {
      if (++values > valuesMax) return `The body has more than ${valuesMax.toLocaleString('en-US')} values`;
    } else if (char === 0x7b || char === 0x5b) {
      if (++depth > depthMax) return 'The body is nested too deep';
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return undefined;
}
