import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { type Job, startJob } from '../work/jobs.ts';
import { secondsUntil } from './bucket.ts';
import { type Remaining, rateLimitHeaders } from './headers.ts';
import type { KeyLimits, TenantLimits } from './limits.ts';
import { addDailyUse, type DailyUse, forgetDailyUse, readTenantLimits } from './stored.ts';
import { flowOf, isPerDay, secondsLeftOfDay, Use } from './use.ts';

/** What the look-up of a request brings about limits. */
export type OwnLimits = {
  /** The version of the limits of all tenants. */
  limitsVersion: number;
  /** The limits of the key or token, if it has any, and the key whose limits they are. */
  limited: { keyId: string; limits: KeyLimits } | undefined;
};

declare module 'fastify' {
  interface FastifyRequest {
    /** The limits that the request counts towards. */
    limited: OwnLimits['limited'];
  }
}

/** The limits of callers, and what they have used of them. */
export type Meter = Job & {
  /**
   * Counts a request towards the limits of its caller, and tells the caller of them.
   * @throws Problem limit_exceeded
   */
  admit(request: FastifyRequest, reply: FastifyReply, own: OwnLimits): void | Promise<void>;
  /**
   * Counts the bytes of a file as they come.
   * @throws Problem limit_exceeded at once if the file is known to be too long, else where it is
   */
  importing(
    request: FastifyRequest,
    reply: FastifyReply,
    file: AsyncIterable<Uint8Array>,
  ): AsyncIterable<Uint8Array>;
  /** What the operator allows a tenant. */
  limitsOf(tenantId: string): TenantLimits;
  /** The tenant's use, and that of the key that a request counts towards. */
  usedBy(request: FastifyRequest): Promise<Counted[]>;
};

/** A use, with its limits. */
export type Counted = { of: 'tenant' | 'key'; use: Use; limits: KeyLimits };

const none: TenantLimits = {};
const flushMs = 5000;

