import { randomUUIDv7 } from 'node:crypto';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import type { Caller } from './access/caller.ts';
import { type CarrierSettings, carrierDefaults, createCarriers } from './accounts/open.ts';
import { carrierRoutes } from './accounts/routes.ts';
import { eventRoutes } from './audit/routes.ts';
import { usageRoutes } from './charges/routes.ts';
import { startWeeklyFees } from './charges/weekly.ts';
import type { Database } from './db/database.ts';
import { openapi } from './docs/openapi.ts';
import { invalid, isUnavailable, Problem, type ProblemCode } from './errors.ts';
import { healthRoutes } from './health/routes.ts';
import { changing } from './http/changing.ts';
import type { App } from './http/operation.ts';
import {
  compileSerializer,
  compileValidator,
  explainValidation,
  nestsTooDeep,
  unstorableField,
} from './http/validation.ts';
import { recordKeyUse } from './keys/keys.ts';
import { keyRoutes } from './keys/routes.ts';
import { startAttachments } from './numbers/at-carrier/attachment.ts';
import { startReleases } from './numbers/at-carrier/carrier-release.ts';
import { atCarrierRoutes } from './numbers/at-carrier/routes.ts';
import { importRoutes } from './numbers/import/routes.ts';
import { bulkRoutes } from './numbers/life/bulk-routes.ts';
import { startClock } from './numbers/life/clock.ts';
import { recordRoutes } from './numbers/life/record-routes.ts';
import { lifeRoutes } from './numbers/life/routes.ts';
import { detailRoutes } from './numbers/list/detail-routes.ts';
import { listRoutes } from './numbers/list/routes.ts';
import { orderRoutes } from './orders/routes.ts';
import { startOrders } from './orders/work.ts';
import { organizationRoutes } from './organizations/routes.ts';
import { createBodyCache } from './reading/body-cache.ts';
import { assertAccess, identify } from './reading/identify.ts';
import { createLookups, type LookupResult } from './reading/lookups.ts';
import { runRoutes } from './reconciliation/routes.ts';
import { startRuns } from './reconciliation/work.ts';
import { tenantRoutes } from './tenants/routes.ts';
import { userRoutes } from './users/routes.ts';
import { tokenRoutes } from './users/token-routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before every handler whose access is not `none`. */
    caller: Caller;
    /** The subject of the request, as far as the caller may see it. Set with `caller`. */
    lookup: LookupResult;
  }
}

export type AppOptions = {
  database: Database;
  brand: string;
  log: Logger;
  carriers?: Partial<CarrierSettings>;
  /** How much memory the bodies that are kept may take. */
  cacheBytes?: number;
};

const bodyBytesMax = 1_048_576;
const cacheBytesDefault = 64 * 1_048_576;

