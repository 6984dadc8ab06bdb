import { STATUS_CODES } from 'node:http';
import type { FastifyRequest, FastifySchema } from 'fastify';
import {
  type TNull,
  type TObject,
  type TProperties,
  type TSchema,
  type TString,
  Type,
} from '../../schema/schema.ts';
import { textLike } from '../../schema/shapes.ts';
import type { Caller } from '../access/caller.ts';
import { type ProblemCode, problems } from '../errors.ts';
import { type Format, mediaTypes } from './formats.ts';

/**
 * Who may call a route.
 * - `none`: everybody, without a key
 * - `own`: every key and user; a user who is not an admin sees only their own
 * - `read`: every key, and users who are admins
 * - `admin`: admins only
 * - `change`: admins only; the route makes a revision of an existing organization, and takes the headers of a change
 *   (changing.ts)
 * - `setting`: the same without a revision, so without `If-Match`
 */
export type Access = 'none' | 'own' | 'read' | 'admin' | 'change' | 'setting';

/** What a request is about. It is looked up together with the caller, before the request is validated. */
export type Subject = {
  /** An organization's unique_id. */
  organization?: string | undefined;
  /** A number in E.164. */
  number?: string | undefined;
  /** The version of the number's detail in the body cache. */
  known?: string | undefined;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** The route asks for its places itself: see http/shares.ts. */
    sharesItself?: boolean;
    /** Reads the subject of a request that is not validated yet. */
    subject?: (request: FastifyRequest) => Subject;
    /** Its answer may be long: its list is written in pieces. The payload has what the schema declares, and nothing else. */
    writesInPieces?: boolean;
    /** The route checks the texts of its body itself, one by one. */
    checksTexts?: boolean;
  }
  interface FastifyRequest {
    /** Set before every handler whose access is not `none`. */
    caller: Caller;
  }
}

export type App = import('fastify').FastifyInstance<
  import('node:http').Server,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  import('fastify').FastifyBaseLogger,
  import('@fastify/type-provider-typebox').TypeBoxTypeProvider
>;

type Files = Partial<Record<Exclude<Format, 'json'>, TString>>;

type OperationSchema = FastifySchema & {
  operationId: string;
  summary: string;
  description: string;
  tags: [string];
  response: Record<number, TObject | TNull>;
  /** The 200 reply in its other formats, each with an example. */
  files?: Files;
};

const succeeded = Type.Literal(true, { description: 'Whether the request was successful.' });
const failed = Type.Literal(false, { description: 'Whether the request was successful.' });
const powered = Type.String({ description: "The server's brand (LINEKEEPER_BRAND).", examples: ['Teli'] });

/**
 * Declares a route to Fastify: its input, its replies, its access and every error that it can answer with. A reply is
 * declared by its payload; `success` and `powered_by` are added here.
 */
export function operation<const S extends OperationSchema>(
  access: Access,
  schema: S,
  errors: ProblemCode[] = [],
  subject?: (request: FastifyRequest) => Subject,
) {
  const response: Record<number, unknown> = {};
  for (const [status, payload] of Object.entries(schema.response)) {
    const described = { description: STATUS_CODES[status], ...payload };
    response[Number(status)] = Number(status) < 300 ? envelope(described as TObject) : described;
  }
  const possible = new Set<ProblemCode>([...errors, 'internal_error', 'unavailable', 'disk_full']);
  if (access !== 'none')
    for (const code of [
      ...(['api_key_required', 'api_key_invalid', 'token_invalid'] as const),
      ...(['too_many_requests', 'limit_exceeded', 'too_many_wrong_keys'] as const),
    ])
      possible.add(code);
  if (access !== 'none' && access !== 'own') possible.add('admin_required');
  const changes = access === 'change' || access === 'setting';
  if (changes) {
    for (const code of ['invalid_request', 'idempotency_running', 'idempotency_mismatch'] as const)
      possible.add(code);
    // These apply even to a route that takes no body: a client may send one.
    for (const code of ['body_too_large', 'media_type_unsupported'] as const) possible.add(code);
  }
  if (access === 'change') possible.add('revision_mismatch');
  if (schema.params || schema.querystring || schema.body) possible.add('invalid_request');
  // A body with its own content types is a file, which the route reads itself.
  if (schema.body && !schema.consumes)
    for (const code of ['body_invalid', 'body_too_large', 'media_type_unsupported'] as const)
      possible.add(code);
  for (const code of possible) {
    const [status, text] = problems[code];
    if (schema.response[status]) continue; // the route declares this status itself
    const existing = response[status] as { examples?: unknown[] } | undefined;
    const example = { success: false, error: text, code, request_id: exampleRequestId, powered_by: 'Teli' };
    response[status] = errorBody([...(existing?.examples ?? []), example]);
  }
  if (schema.files) response[200] = inEveryFormat(schema.files, response[200] as TObject);
  return {
    schema: {
      ...schema,
      ...(schema.querystring ? { querystring: examplesInWords(schema.querystring as TObject) } : {}),
      response,
      ...(changes && { headers: changeHeaders[access] }),
      ...(access === 'none' && { security: [] }),
    } as S,
    config: { access, ...(subject && { subject }) },
  };
}