export function createMeter(db: Db, log: Logger): Meter {
  let version: number | undefined;
  let tenants = new Map<string, TenantLimits>();
  let reading: Promise<void> | undefined;
  /** By the id of the tenant or the key. */
  const uses = new Map<string, Use>();
  /** Of days that have ended. */
  let ended: DailyUse[] = [];
  let forgotOn: string | undefined;

  const limitsOf = (tenantId: string) => tenants.get(tenantId) ?? none;

  function useOf(tenantId: string, keyId: string | null): Use {
    const id = keyId ?? tenantId;
    let use = uses.get(id);
    if (!use) {
      use = new Use(tenantId, keyId);
      uses.set(id, use);
    }
    const rest = use.turn();
    if (rest) ended.push(rest);
    return use;
  }

  /** Requests that need the limits meanwhile wait for the same answer. */
  const readLimits = () =>
    (reading ??= readTenantLimits(db)
      .then(read => {
        ({ version, limits: tenants } = read);
      })
      .finally(() => {
        reading = undefined;
      }));

  function countedOf({ tenantId }: Caller, limited: OwnLimits['limited']): Counted[] {
    const tenant: Counted = { of: 'tenant', use: useOf(tenantId, null), limits: limitsOf(tenantId) };
    if (!limited) return [tenant];
    return [{ of: 'key', use: useOf(tenantId, limited.keyId), limits: limited.limits }, tenant];
  }

  /** One after the other, so that no sum of the database overwrites a later one. */
  let adding: Promise<unknown> = Promise.resolve();
  function add(chosen: () => Iterable<Use>, late: DailyUse[] = []): Promise<void> {
    const added = adding.then(async () => {
      const batch = [...chosen()].map(use => ({ use, fresh: use.takeFresh() ?? use.blank() }));
      if (batch.length + late.length === 0) return;
      try {
        const sums = await addDailyUse(db, [...late, ...batch.map(({ fresh }) => fresh)]);
        for (const sum of sums) uses.get(sum.keyId ?? sum.tenantId)?.store(sum);
      } catch (error) {
        ended.push(...late);
        for (const { use, fresh } of batch) use.keep(fresh);
        throw error;
      }
    });
    adding = added.catch(() => {});
    return added;
  }

  /** Asks for what was used today before this process knew. */
  const load = (counted: Counted[]) => add(() => counted.flatMap(({ use }) => (use.isLoaded ? [] : [use])));
  const needsLoad = (counted: Counted[]) =>
    counted.some(({ use, limits }) => isPerDay(limits) && !use.isLoaded);

  function count(request: FastifyRequest, reply: FastifyReply, counted: Counted[]): void {
    const { caller } = request;
    for (const { of, use, limits } of counted) {
      const exceeded = use
        .remaining(of, limits)
        .find(({ name, left }) => name !== 'import_bytes_per_day' && left < 1);
      if (exceeded) refuse(reply, caller, counted, exceeded, 1);
    }
    for (const { use, limits } of counted) {
      use.countRequest(limits);
      if (limits.concurrent_requests === undefined) continue;
      use.open++;
      if (reply.raw.closed) use.open--;
      else reply.raw.once('close', () => use.open--);
    }
    tell(reply, caller, counted);
  }

  async function flush(): Promise<void> {
    for (const [id, use] of uses) {
      const rest = use.turn();
      if (!rest) continue;
      ended.push(rest);
      if (use.open === 0) uses.delete(id);
    }
    const late = ended;
    ended = [];
    await add(() => [...uses.values()].filter(use => use.hasFresh()), late);
    const day = new Date().toISOString().slice(0, 10);
    if (forgotOn !== day) await forgetDailyUse(db);
    forgotOn = day;
  }

  return {
    ...startJob(log, {
      name: 'writing down what callers use',
      everyMs: flushMs,
      round: flush,
      // What a failure loses here is some seconds of a count.
      settled: () => flush().catch(() => {}),
    }),
    limitsOf,
    admit(request, reply, { limitsVersion, limited }) {
      const { caller } = request;
      request.limited = limited;
      if (limitsVersion !== version) return admitLater();
      if (!limited && !tenants.has(caller.tenantId)) {
        // Most requests end here.
        useOf(caller.tenantId, null).requests.fresh++;
        return;
      }
      const counted = countedOf(caller, limited);
      if (needsLoad(counted)) return admitLater();
      count(request, reply, counted);

      async function admitLater(): Promise<void> {
        if (limitsVersion !== version) await readLimits();
        if (needsLoad(countedOf(caller, limited))) await load(countedOf(caller, limited));
        count(request, reply, countedOf(caller, limited));
      }
    },
    importing(request, reply, file) {
      const { caller, limited, headers } = request;
      assertRoom(Number(headers['content-length'] ?? 1));
      return pieces();

      async function* pieces() {
        for await (const piece of file) {
          assertRoom(piece.length);
          for (const { use } of countedOf(caller, limited)) use.importBytes.fresh += piece.length;
          yield piece;
        }
      }
      function assertRoom(bytes: number): void {
        const counted = countedOf(caller, limited);
        for (const { of, use, limits } of counted) {
          const limit = use.remaining(of, limits).find(({ name }) => name === 'import_bytes_per_day');
          if (limit && limit.left < bytes) refuse(reply, caller, counted, limit, bytes);
        }
      }
    },
    async usedBy({ caller, limited }) {
      const counted = countedOf(caller, limited);
      await load(counted);
      return counted;
    },
  };
}

/** Who is bound to an organization does not see what others of the tenant use. */
export const maySeeTenant = ({ organizationId }: Caller): boolean => organizationId === null;

/** @param exceeded replaces what its limit would say */
function tell(reply: FastifyReply, caller: Caller, counted: Counted[], exceeded?: Remaining): void {
  const visible = counted.filter(({ of }) => of === 'key' || maySeeTenant(caller));
  const limits = visible
    .flatMap(({ of, use, limits }) => use.remaining(of, limits))
    .map(limit => (limit.of === exceeded?.of && limit.name === exceeded.name ? exceeded : limit));
  if (limits.length > 0) reply.headers(rateLimitHeaders(limits));
}

function refuse(
  reply: FastifyReply,
  caller: Caller,
  counted: Counted[],
  exceeded: Remaining,
  wanted: number,
): never {
  const { of, name, left, renewsIn } = exceeded;
  const { limits, use } = counted.find(each => each.of === of)!;
  const flow = name === 'requests_per_second' ? flowOf(limits) : undefined;
  const seconds = flow
    ? secondsUntil(wanted, use.bucketOf(flow), flow)
    : name === 'concurrent_requests'
      ? 1
      : (renewsIn ?? secondsLeftOfDay());
  reply.header('retry-after', String(Math.max(1, Math.ceil(seconds))));
  // The same moment as Retry-After, as the draft wants it.
  tell(reply, caller, counted, { ...exceeded, renewsIn: seconds });
  const rest = name === 'import_bytes_per_day' ? ` ${Math.max(0, left)} bytes are left of today.` : '';
  throw new Problem(
    'limit_exceeded',
    `The limit ${name} of ${of === 'key' ? 'this key' : 'the tenant'} is exceeded: it is ${limits[name]}`,
    `${rest} GET /v1/limits shows all limits and their use.`.trim(),
  );
}
