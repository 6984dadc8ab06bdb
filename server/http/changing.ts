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
import { jsonInPieces } from './pieces/write-json.ts';

/**
 * Makes one change for one request and sends the reply.
 * @param toStore the payload that a replay gets, if the first reply has a secret that must not be stored
 */
export type Changing = <T extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  status: 200 | 201 | 202,
  change: Change<T>,
  toStore?: (payload: T) => T,
) => Promise<T>;

/** A change, given its connection and its caller. Its payload is JSON: no dates, no bigints. */
export type Change<T extends object> = (db: Db, caller: Caller) => Promise<T>;

/** The reply to a change. `replayed`: an earlier request with the same `Idempotency-Key` made the change. */
export type ChangeReply<T extends object> = { status: number; payload: T; replayed: boolean };

/** Surrounds the change of every changing route: `If-Match`, `Idempotency-Key`, reply. */
export function changing(db: Db): Changing {
  return async (request, reply, status, change, toStore) =>
    sendReply(reply, await changeOnce(db, request, status, change, toStore)) as never;
}

/**
 * Makes a change at most once for a request. The caller carries the revision from `If-Match`. With an
 * `Idempotency-Key`, the change and its stored reply commit in one transaction, so a repeat finds both or neither.
 * @param toStore the payload that a replay gets, if the first reply has a secret that must not be stored
 * @throws Problem idempotency_running, idempotency_mismatch, invalid_request (If-Match), and any that the change throws
 */
export async function changeOnce<T extends object>(
  db: Db,
  request: FastifyRequest,
  status: number,
  change: Change<T>,
  toStore = (payload: T): T => payload,
): Promise<ChangeReply<T>> {
  const caller = changingCaller(request);
  const key = idempotencyKeyOf(request);
  try {
    if (key === undefined) return { status, payload: await change(db, caller), replayed: false };
    const idempotent = await idempotentRequest(request, key);
    return await transact(db, async tx => {
      const stored = await claimKey<T>(tx, caller, idempotent);
      if (stored) return { ...stored, replayed: true };
      const payload = await change(tx, caller);
      await storeReply(tx, caller, idempotent, status, toStore(payload));
      return { status, payload, replayed: false };
    });
  } finally {
    // What comes now may take long, such as a call of a carrier.
    request.leaveGate?.();
  }
}

/**
 * Whether changeOnce() would only replay a stored reply. A change that must ask a carrier first does so before it has a
 * transaction, and a replay must not ask again.
 * @throws Problem any that changeOnce() throws before it makes the change
 */
export async function hasStoredReply(db: Db, request: FastifyRequest): Promise<boolean> {
  const caller = changingCaller(request);
  const key = idempotencyKeyOf(request);
  if (key === undefined) return false;
  const idempotent = await idempotentRequest(request, key);
  const stored = await transact(db, tx => claimKey(tx, caller, idempotent));
  return stored !== undefined;
}

async function idempotentRequest(request: FastifyRequest, key: string): Promise<IdempotentRequest> {
  const hash = requestHash(request);
  for await (const run of jsonInPieces(request.body)) hash.update(run);
  return { key, hash: hash.digest() };
}

/** Sends the result of changeOnce(). */
export function sendReply<T extends object>(
  reply: FastifyReply,
  { status, payload, replayed }: ChangeReply<T>,
) {
  if (replayed) reply.header('idempotency-replayed', 'true');
  return reply.status(status).send(payload);
}

/** The caller of a change, with the revision from `If-Match`. */
export const changingCaller = (request: FastifyRequest): Caller => ({
  ...request.caller,
  ...ifMatch(request),
});

/** Reads a bare revision, or the `ETag` of a list, which also has its moment. `*` sets no condition. */
function ifMatch({ headers, routeOptions }: FastifyRequest): Pick<Caller, 'ifMatch'> {
  const header = headers['if-match'];
  if (header === undefined || header === '*') return {};
  if (routeOptions.config.access === 'setting')
    throw invalid('If-Match is not supported here: this change has no revision');
  const [, revision, moment] = /^(?:W\/)?"?(\d{1,15})(?:-(\d{1,15})(?:-[\w-]+)?)?"?$/.exec(header) ?? [];
  if (revision === undefined) throw invalid('If-Match must be a revision or the ETag of a list');
  return { ifMatch: { revision: Number(revision), ...(moment !== undefined && { moment: Number(moment) }) } };
}
