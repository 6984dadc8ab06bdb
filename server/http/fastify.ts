import { randomUUIDv7 } from 'node:crypto';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, type FastifyReply, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { TSchema } from '../../schema/schema.ts';
import { Problem } from '../errors.ts';
import { composed, mayBeDecomposed } from './composed.ts';
import { createErrorReplies } from './error-replies.ts';
import { explainValidation } from './explanation.ts';
import type { App } from './operation.ts';
import { assertShallow, inList, readJson, runBytes } from './pieces/read-json.ts';
import { jsonOf } from './pieces/write-json.ts';
import { compileSerializer, compileValidator, listOf, unstorable, unstorableField } from './validation.ts';

/** Metadata of 8,000 escaped characters and fifty tags fit. An operation that needs more says so: withBodyOf(). */
const bodyBytesMax = 131_072;

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the JSON of the body has a character in the form of an escape. */
    hasEscapes: boolean;
  }
}

/** Fastify with our JSON, validation, errors and log. It has no routes yet, and identifies no callers. */
export function createFastify(brand: string, log: Logger): App {
  const errorReplies = createErrorReplies(brand, log, bodyBytesMax);
  const app: App = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    bodyLimit: bodyBytesMax,
    // Half a head is given a minute: less would end heads that a busy server reads late. A body and an answer have a
    // least rate instead (pace/connections.ts): a file may take hours. A connection is kept for longer than balancers
    // keep theirs, so it is they who end it.
    http: { headersTimeout: 60_000, connectionsCheckingInterval: 5000 },
    ...{ requestTimeout: 0, keepAliveTimeout: 72_000 },
    // HEAD is GET without its body: the same route with the same hooks. It costs what GET costs.
    exposeHeadRoutes: true,
    // One logger for all requests: a child logger costs as much as all that most requests log.
    childLoggerFactory: logger => logger,
    // Long enough for every id, and for a number in any notation.
    routerOptions: { maxParamLength: 400, ignoreTrailingSlash: true },
    // A stopping server finishes the requests that it has, and refuses new ones.
    return503OnClosing: true,
    genReqId: request => requestId(request.headers['x-request-id']),
    frameworkErrors: (error, request, reply) =>
      errorReplies.send(error, request, reply as unknown as FastifyReply),
    clientErrorHandler(error, socket) {
      if (socket.writable) socket.end(errorReplies.raw(rawStatuses[error.code!] ?? 400));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(compileSerializer);
  app.setSchemaErrorFormatter((errors, part) => explainValidation(errors as never, part));
  app.setErrorHandler(errorReplies.send);
  app.setNotFoundHandler((request, reply) =>
    errorReplies.send(new Problem('route_not_found'), request, reply),
  );
  parseJsonBodies(app);
  readTexts(app);
  // Every payload gets the same two fields; see operation().
  app.addHook('preSerialization', async (request, reply, payload) => {
    if (reply.statusCode >= 300) return payload;
    const body = { success: true, ...(payload as object), powered_by: brand };
    if (!request.routeOptions.config.writesInPieces) return body;
    const json = await jsonOf(body);
    reply.serializer(() => json);
    return body;
  });
  protectAnswers(app);
  logRequests(app, log);
  return app;
}

const rawStatuses: Record<string, 408 | 431> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** A client may name its request. The name goes into headers, logs and events, so only a plain one is accepted. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUIDv7();
}

function parseJsonBodies(app: App): void {
  const parseDefault = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    const { schema, config } = request.routeOptions;
    // Many clients send a content type with every request, even without a body.
    if (!schema?.body) return done(null);
    const parse = (text: string): unknown => {
      let parsed: unknown;
      parseDefault(request, text, (error, value) => {
        if (error) throw error;
        parsed = value;
      });
      return mayBeDecomposed(text) ? composed(parsed) : parsed;
    };
    if (bytes.length <= runBytes) {
      const text = bytes.toString();
      assertShallow(text);
      request.hasEscapes = text.includes('\\u');
      return done(null, parse(text));
    }
    readJson(
      bytes,
      (text, list) => {
        const part = parse(text);
        const field = !config.checksTexts && text.includes('\\u') ? unstorableField(part) : undefined;
        if (field !== undefined) throw unstorable(inList(field, list));
        return part;
      },
      name => listOf(schema.body as TSchema, name)?.maxItems,
    ).then(body => done(null, body), done);
  });
}

/** Composes all texts of a request, and refuses those that cannot be stored. A JSON body is composed already. */
function readTexts(app: App): void {
  app.decorateRequest('hasEscapes', false);
  app.addHook('preValidation', ({ url, params, query, body, routeOptions, hasEscapes }, _reply, done) => {
    // Text beyond ASCII is escaped in a URL.
    if (url.includes('%')) {
      composed(query);
      composed(params);
    }
    const known = { ...(params as object), ...(routeOptions.schema?.querystring ? (query as object) : {}) };
    // Without an escape, JSON has no text that cannot be stored.
    const isLeft = !hasEscapes || routeOptions.config.checksTexts;
    const field = unstorableField(known) ?? (isLeft ? undefined : unstorableField(body));
    if (field === undefined) done();
    else done(unstorable(field));
  });
}

/** A key or a token belongs into a header, and people paste it into a path. */
const withoutSecrets = (path: string): string => path.replace(/(lk_[a-z]+_)\w+/g, '$1…');

/** Browsers must not guess what an answer is, and nobody keeps an answer that does not say that it may be kept. */
function protectAnswers(app: App): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.header('x-content-type-options', 'nosniff');
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    done(null, payload);
  });
}

function logRequests(app: App, log: Logger): void {
  app.addHook('onResponse', (request, reply, done) => {
    const level = /^(GET|HEAD)$/.test(request.method) && reply.statusCode < 400 ? 'debug' : 'info';
    if (log.isLevelEnabled(level))
      log[level](
        {
          request_id: request.id,
          method: request.method,
          path: withoutSecrets(request.url.split('?')[0]!),
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
          tenant: request.caller?.tenantId,
          key: request.caller?.actor.id,
        },
        'request',
      );
    done();
  });
}
