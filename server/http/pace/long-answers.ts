import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AllShares, goneSignal } from '../shares.ts';
import { spool } from './spool.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Looks again at what a request may do: its key or token may have ended since it came.
     * @throws Problem if the request may do less than at its beginning
     */
    assertStillAllowed(request: FastifyRequest): Promise<void>;
  }
}

/** What was begun a day ago is over, also if the client keeps the least rate. */
const answerMsMax = 24 * 3_600_000;
const accessCheckedMs = 5000;

/**
 * Opens an answer of any length. It has a place in `share` while the database works for it, and one among the tenant's
 * long answers until its client has all of it.
 * @param open opens what is to be sent, a stream of strings
 */
export async function openInTurn<T extends { stream: Readable }>(
  shares: AllShares,
  share: 'streams' | 'imports',
  request: FastifyRequest,
  reply: FastifyReply,
  open: () => Promise<T>,
): Promise<T> {
  const { tenantId } = request.caller;
  const gone = goneSignal(reply);
  const whenGone = (end: () => void) => (gone.aborted ? end() : gone.addEventListener('abort', end));
  whenGone(await shares.answers.enter(tenantId, gone));
  const leave = await shares[share].enter(tenantId, gone);
  whenGone(endInTime(request, reply));
  try {
    const opened = await open();
    opened.stream.once('close', leave);
    const stream = spool(opened.stream, shares.room, tenantId);
    // Its head has been sent, so the client sees no more of an error than that the answer breaks off.
    stream.once('error', err => request.log.warn({ request_id: request.id, err }, 'an answer broke off'));
    // Nobody reads a stream whose client has gone.
    whenGone(() => stream.destroy());
    return { ...opened, stream };
  } catch (error) {
    leave();
    throw error;
  }
}

/**
 * Breaks the connection of an answer that takes too long, or whose key or token has ended.
 * @returns stops the watching
 */
export function endInTime(request: FastifyRequest, { raw }: FastifyReply): () => void {
  const late = setTimeout(() => raw.destroy(), answerMsMax).unref();
  const checking = setInterval(() => {
    request.server.assertStillAllowed(request).catch(error => {
      // A database that does not answer says nothing about a key.
      if (error.status < 500) raw.destroy();
    });
  }, accessCheckedMs).unref();
  return () => {
    clearTimeout(late);
    clearInterval(checking);
  };
}
