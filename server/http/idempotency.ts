import { createHash, type Hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db, Tx } from '../db/database.ts';
import { Problem } from '../errors.ts';

/** What a client calls a request, so that it can be repeated, and what tells it from other requests. */
export type IdempotentRequest = { key: string; hash: Buffer };

/** The request's `Idempotency-Key`. */
export function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  return typeof key === 'string' ? key : undefined;
}

/**
 * What tells a request from others, up to its body. Two requests are the same if they would do the same: whoever is
 * blind to other organizations gets no answer of theirs.
 */
export function requestHash({ method, url, caller }: FastifyRequest): Hash {
  return createHash('sha256').update(JSON.stringify([method, url, caller.organizationId]));
}

/**
 * The answer that the key has already, or undefined: then the key is ours until the transaction ends. The lock only
 * makes a second request fail at once instead of waiting; what keeps the effect single is the record's primary key.
 */
export async function claimKey<T extends object>(
  tx: Tx,
  caller: Caller,
  { key, hash }: IdempotentRequest,
): Promise<{ status: number; payload: T } | undefined> {
  await assertLocked(tx, sql`pg_try_advisory_xact_lock(${lockId(caller, key)})`);
  const kept = await tx
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'status', 'body'])
    .where('tenant_id', '=', caller.tenantId)
    .where('key', '=', key)
    .executeTakeFirst();
  if (kept && !kept.request_hash.equals(hash)) throw new Problem('idempotency_mismatch');
  return kept && { status: kept.status, payload: JSON.parse(kept.body) };
}

/** Keeps what the request is answered with, in the transaction of its effect. */
export async function storeReply(
  tx: Tx,
  caller: Caller,
  { key, hash }: IdempotentRequest,
  status: number,
  payload: object,
): Promise<void> {
  const answer = { request_hash: hash, status, body: JSON.stringify(payload) };
  await tx
    .insertInto('idempotency_keys')
    .values({ tenant_id: caller.tenantId, key, ...answer })
    .execute();
}

/**
 * The same lock before there is a transaction: for a request that takes long to arrive, on a session of its own.
 * Until the session lets go of it, or ends, every other request with the key is refused.
 */
export const lockKey = (session: Db, caller: Caller, key: string): Promise<void> =>
  assertLocked(session, sql`pg_try_advisory_lock(${lockId(caller, key)})`);

export async function unlockKey(session: Db, caller: Caller, key: string): Promise<void> {
  await sql`select pg_advisory_unlock(${lockId(caller, key)})`.execute(session);
}

async function assertLocked(db: Db, attempt: RawBuilder<unknown>): Promise<void> {
  const { rows } = await sql<{ locked: boolean }>`select ${attempt} as locked`.execute(db);
  if (!rows[0]!.locked) throw new Problem('idempotency_running');
}

const lockId = ({ tenantId }: Caller, key: string) => sql`hashtextextended(${`${tenantId} ${key}`}, 0)`;
