import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import { type Db, transact } from '../db/database.ts';
import { invalid, Problem } from '../errors.ts';
import type { Who } from '../keys/who.ts';

/** Makes one change for one request, and answers it. */
export type Changing = <T extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  status: 200 | 201,
  change: (db: Db, who: Who) => Promise<T>,
  /** What a repeat is answered with, where the answer has a secret that must not be kept. */
  kept?: (payload: T) => T,
) => Promise<T>;

/**
 * What every changing route does around its change: `If-Match` becomes part of who asks, and with an `Idempotency-Key`
 * the change and the record of its answer are one transaction, so that a repeat finds either both or neither.
 */
export function changing(db: Db, brand: string): Changing {
  return async (request, reply, status, change, keep = payload => payload) => {
    const who = { ...request.who, ...ifMatch(request) };
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string') return reply.status(status).send(await change(db, who)) as never;
    const answer = await transact(db, async tx => {
      const kept = await claimKey(tx, who.tenantId, key, requestHash(request));
      if (kept) return { ...kept, replayed: true };
      const payload = await change(tx, who);
      const textOf = (answer: object) => JSON.stringify({ success: true, ...answer, powered_by: brand });
      const record = { tenant_id: who.tenantId, key, request_hash: requestHash(request), status };
      await tx
        .insertInto('idempotency_keys')
        .values({ ...record, body: textOf(keep(payload)) })
        .execute();
      return { status, body: textOf(payload), replayed: false };
    });
    if (answer.replayed) reply.header('idempotency-replayed', 'true');
    return reply.status(answer.status).type('application/json; charset=utf-8').send(answer.body) as never;
  };
}

/**
 * The answer that the key has already, or undefined: then the key is ours until the transaction ends. The lock only
 * makes a second request fail at once instead of waiting; what keeps the effect single is the record's primary key.
 */
async function claimKey(tx: Db, tenantId: string, key: string, hash: Buffer) {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${`${tenantId} ${key}`}, 0)) as locked`.execute(tx);
  if (!rows[0]!.locked) throw new Problem('idempotency_running');
  const kept = await tx
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'status', 'body'])
    .where('tenant_id', '=', tenantId)
    .where('key', '=', key)
    .executeTakeFirst();
  if (kept && !kept.request_hash.equals(hash)) throw new Problem('idempotency_mismatch');
  return kept && { status: kept.status, body: kept.body };
}

/** Two requests are the same if they would do the same: whoever is blind to other organizations gets no answer of theirs. */
function requestHash({ method, url, body, who }: FastifyRequest): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([method, url, body ?? null, who.organizationId]))
    .digest();
}

/** A revision, bare or as the `ETag` of a list, whose first part it is; `*` asks for nothing. */
function ifMatch({ headers, routeOptions }: FastifyRequest): { ifMatch?: number } {
  const header = headers['if-match'];
  if (header === undefined || header === '*') return {};
  if (routeOptions.config.access === 'setting')
    throw invalid('If-Match has no revision to be compared with here');
  const revision = /^(?:W\/)?"?(\d{1,15})(?:-[\w-]+)?"?$/.exec(header)?.[1];
  if (revision === undefined) throw invalid('If-Match must be a revision or the ETag of a list');
  return { ifMatch: Number(revision) };
}