/** A route that answers for each part of its body by itself: text that cannot be stored is wrong in one part alone. */
export const checkingTexts = <O extends { config: object }>(options: O): O => ({
  ...options,
  config: { ...options.config, checksTexts: true },
});

/** A route whose answer has a list that may be long: see ContextConfig. */
export const writingInPieces = <O extends { config: object }>(options: O): O => ({
  ...options,
  config: { ...options.config, writesInPieces: true },
});

/** A route whose body may be longer than those of others, in bytes. */
export const withBodyOf = <O extends object>(bodyLimit: number, options: O) => ({ ...options, bodyLimit });

/** Tools that try a call fill in every example. So a parameter that may be left out has its examples in words. */
function examplesInWords({ properties, ...schema }: TObject): TObject {
  const required = new Set((schema as { required?: string[] }).required);
  const parameters = Object.entries(properties).map(([name, parameter]) => {
    const { examples, ...rest } = parameter as TSchema & { examples?: string[]; description?: string };
    if (!examples || required.has(name)) return [name, parameter];
    const words = examples.map(example => `\`${example}\``).join(' or ');
    return [name, { ...rest, description: `${rest.description} For example ${words}.` }];
  });
  return { ...schema, properties: Object.fromEntries(parameters) } as TObject;
}

/** For routes that do not hold a connection from beginning to end: they answer from memory, stream, or wait. */
export const sharingItself = <O extends { config: object }>(options: O): O => ({
  ...options,
  config: { ...options.config, sharesItself: true },
});

const idempotencyKey = Type.Optional(
  textLike('^[\\x21-\\x7e]{1,255}$', '1 to 255 visible ASCII characters such as import-2024-05', {
    description:
      'Makes a retry safe: for at least 24 hours, the same key with the same request replays the first reply.',
  }),
);
const ifMatch = Type.Optional(
  Type.String({
    maxLength: 100,
    description:
      'A revision of the organization, or the ETag of its list. The change is made only at that revision.',
  }),
);
const changeHeaders = {
  change: Type.Object({ 'idempotency-key': idempotencyKey, 'if-match': ifMatch }),
  setting: Type.Object({ 'idempotency-key': idempotencyKey }),
};

const exampleRequestId = '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b';

function envelope(payload: TObject): TObject {
  const { properties, required: _, type: __, ...options } = payload as TObject & Record<string, unknown>;
  const body = { success: succeeded, ...(properties as TProperties), powered_by: powered };
  const given = (payload as { examples?: object[] }).examples ?? [exampleOf(payload) as object];
  const examples = given.map(example => ({ success: true, ...example, powered_by: 'Teli' }));
  return Type.Object(body, { ...options, examples, additionalProperties: false });
}

/** One reply in several content types, each with its own schema. */
function inEveryFormat(files: Files, { description, ...json }: TObject & { description?: string }) {
  const media = ({ examples, ...schema }: TSchema & { examples?: unknown[] }) => ({
    schema,
    example: examples?.[0],
  });
  const all = Object.entries({ json, ...files }).map(([format, schema]) => [
    mediaTypes[format as Format],
    media(schema),
  ]);
  return { description, content: Object.fromEntries(all) };
}

/** The example of a schema, or one made from the examples of its parts. A list gets one entry, so a count is 1. */
function exampleOf(schema: TSchema): unknown {
  const { examples, properties, items } = schema as {
    examples?: unknown[];
    properties?: TProperties;
    items?: TSchema;
  };
  if (examples) return examples[0];
  if (items) return [exampleOf(items)];
  if (!properties) return 1;
  return Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, exampleOf(part)]));
}

function errorBody(examples: unknown[]) {
  return Type.Object(
    {
      success: failed,
      error: Type.String({ description: 'The error, for people.' }),
      detail: Type.Optional(Type.String({ description: 'More about the error, if there is more to say.' })),
      fields: Type.Optional(
        Type.Array(
          Type.Object({
            field: Type.String({ description: 'The field or parameter.' }),
            error: Type.String({ description: 'What is wrong with it, for people.' }),
          }),
          { description: 'If several fields are wrong: each of them, up to 20. `error` names them all.' },
        ),
      ),
      code: Type.String({ description: 'The error, for programs. A code never changes.' }),
      request_id: Type.String({
        description: "Names this request in the server's log. The header X-Request-Id has it too.",
      }),
      powered_by: powered,
    },
    {
      examples,
      description: [...new Set(examples.map(example => (example as { error: string }).error))].join(' · '),
    },
  );
}

export function timestamp(date: Date): string;
export function timestamp(date: Date | null): string | null;
export function timestamp(date: Date | null): string | null {
  return date && `${date.toISOString().slice(0, 19)}Z`;
}
