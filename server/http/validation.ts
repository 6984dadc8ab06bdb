import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import type { FastifySerializerCompiler } from 'fastify/types/schema.js';
import type { TSchema } from '../../schema/schema.ts';
import { invalid, type Problem } from '../errors.ts';

// A query is text, so numbers and booleans are parsed from it. A body has types: "7" is not 7.
const [bodyAjv, textAjv] = [false, true].map(coerceTypes => {
  const ajv = new Ajv({
    coerceTypes,
    useDefaults: true,
    removeAdditional: false,
    allErrors: false,
    strict: false,
    discriminator: true,
  });
  addFormats.default(ajv);
  // Only what PostgreSQL accepts: ajv-formats would also allow a prefix of `urn:uuid:`.
  ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
  return ajv;
});

/** Compiles a schema at its first use. To compile all of them would be a fifth of the work of a start. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart, contentType }) => {
  // A schema for one content type describes a file, which its route reads as a stream.
  if (contentType) return () => true;
  let compiled: ValidateFunction | undefined;
  const validate = (value: unknown) => {
    compiled ??= (httpPart === 'body' ? bodyAjv : textAjv)!.compile(schema);
    const valid = compiled(value);
    validate.errors = compiled.errors;
    return valid;
  };
  validate.errors = undefined as ValidateFunction['errors'];
  return validate;
};

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
  const validate = bodyAjv!.compile(schema);
  if (!validate(value)) throw explainValidation(validate.errors!, 'body');
}

/** Whether a value fits a schema, by the rules of a body. */
export const isValid = (schema: TSchema, value: unknown): boolean =>
  bodyAjv!.compile(schema)(value) as boolean;

/** Turns Ajv's first error into one that names the field and the rule. */
export function explainValidation(errors: ErrorObject[], part: string): Problem {
  const error = errors[0]!;
  const field = fieldName(error.instancePath);
  const inner = (name: string) => (field ? `${field}.${name}` : name);
  switch (error.keyword) {
    case 'required':
      return invalid(`${inner(error.params.missingProperty)} is required`);
    case 'additionalProperties':
      return invalid(
        `${inner(error.params.additionalProperty)} is not a known ${part === 'querystring' ? 'parameter' : 'field'}`,
      );
    case 'enum':
      return invalid(
        `${field} must be one of ${error.params.allowedValues.map((value: unknown) => value ?? 'null').join(', ')}`,
      );
    case 'type': {
      const types: string[] = [error.params.type].flat();
      const wanted = types.map(type =>
        type === 'boolean' ? 'true or false' : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`,
      );
      return invalid(`${field || `the ${part}`} must be ${wanted.join(' or ').replace('a null', 'null')}`);
    }
    case 'minProperties':
      return invalid(`the ${part} must have at least one field`);
    default:
      return invalid(`${field || `the ${part}`} ${error.message?.replace('NOT', 'not')}`);
  }
}

/** Turns `/phone_numbers/3/nickname` into `phone_numbers[3].nickname`, as the client would write it. */
function fieldName(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

/**
 * Finds text that PostgreSQL cannot store: it rejects U+0000 and unpaired surrogates.
 * @returns the name of the first such field
 */
export function unstorableField(value: unknown, name = ''): string | undefined {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? name : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const path = Array.isArray(value) ? `${name}[${key}]` : name ? `${name}.${key}` : key;
    const found = unstorableField(key, path) ?? unstorableField(inner, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

const depthMax = 20;

/** Whether JSON text nests deeper than any body of ours. Checked before it is parsed. */
export function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > depthMax) return true;
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return false;
}
