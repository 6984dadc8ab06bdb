import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import { type Db, transact } from '../db/database.ts';
import { invalid } from '../errors.ts';
import {
  claimKey,
  type IdempotentRequest,
  idempotencyKeyOf,
  requestHash,
  storeReply,
} from './idempotency.ts';

/** Makes one change for one request, and answers it. */
export type Changing = <T extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  status: 200 | 201 | 202,
  change: Change<T>,
  kept?: (payload: T) => T,
) => Promise<T>;

/** A change, with the connection that it is made on and on whose behalf. Its payload is JSON: no dates, no bigints. */
export type Change<T extends object> = (db: Db, caller: Caller) => Promise<T>;

/** What a request is answered with; `replayed` if an earlier one with its `Idempotency-Key` has done it. */
export type ChangeReply<T extends object> = { status: number; payload: T; replayed: boolean };

/** What every changing route does around its change. */
export function changing(db: Db): Changing {
  return async (request, reply, status, change, kept) =>
    sendReply(reply, await changeOnce(db, request, status, change, kept)) as never;
}

/**
 * Makes a change at most once for a request. `If-Match` becomes part of who asks; with an `Idempotency-Key` the change
 * and the record of its answer are one transaction, so that a repeat finds either both or neither.
 * @param kept what a repeat is answered with, where the answer has a secret that must not be kept
 * @throws Problem idempotency_running, idempotency_mismatch, invalid_request (If-Match), and what the change throws
 */
export async function changeOnce<T extends object>(
  db: Db,
  request: FastifyRequest,
  status: number,
  change: Change<T>,
  kept = (payload: T): T => payload,
): Promise<ChangeReply<T>> {
  const caller = changingCaller(request);
  const key = idempotencyKeyOf(request);
  if (key === undefined) return { status, payload: await change(db, caller), replayed: false };
  const idempotent = idempotentRequest(request, key);
  return transact(db, async tx => {
    const earlier = await claimKey<T>(tx, caller, idempotent);
    if (earlier) return { ...earlier, replayed: true };
    const payload = await change(tx, caller);
    await storeReply(tx, caller, idempotent, status, kept(payload));
    return { status, payload, replayed: false };
  });
}

/**
 * Whether once() would only repeat an answer: for a change that a carrier must be asked about first, which is done
 * before there is a transaction.
 * @throws Problem what once() throws before it makes the change
 */
export async function hasStoredReply(db: Db, request: FastifyRequest): Promise<boolean> {
  const caller = changingCaller(request);
  const key = idempotencyKeyOf(request);
  if (key === undefined) return false;
  const earlier = await transact(db, tx => claimKey(tx, caller, idempotentRequest(request, key)));
  return earlier !== undefined;
}

function idempotentRequest(request: FastifyRequest, key: string): IdempotentRequest {
  const body = JSON.stringify(request.body ?? null);
  return { key, hash: requestHash(request).update(body).digest() };
}

/** Sends what once() has returned. */
export function sendReply<T extends object>(
  reply: FastifyReply,
  { status, payload, replayed }: ChangeReply<T>,
) {
  if (replayed) reply.header('idempotency-replayed', 'true');
  return reply.status(status).send(payload);
}

/** Who asks for a change, with what they say in `If-Match`. */
export const changingCaller = (request: FastifyRequest): Caller => ({
  ...request.caller,
  ...ifMatch(request),
});

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
