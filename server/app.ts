import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { type CarrierSettings, carrierDefaults, createCarriers } from './accounts/open.ts';
import { carrierRoutes } from './accounts/routes.ts';
import { eventRoutes } from './audit/routes.ts';
import { createWaiters } from './audit/waiters.ts';
import { usageRoutes } from './charges/routes.ts';
import { startWeeklyFees } from './charges/weekly.ts';
import type { Database } from './db/database.ts';
import { createVersionWatch } from './db/migrate.ts';
import { type Pulse, patienceMsDefault, startPulse } from './db/pulse.ts';
import { asRead } from './db/reads.ts';
import { docRoutes } from './docs/routes.ts';
import { Problem } from './errors.ts';
import { healthRoutes } from './health/routes.ts';
import { changing } from './http/changing.ts';
import { createFastify } from './http/fastify.ts';
import { forgetAnswers } from './http/idempotency.ts';
import type { App } from './http/operation.ts';
import { type Connections, connectionsMax, watchConnections } from './http/pace/connections.ts';
import type { RoomOptions } from './http/pace/room.ts';
import { shareOutAnswers, shareOutBodies } from './http/pieces/budget.ts';
import { createAllShares, goneSignal, type Shares } from './http/shares.ts';
import { recordKeyUse } from './keys/keys.ts';
import { keyRoutes } from './keys/routes.ts';
import { createMeter, type Meter } from './limits/meter.ts';
import { limitRoutes } from './limits/routes.ts';
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
import { createGate, type Gate } from './reading/gate.ts';
import { assertAccess, assertSame, identify } from './reading/identify.ts';
import { createLookups, type Lookups } from './reading/lookups.ts';
import { createQueue, type Queue, type QueueOptions, wrongKeysDefault } from './reading/wrong-keys.ts';
import { runRoutes } from './reconciliation/routes.ts';
import { startComparisons } from './reconciliation/schedule.ts';
import { startRuns } from './reconciliation/work.ts';
import { tenantRoutes } from './tenants/routes.ts';
import { userRoutes } from './users/routes.ts';
import { tokenRoutes } from './users/token-routes.ts';
import { forgetTokens } from './users/tokens.ts';
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
  /** How often it looks whether a newer version has migrated the database, in milliseconds. */
  versionEveryMs?: number;
  /** How fast wrong keys are answered. */
  wrongKeys?: QueueOptions;
  /** How many connections clients may have. */
  connectionsMax?: number;
  /** What long answers may use of the disk. */
  room?: Partial<RoomOptions>;
};

const cacheBytesDefault = 64 * 1_048_576;

