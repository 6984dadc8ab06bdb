import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { type CarrierSettings, carrierDefaults, createCarriers } from './accounts/open.ts';
import { carrierRoutes } from './accounts/routes.ts';
import { eventRoutes } from './audit/routes.ts';
import { createWaiters } from './audit/waiters.ts';
import { usageRoutes } from './charges/routes.ts';
import { startWeeklyFees } from './charges/weekly.ts';
import type { Database } from './db/database.ts';
import { type Pulse, patienceMsDefault, startPulse } from './db/pulse.ts';
import { docRoutes } from './docs/routes.ts';
import { Problem } from './errors.ts';
import { healthRoutes } from './health/routes.ts';
import { changing } from './http/changing.ts';
import { createFastify } from './http/fastify.ts';
import { forgetAnswers } from './http/idempotency.ts';
import type { App } from './http/operation.ts';
import { shareOutAnswers, shareOutBodies } from './http/pieces/budget.ts';
import { createAllShares, goneSignal, type Shares } from './http/shares.ts';
import { recordKeyUse } from './keys/keys.ts';
import { keyRoutes } from './keys/routes.ts';
import { startAttachments } from './numbers/at-carrier/attachment.ts';
import { startReleases } from './numbers/at-carrier/carrier-release.ts';
import { atCarrierRoutes } from './numbers/at-carrier/routes.ts';
import { importRoutes } from './numbers/import/routes.ts';
import { bulkRoutes } from './numbers/life/bulk/routes.ts';
import { startClock } from './numbers/life/clock.ts';
import { recordRoutes } from './numbers/life/record-routes.ts';
import { reservationRoutes } from './numbers/life/reservation-routes.ts';
import { lifeRoutes } from './numbers/life/routes.ts';
import { detailRoutes } from './numbers/list/detail-routes.ts';
import { listRoutes } from './numbers/list/routes.ts';
import { orderRoutes } from './orders/routes.ts';
import { startOrders } from './orders/work.ts';
import { organizationRoutes } from './organizations/routes.ts';
import { createBodyCache } from './reading/body-cache.ts';
import { assertAccess, identify } from './reading/identify.ts';
import { createLookups, type Lookups } from './reading/lookups.ts';
import { runRoutes } from './reconciliation/routes.ts';
import { startComparisons } from './reconciliation/schedule.ts';
import { startRuns } from './reconciliation/work.ts';
import { tenantRoutes } from './tenants/routes.ts';
import { userRoutes } from './users/routes.ts';
import { tokenRoutes } from './users/token-routes.ts';
import { startJob } from './work/jobs.ts';

export type AppOptions = {
  database: Database;
  brand: string;
  log: Logger;
  carriers?: Partial<CarrierSettings>;
  /** The size of the body cache. */
  cacheBytes?: number;
  /** How long a request waits for its tenant's share of what is scarce, in milliseconds. */
  waitMsMax?: number;
  /** How long the database may be silent, in milliseconds. */
  silentMsMax?: number;
};

const cacheBytesDefault = 64 * 1_048_576;

