import { createHash, type Hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db, Tx } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { jsonOf } from './pieces/write-json.ts';

/** A request with an idempotency key. The hash tells it from another request that reuses the key. */
export type IdempotentRequest = { key: string; hash: Buffer };

/** The reply to the first request with a key, which every later one gets as a replay. */
export type StoredReply<T extends object> = { status: number; payload: T };

/** The request's `Idempotency-Key`. */
export function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  return typeof key === 'string' ? key : undefined;
}

/**
 * A hash of the request, to which the caller still adds the body. The organization is part of it because a bound key
 * must never get a reply that was made for another organization.
 */
export function requestHash({ method, url, caller }: FastifyRequest): Hash {
  return createHash('sha256').update(JSON.stringify([method, url, caller.organizationId]));
}

/**
 * Returns the key's stored reply. If there is none, claims the key until the transaction ends.
 *
 * Callers of one organization have idempotency keys of their own, and so have those of the whole tenant: nobody learns
 * which keys the others have used. Replies that were stored before that are of no organization. Their hash has it.
 *
 * The unique constraint of the table makes the effect single. The lock only lets a second request fail at once instead of
 * waiting for the first.
 * @throws Problem idempotency_running, idempotency_mismatch
 */
export async function claimKey<T extends object>(
  tx: Tx,
  caller: Caller,
  { key, hash }: IdempotentRequest,
): Promise<StoredReply<T> | undefined> {
  await assertLocked(tx, sql`pg_try_advisory_xact_lock(${lockId(caller, key)})`);
  const stored = await tx
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'status', 'body'])
    .where('tenant_id', '=', caller.tenantId)
    .where('key', '=', key)
    .where(
      sql<boolean>`(organization_id is not distinct from ${caller.organizationId}::uuid
        or organization_id is null and request_hash = ${hash})`,
    )
    .executeTakeFirst();
  if (stored && !stored.request_hash.equals(hash)) throw new Problem('idempotency_mismatch');
  return stored && { status: stored.status, payload: JSON.parse(stored.body) };
}

/** Stores the reply in the transaction of the change. */
export async function storeReply(
  tx: Tx,
  caller: Caller,
  { key, hash }: IdempotentRequest,
  status: number,
  payload: object,
): Promise<void> {
  const reply = { request_hash: hash, status, body: await jsonOf(payload) };
  await tx
    .insertInto('idempotency_keys')
    .values({ tenant_id: caller.tenantId, organization_id: caller.organizationId, key, ...reply })
    .execute();
}

/**
 * Takes the lock of claimKey() before there is a transaction, for a request that takes long to arrive. It needs a
 * session of its own. Every other request with the key fails until the session unlocks the key or ends.
 * @throws Problem idempotency_running
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

const lockId = ({ tenantId, organizationId }: Caller, key: string) =>
  sql`hashtextextended(${`${tenantId} ${organizationId ?? ''} ${key}`}, 0)`;

const keptHours = 48;

/** Forgets answers that nobody may ask for any more. */
export async function forgetAnswers(db: Db): Promise<void> {
  await sql`delete from idempotency_keys where created_at < now() - make_interval(hours => ${keptHours})`.execute(
    db,
  );
}
