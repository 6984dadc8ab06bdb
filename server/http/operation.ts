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
import { invalid, type ProblemCode, problems } from '../errors.ts';

import { type Format, mediaTypes } from './formats.ts';

/**
 * What a route asks of the caller. `none` is open to everyone; `own` also to a user who is no admin, and shows them
 * what is theirs; `read` to every key and to admins among users; `admin` needs an admin. `change` and `setting` need
 * one too, and take the headers of a change (changing.ts): `change` is a revision of an organization that is there,
 * `setting` is not, so it has no revision to compare with `If-Match`.
 */
export type Access = 'none' | 'own' | 'read' | 'admin' | 'change' | 'setting';

/** What a request is about, looked up together with its caller before the request is validated. */
export type Subject = {
  /** An organization's unique_id. */
  organization?: string | undefined;
  /** A number in E.164. */
  number?: string | undefined;
  /** The version of its detail that the body cache has. */
  known?: string | undefined;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** Reads what a request is about; the request is not validated yet. */
    subject?: (request: FastifyRequest) => Subject;
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
  /** What 200 says in other formats, where they can be asked for; each with an example. */
  files?: Files;
};

const succeeded = Type.Literal(true, { description: 'Whether the request was successful.' });
const failed = Type.Literal(false, { description: 'Whether the request was successful.' });
const powered = Type.String({ description: "The server's brand (LINEKEEPER_BRAND).", examples: ['Teli'] });

/**
 * What Fastify needs to know of one route: what it takes, what it gives, who may call it, and every error that it can
 * answer with. A response is declared by its payload; `success` and `powered_by` stand around each.
 */
export function operation<const S extends OperationSchema>(
  access: Access,
  schema: S,
  errors: ProblemCode[] = [],
  about?: (request: FastifyRequest) => Subject,
) {
  const response: Record<number, unknown> = {};
  for (const [status, payload] of Object.entries(schema.response)) {
    const described = { description: STATUS_CODES[status], ...payload };
    response[Number(status)] = Number(status) < 300 ? envelope(described as TObject) : described;
  }
  const possible = new Set<ProblemCode>([...errors, 'internal_error', 'unavailable']);
  if (access !== 'none')
    for (const code of ['api_key_required', 'api_key_invalid', 'token_invalid'] as const) possible.add(code);
  if (access !== 'none' && access !== 'own') possible.add('admin_required');
  const changes = access === 'change' || access === 'setting';
  if (changes) {
    for (const code of ['invalid_request', 'idempotency_running', 'idempotency_mismatch'] as const)
      possible.add(code);
    // A body that is sent although none is asked for is refused like any other.
    for (const code of ['body_too_large', 'media_type_unsupported'] as const) possible.add(code);
  }
  if (access === 'change') possible.add('revision_mismatch');
  if (schema.params || schema.querystring || schema.body) possible.add('invalid_request');
  // A body with types of its own is a file, which the route reads itself.
  if (schema.body && !schema.consumes)
    for (const code of ['body_invalid', 'body_too_large', 'media_type_unsupported'] as const)
      possible.add(code);
  for (const code of possible) {
    const [status, text] = problems[code];
    if (schema.response[status]) continue; // declared by the route itself
    const existing = response[status] as { examples?: unknown[] } | undefined;
    const example = { success: false, error: text, code, request_id: exampleRequestId, powered_by: 'Teli' };
    response[status] = errorBody([...(existing?.examples ?? []), example]);
  }
  if (schema.files) response[200] = inEveryFormat(schema.files, response[200] as TObject);
  return {
    schema: {
      ...schema,
      response,
      ...(changes && { headers: changeHeaders[access] }),
      ...(access === 'none' && { security: [] }),
    } as S,
    config: { access, ...(about && { about }) },
  };
}

const idempotencyKey = Type.Optional(
  Type.String({
    pattern: '^[\\x21-\\x7e]{1,255}$',
    description:
      'Makes a repeat safe: the same key with the same request gets the first answer again, for at least 24 hours.',
  }),
);
const ifMatch = Type.Optional(
  Type.String({
    maxLength: 100,
    description:
      'A revision of the organization, or the ETag of its list: the change is made only if it is still there.',
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

/** The same answer in several content types, of which each has its own schema. */
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

/** The example that a schema has, or one made of the examples of its parts; a list has one entry, so a count is 1. */
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
      error: Type.String({ description: 'What is wrong, for people.' }),
      detail: Type.Optional(Type.String({ description: 'More of it, where there is more to say.' })),
      code: Type.String({ description: 'What is wrong, for programs: this never changes.' }),
      request_id: Type.String({
        description: 'Names this request in the log of the server; also in the header X-Request-Id.',
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

/** Reads a moment that a client gave, from the year 1000 on. What is no day of the calendar, or of no place, is none. */
export function readMoment(text: string, field: string): Date {
  const date = new Date(text);
  const year = date.getUTCFullYear();
  const day = /^(\d{4}-\d\d-\d\d)[T ].*(Z|[+-]\d\d:?\d\d)$/i.exec(text)?.[1];
  const midnight = new Date(`${day}T00:00:00Z`);
  const exists = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day!);
  if (!exists || !(year >= 1000 && year < 10_000))
    throw invalid(`${field} must be a moment such as 2024-01-15T10:30:00Z`);
  return date;
}