/** The whole HTTP side and its jobs, wired by hand. */
export async function createApp({ database, brand, log, ...options }: AppOptions): Promise<App> {
  const { db } = database;
  const pulse = startPulse(database, options.silentMsMax ?? patienceMsDefault);
  const lookups = createLookups(database.lookups);
  const bodyCache = createBodyCache(options.cacheBytes ?? cacheBytesDefault);
  const carriers = createCarriers(db, { ...carrierDefaults, ...options.carriers });
  const waiters = createWaiters(db);
  const shop = { db, carriers, log };
  const jobs = {
    clock: startClock(db, log),
    orders: startOrders(shop),
    releases: startReleases(db, carriers, log),
    attachments: startAttachments(db, carriers, log),
    weeklyFees: startWeeklyFees(db, log),
    comparisons: startComparisons(db, log),
    runs: startRuns(db, carriers, log),
    keyUse: recordKeyUse(db, log),
    answers: startJob(log, { name: 'forgetting answers', everyMs: 600_000, round: () => forgetAnswers(db) }),
  };

  const app = createFastify(brand, log);
  identifyCallers(app, lookups, pulse, jobs.keyUse);
  const shares = createAllShares(options.waitMsMax ?? 10_000);
  shareOutBodies(app, shares.bodies);
  shareOutAnswers(app, shares.answers);
  shareOutRequests(app, shares.requests);
  const stopping = closeConnectionsWhenStopping(app);
  await docRoutes(app);

  const change = changing(db);
  healthRoutes(app, pulse, stopping);
  keyRoutes(app, db, change);
  organizationRoutes(app, db, change, shares, brand);
  userRoutes(app, db, change, shares, brand);
  listRoutes(app, database, bodyCache, brand, shares);
  detailRoutes(app, db, lookups, bodyCache, brand);
  recordRoutes(app, change);
  lifeRoutes(app, change);
  reservationRoutes(app, change);
  atCarrierRoutes(app, db, carriers, change);
  bulkRoutes(app, db, change);
  orderRoutes(app, shop, change, jobs.orders);
  tenantRoutes(app, db, change);
  carrierRoutes(app, db, carriers, change);
  tokenRoutes(app, change);
  usageRoutes(app, database, shares);
  runRoutes(app, db, carriers, change, jobs.runs);
  eventRoutes(app, db, waiters, shares, brand);
  await app.register(async scope => importRoutes(scope as App, database, brand, shares));

  app.addHook('preClose', async () => waiters.notifyAll());
  app.addHook('onClose', async () => {
    await Promise.all(Object.values(jobs).map(job => job.stop()));
    await pulse.stop();
  });
  await app.ready();
  return app;
}

/** Looks up the caller and the subject of every request, unless the route is open to everybody. */
function identifyCallers(
  app: App,
  lookups: Lookups,
  pulse: Pulse,
  keyUse: ReturnType<typeof recordKeyUse>,
): void {
  app.decorateRequest('caller');
  app.decorateRequest('lookup');
  app.decorateRequest('leave');
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const { access, subject } = request.routeOptions.config;
    if (access === undefined || access === 'none') return;
    if (!pulse.answers()) throw new Problem('unavailable');
    const { caller, lookup } = await identify(lookups, request, subject?.(request) ?? {});
    request.caller = caller;
    request.lookup = lookup;
    if (caller.actor.type === 'key') keyUse.touch(caller);
    assertAccess(caller, access);
  });
}

/** A request holds a place at the database until its answer is ready. What a slow client reads holds none. */
function shareOutRequests(app: App, shares: Shares): void {
  // With callbacks, because an answer from memory passes here too, and waits for nothing.
  app.addHook('preHandler', (request, reply, done) => {
    const { access, sharesItself } = request.routeOptions.config;
    if (access === undefined || access === 'none' || sharesItself) return done();
    shares.enter(request.caller.tenantId, goneSignal(reply)).then(leave => {
      request.leave = leave;
      reply.raw.once('close', leave);
      if (reply.raw.closed) leave();
      done();
    }, done);
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    request.leave?.();
    done(null, payload);
  });
}

/** How long a request of which only a part has arrived may be silent when the server is stopping. */
const pauseMsMax = 3000;

/**
 * A kept-alive connection would keep the server from stopping, and so would a request of which no more arrives.
 * @returns whether the server is stopping
 */
function closeConnectionsWhenStopping(app: App): () => boolean {
  let stopping = false;
  const sockets = new Set<Socket>();
  const requests = new WeakMap<Socket, { request: IncomingMessage; response: ServerResponse }>();
  app.server.on('connection', socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  app.server.on('request', (request, response) => requests.set(request.socket, { request, response }));
  const isArriving = (socket: Socket) => {
    const last = requests.get(socket);
    return !last?.request.complete || last.response.writableFinished;
  };

  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping) reply.header('connection', 'close');
    done();
  });
  app.addHook('preClose', async () => {
    stopping = true;
    // A connection that is busy now becomes idle later.
    const closing = setInterval(() => app.server.closeIdleConnections(), 50);
    const heard = new Map<Socket, number>();
    const ending = setInterval(() => {
      for (const socket of sockets) {
        if (isArriving(socket) && heard.get(socket) === socket.bytesRead) socket.destroy();
        heard.set(socket, socket.bytesRead);
      }
    }, pauseMsMax);
    app.server.once('close', () => {
      clearInterval(closing);
      clearInterval(ending);
    });
  });
  return () => stopping;
}
