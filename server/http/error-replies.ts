import { randomUUIDv7 } from 'node:crypto';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { hasGivenUp, invalid, isDiskFull, isUnavailable, Problem, type ProblemCode } from '../errors.ts';

export type ErrorReplies = {
  /** Replies to a request that failed. */
  send(thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<never>;
  /** A whole response as text, for bytes that are not an HTTP request. */
  raw(status: 400 | 408 | 431): string;
};

const rawReasons = {
  400: ['Bad Request', 'This is not valid HTTP'],
  408: ['Request Timeout', 'The head of the request did not arrive in time'],
  431: ['Request Header Fields Too Large', 'The headers are too large'],
} as const;

/** The one place where an error becomes a reply. */
export function createErrorReplies(brand: string, log: Logger, bodyBytesMax: number): ErrorReplies {
  return {
    async send(thrown, request, reply) {
      const problem = toProblem(thrown as FastifyError, request, bodyBytesMax);
      if (problem.code === 'internal_error')
        log.error({ request_id: request.id, err: thrown }, 'internal error');
      if (problem.code === 'unavailable')
        log.warn({ request_id: request.id, err: thrown }, 'the database is not reachable');
      if (problem.code === 'disk_full')
        log.error({ request_id: request.id, err: thrown }, "the database's disk is full");
      if ((problem.status === 503 || problem.status === 429) && !reply.hasHeader('retry-after'))
        reply.header('retry-after', '1');
      reply.header('x-request-id', request.id).type('application/json; charset=utf-8');
      const { message: error, detail, code, more } = problem;
      const body = {
        success: false,
        error,
        ...(detail && { detail }),
        code,
        request_id: request.id,
        ...more,
        powered_by: brand,
      };
      return reply.status(problem.status).send(JSON.stringify(body)) as never;
    },

    raw(status) {
      const code: ProblemCode = 'invalid_request';
      const [reason, error] = rawReasons[status];
      const body = JSON.stringify({
        success: false,
        error,
        code,
        request_id: randomUUIDv7(),
        powered_by: brand,
      });
      return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
    },
  };
}

/** Tells the client of errors that it can mend. Every other error is internal, and its details stay in the log. */
function toProblem(error: FastifyError, { routeOptions }: FastifyRequest, bodyBytesMax: number): Problem {
  if (error instanceof Problem) return error;
  if (isUnavailable(error)) return new Problem('unavailable');
  if (isDiskFull(error)) return new Problem('disk_full');
  if (hasGivenUp(error)) return new Problem('unavailable', 'The database is busy: try again');
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem(
        'body_too_large',
        `The body is larger than ${routeOptions?.bodyLimit ?? bodyBytesMax} bytes`,
      );
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return unsupportedType(routeOptions?.schema?.consumes);
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return invalid('The path is not valid');
  }
  // All other complaints of Fastify about a request are about its body.
  if (error.statusCode === 400 || error instanceof SyntaxError) return new Problem('body_invalid');
  return new Problem('internal_error');
}

const unsupportedType = (types: readonly string[] = ['application/json']): Problem =>
  new Problem('media_type_unsupported', undefined, `Content-Type must be ${types.join(' or ')}`);