/** The whole HTTP side, wired by hand: read from top to bottom, this is what a request passes through. */
export async function createApp({ database, brand, log, ...options }: AppOptions): Promise<App> {
  const { db } = database;
  const lookups = createLookups(database.lookups);
  const bodyCache = createBodyCache(options.cacheBytes ?? cacheBytesDefault);
  const carriers = createCarriers(db, { ...carrierDefaults, ...options.carriers });
  const keyUse = recordKeyUse(db);
  const clock = startClock(db, log);
  const shop = { db, carriers, log };
  const orderWork = startOrders(shop);
  const weeklyFees = startWeeklyFees(db, log);
  const releases = startReleases(db, carriers, log);
  const attachments = startAttachments(db, carriers, log);
  const runs = startRuns(db, carriers, log);
  let stopping = false;

  const app: App = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    bodyLimit: bodyBytesMax,
    exposeHeadRoutes: false,
    // A logger of its own for each request costs as much as all that is logged of most of them.
    childLoggerFactory: logger => logger,
    // Long enough for any way of writing a number and for every id.
    routerOptions: { maxParamLength: 400, ignoreTrailingSlash: true },
    // A request that is under way when the server stops is finished; what comes after is refused.
    return503OnClosing: true,
    genReqId: request => requestId(request.headers['x-request-id']),
    frameworkErrors: (error, request, reply) => answerError(error, request, reply as unknown as FastifyReply),
    clientErrorHandler(error, socket) {
      if (socket.writable) socket.end(rawBadRequest(error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(compileSerializer);
  app.setSchemaErrorFormatter((errors, part) => explainValidation(errors as never, part));
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => answerError(new Problem('route_not_found'), request, reply));
  app.decorateRequest('caller');
  app.decorateRequest('lookup');

  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Many clients name a type with every request, also with those that have no body.
    if (!request.routeOptions.schema?.body) return done(null);
    if (nestsTooDeep(body as string)) return done(new Problem('body_invalid', 'The body is nested too deep'));
    parseJson(request, body as string, done);
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const { access, subject } = request.routeOptions.config;
    if (access === undefined || access === 'none') return;
    const { caller, lookup } = await identify(lookups, request, subject?.(request) ?? {});
    request.caller = caller;
    request.lookup = lookup;
    if (caller.actor.type === 'key') keyUse.touch(caller);
    assertAccess(caller, access);
  });

  app.addHook('preValidation', ({ params, query, body, routeOptions }, _reply, done) => {
    const known = { ...(params as object), ...(routeOptions.schema?.querystring ? (query as object) : {}) };
    const streams = body !== null && typeof body === 'object' && 'pipe' in body;
    const field = unstorableField(known) ?? (streams ? undefined : unstorableField(body));
    if (field === undefined) return done();
    done(
      invalid(
        `${field || 'the body'} has a character that cannot be stored (U+0000 or an unpaired surrogate)`,
      ),
    );
  });

  // Every payload stands between the same two fields; see operation().
  app.addHook('preSerialization', async (_request, reply, payload) => {
    return reply.statusCode < 300 ? { success: true, ...(payload as object), powered_by: brand } : payload;
  });

  // A connection that is kept for another request would keep the server from stopping.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping) reply.header('connection', 'close');
    done();
  });

  app.addHook('onResponse', (request, reply, done) => {
    const level = request.method === 'GET' && reply.statusCode < 400 ? 'debug' : 'info';
    if (log.isLevelEnabled(level))
      log[level](
        {
          request_id: request.id,
          method: request.method,
          path: request.url.split('?')[0],
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
          tenant: request.caller?.tenantId,
          key: request.caller?.actor.id,
        },
        'request',
      );
    done();
  });

  await app.register(swagger, openapi());
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { layout: 'BaseLayout', tryItOutEnabled: true, persistAuthorization: true, validatorUrl: null },
    theme: { title: 'Linekeeper API' },
  });
  app.get('/openapi.json', { schema: { hide: true }, config: { access: 'none' } }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger(), null, 2)),
  );

  const change = changing(db);
  healthRoutes(app, db, () => stopping);
  keyRoutes(app, db, change);
  organizationRoutes(app, db, change);
  userRoutes(app, db, change);
  listRoutes(app, database, bodyCache, brand);
  detailRoutes(app, db, lookups, bodyCache, brand);
  recordRoutes(app, change);
  lifeRoutes(app, change);
  atCarrierRoutes(app, db, carriers, change);
  bulkRoutes(app, db, change);
  orderRoutes(app, shop, change, orderWork);
  tenantRoutes(app, db, change);
  carrierRoutes(app, db, carriers, change);
  tokenRoutes(app, change);
  usageRoutes(app, database);
  runRoutes(app, db, carriers, change, runs);
  const sendFollowersHome = eventRoutes(app, db);
  await app.register(async scope => importRoutes(scope as App, database, brand));

  app.addHook('preClose', async () => {
    stopping = true;
    sendFollowersHome();
    // A connection that is busy now is kept alive when it is done, and the server would wait for its client to leave.
    const closing = setInterval(() => app.server.closeIdleConnections(), 50);
    app.server.once('close', () => clearInterval(closing));
  });
  app.addHook('onClose', async () => {
    const work = [clock, orderWork, weeklyFees, releases, attachments, runs];
    await Promise.all(work.map(each => each.stop()));
    await keyUse.stop();
  });
  await app.ready();
  return app;

  /** The one place where an error becomes an answer. */
  async function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply) {
    const problem = toProblem(thrown as FastifyError, request.routeOptions?.bodyLimit ?? bodyBytesMax);
    if (problem.code === 'internal_error')
      log.error({ request_id: request.id, err: thrown }, 'internal error');
    if (problem.code === 'unavailable')
      log.warn({ request_id: request.id, err: thrown }, 'the database is not reachable');
    if (problem.status === 503 || problem.status === 429) reply.header('retry-after', '1');
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
    return reply.status(problem.status).send(JSON.stringify(body));
  }

  function rawBadRequest(status: 400 | 431): string {
    const code: ProblemCode = 'invalid_request';
    const error = status === 431 ? 'The headers are too large' : 'This is not valid HTTP';
    const body = JSON.stringify({
      success: false,
      error,
      code,
      request_id: randomUUIDv7(),
      powered_by: brand,
    });
    const reason = status === 431 ? 'Request Header Fields Too Large' : 'Bad Request';
    return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
  }
}

/** A client may name its own request; the name goes into headers, logs and events, so it is kept plain. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUIDv7();
}

/** What a client is told of anything that was thrown: what it can mend, or else only that something is wrong here. */
function toProblem(error: FastifyError, bodyLimit: number): Problem {
  if (error instanceof Problem) return error;
  if (isUnavailable(error)) return new Problem('unavailable');
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('body_too_large', `The body is larger than ${bodyLimit} bytes`);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('media_type_unsupported');
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return invalid('The path is not valid');
  }
  // What is left of the framework's own complaints about a request is about its body.
  if (error.statusCode === 400 || error instanceof SyntaxError) return new Problem('body_invalid');
  return new Problem('internal_error');
}
