import { STATUS_CODES } from 'node:http';
import type { FastifySchema } from 'fastify';
import { type TNull, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import { type ProblemCode, problems } from '../errors.ts';

/** What a route asks of the caller's key. `none` is open to everyone. */
export type Access = 'none' | 'read' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}

export type App = import('fastify').FastifyInstance<
  import('node:http').Server,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  import('fastify').FastifyBaseLogger,
  import('@fastify/type-provider-typebox').TypeBoxTypeProvider
>;

type OperationSchema = FastifySchema & {
  operationId: string;
  summary: string;
  description: string;
  tags: [string];
  response: Record<number, TObject | TNull>;
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
) {
  const response: Record<number, unknown> = {};
  for (const [status, payload] of Object.entries(schema.response)) {
    const described = { description: STATUS_CODES[status], ...payload };
    response[Number(status)] = Number(status) < 300 ? enveloped(described as TObject) : described;
  }
  const possible = new Set<ProblemCode>([...errors, 'internal_error', 'unavailable']);
  if (access !== 'none')
    for (const code of ['api_key_required', 'api_key_invalid'] as const) possible.add(code);
  if (access === 'admin') possible.add('admin_required');
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
    response[status] = problemBody([...(existing?.examples ?? []), example]);
  }
  return {
    schema: { ...schema, response, ...(access === 'none' && { security: [] }) } as S,
    config: { access },
  };
}

const exampleRequestId = '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b';

function enveloped(payload: TObject): TObject {
  const { properties, required: _, type: __, ...options } = payload as TObject & Record<string, unknown>;
  const body = { success: succeeded, ...(properties as TProperties), powered_by: powered };
  const given = (payload as { examples?: object[] }).examples ?? [exampleOf(payload) as object];
  const examples = given.map(example => ({ success: true, ...example, powered_by: 'Teli' }));
  return Type.Object(body, { ...options, examples, additionalProperties: false });
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

function problemBody(examples: unknown[]) {
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

/** A set of words, as JSON Schema's `enum`: its error names the words. */
export const oneOf = <const T extends readonly string[]>(values: T, options: object = {}) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: values, ...options });

export const nullable = <T extends import('typebox').TSchema>(schema: T) => {
  const { type, enum: words, ...rest } = schema as unknown as { type: string; enum?: string[] };
  return Type.Unsafe<import('typebox').Static<T> | null>({
    ...rest,
    type: [type, 'null'],
    ...(words && { enum: [...words, null] }),
  });
};

/** A parameter that need not be given: the validator puts its default in, so the handler always has it. */
export const withDefault = <T extends import('typebox').TSchema>(schema: T): T =>
  Type.Optional(schema) as unknown as T;

/** ISO 8601 in UTC to the second, as the API family prints every moment: `2024-01-15T10:30:00Z`. */
export const Timestamp = (description: string, example = '2024-01-15T10:30:00Z') =>
  Type.String({ format: 'date-time', description, examples: [example] });

export function timestamp(date: Date): string;
export function timestamp(date: Date | null): string | null;
export function timestamp(date: Date | null): string | null {
  return date && `${date.toISOString().slice(0, 19)}Z`;
}
