import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import type { FastifySerializerCompiler } from 'fastify/types/schema.js';
import type { TSchema } from '../../schema/schema.ts';
import { invalid, type Problem } from '../errors.ts';
import { explainValidation } from './explanation.ts';
import { giveWay, mustGiveWay } from './pieces/turns.ts';
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
    if (httpPart === 'body' && hasLongList(value)) return assertInPieces(schema, value) as never;
    compiled ??= validators.compile(schema);
    for (const name of booleanNames) readBoolean(value as Record<string, unknown>, name);
    const errors = validators.errorsOf(schema, value, compiled);
    validate.errors = errors;
    return errors === undefined;
  };
  validate.errors = undefined as ValidateFunction['errors'];
  return validate;
};

type Body = Record<string, unknown>;
type List = { maxItems?: number; items?: TSchema };

const hasLongList = (value: unknown): value is Body =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).some(part => Array.isArray(part) && part.length > 16);

/** The schema of a list that a body has. */
export function listOf(schema: TSchema, name: string): List | undefined {
  const part = (schema as { properties?: Record<string, List & { type?: string }> }).properties?.[name];
  return part?.type === 'array' ? part : undefined;
}

/** The schemas of bodies without those of the elements of their lists. */
const outlines = new WeakMap<TSchema, TSchema>();

function outlineOf(schema: TSchema): TSchema {
  const known = outlines.get(schema);
  if (known) return known;
  const { properties } = schema as unknown as { properties: Record<string, TSchema> };
  const parts = Object.entries(properties).map(([name, part]) => {
    if (!listOf(schema, name)) return [name, part];
    const { items: _, ...list } = part as { items?: TSchema };
    return [name, list];
  });
  const outline = { ...schema, properties: Object.fromEntries(parts) } as TSchema;
  outlines.set(schema, outline);
  return outline;
}

/**
 * Validates a body with a long list, giving way between its elements.
 * @throws Problem `invalid_request`
 */
async function assertInPieces(schema: TSchema, body: Body): Promise<true> {
  const errors = await firstErrors(schema, body);
  if (!errors) return true;
  throw explainValidation(isSmall(body) ? bodies.errorsOf(schema, body)! : errors, 'body');
}

async function firstErrors(schema: TSchema, body: Body): Promise<ErrorObject[] | undefined> {
  const validateOutline = bodies.compile(outlineOf(schema));
  if (!validateOutline(body)) return validateOutline.errors!;
  for (const [name, list] of Object.entries(body)) {
    const { items } = listOf(schema, name) ?? {};
    if (!items) continue;
    const validateItem = bodies.compile(items);
    for (const [index, item] of (list as unknown[]).entries()) {
      if (mustGiveWay()) await giveWay();
      if (validateItem(item)) continue;
      const inList = (path: string) => `/${name}/${index}${path}`;
      return validateItem.errors!.map(error => ({ ...error, instancePath: inList(error.instancePath) }));
    }
  }
  return undefined;
}

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