/** The whole HTTP side and its jobs, wired by hand. */
export async function createApp({ database, brand, log, ...options }: AppOptions): Promise<App> {
  const { db, background } = database;
  const pulse = startPulse(database, options.silentMsMax ?? patienceMsDefault);
  const lookups = createLookups(database.lookups);
  const bodyCache = createBodyCache(options.cacheBytes ?? cacheBytesDefault);
  const carriers = createCarriers(db, { ...carrierDefaults, ...options.carriers });
  const waiters = createWaiters(db);
  const version = createVersionWatch(background, log);
  const shop = { db, carriers, log };
  const jobs = {
    clock: startClock(background, log),
    orders: startOrders({ ...shop, db: background }),
    releases: startReleases(background, carriers, log),
    attachments: startAttachments(background, carriers, log),
    weeklyFees: startWeeklyFees(background, log),
    comparisons: startComparisons(background, log),
    runs: startRuns(background, carriers, log),
    keyUse: recordKeyUse(background, log),
    meter: createMeter(background, log),
    version: startJob(log, {
      name: 'looking for newer migrations',
      everyMs: options.versionEveryMs ?? 30_000,
      round: version.look,
    }),
    tokens: startJob(log, {
      name: 'forgetting tokens',
      everyMs: 3_600_000,
      round: () => forgetTokens(background),
    }),
    answers: startJob(log, {
      name: 'forgetting answers',
      everyMs: 600_000,
      round: () => forgetAnswers(background),
    }),
  };

  const app = createFastify(brand, log);
  const wrongKeys = createQueue(options.wrongKeys ?? wrongKeysDefault);
  identifyCallers(app, lookups, pulse, jobs, wrongKeys);
  const shares = createAllShares(options.waitMsMax ?? 10_000, jobs.meter.limitsOf, options.room);
  shareOutBodies(app, shares.bodyBytes);
  shareOutAnswers(app, shares.answerBytes);
  shareOutRequests(app, shares.requests, createGate(database.lookups, shares.changes));
  const connections = watchConnections(app.server, options.connectionsMax ?? connectionsMax());
  const stopping = closeConnectionsWhenStopping(app, connections);
  await docRoutes(app);

  const change = changing(db);
  healthRoutes(app, database, pulse, version, stopping);
  keyRoutes(app, db, change);
  limitRoutes(app, db, jobs.meter, shares);
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
  await app.register(async scope => importRoutes(scope as App, database, brand, shares, jobs.meter));

  app.addHook('preClose', async () => {
    waiters.notifyAll();
    wrongKeys.end();
  });
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
  { keyUse, meter }: { keyUse: ReturnType<typeof recordKeyUse>; meter: Meter },
  wrongKeys: Queue,
): void {
  app.decorateRequest('caller');
  app.decorateRequest('limited');
  app.decorateRequest('lookup');
  app.decorateRequest('leave');
  app.decorateRequest('leaveGate');
  app.decorate('assertStillAllowed', async request => {
    const { caller } = await identify(lookups, request, {});
    assertSame(caller, request.caller);
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const { access, subject } = request.routeOptions.config;
    if (access === undefined || access === 'none') return;
    if (!pulse.answers()) throw new Problem('unavailable');
    let identified: Awaited<ReturnType<typeof identify>>;
    try {
      identified = await identify(lookups, request, subject?.(request) ?? {});
    } catch (error) {
      return answerInTurn(error, wrongKeys, reply);
    }
    const { caller, lookup } = identified;
    request.caller = caller;
    request.lookup = lookup;
    if (caller.actor.type === 'key') keyUse.touch(caller);
    const admitted = meter.admit(request, reply, lookup);
    if (admitted) await admitted;
    assertAccess(caller, access);
  });
}

/** Somebody who tries keys waits for the answer, and does not ask again meanwhile. */
async function answerInTurn(error: unknown, wrongKeys: Queue, reply: FastifyReply): Promise<never> {
  const isWrong =
    error instanceof Problem && (error.code === 'api_key_invalid' || error.code === 'token_invalid');
  if (isWrong) await wrongKeys.turn(reply);
  throw error;
}

/**
 * A request holds a place at the database until its answer is ready, also if its client has gone: it may still use a
 * connection. What a slow client reads holds none. A change first waits at the gate of its organization.
 */
function shareOutRequests(app: App, shares: Shares, gate: Gate): void {
  // With callbacks, because an answer from memory passes here too, and waits for nothing.
  app.addHook('preHandler', (request, reply, done) => {
    const { access, sharesItself } = request.routeOptions.config;
    if (access === undefined || access === 'none' || sharesItself) return done();
    const gone = goneSignal(reply);
    const enter = () => shares.enter(request.caller.tenantId, gone);
    const pass = async () => {
      request.leaveGate = await gate.enter(request, gone);
      return enter();
    };
    const entering = access === 'change' ? pass() : enter();
    entering.then(leave => {
      request.leave = leave;
      if (gone.aborted) done(new Problem('unavailable', 'The client has gone'));
      // The reads of a client that has gone end. Changes go on.
      else if (access === 'change' || access === 'setting') done();
      else asRead(gone, done);
    }, done);
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    request.leave?.();
    request.leaveGate?.();
    done(null, payload);
  });
}

/** @returns whether the server is stopping */
function closeConnectionsWhenStopping(app: App, connections: Connections): () => boolean {
  let stopping = false;
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping) reply.header('connection', 'close');
    done();
  });
  app.addHook('preClose', async () => {
    stopping = true;
    connections.stop();
  });
  return () => stopping;
}
