import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../operation.ts';
import { goneSignal, type Shares } from '../shares.ts';

/*
 * Large bodies and large answers are counted in kilobytes for as long as they are in memory. A tenant that has its share
 * waits before its next body is read, or before its next answer is sent. A client that is too slow is ended, as on every
 * connection: pace/connections.ts.
 */

/** What is shorter is not counted: the number of requests bounds it. */
const countedBytes = 32_768;

const kilobytes = (bytes: number): number => Math.ceil(bytes / 1024);

/** Bodies are counted from before they are read until their answer has been sent. */
export function shareOutBodies(app: App, bodies: Shares): void {
  app.addHook('preParsing', (request, reply, payload, done) => {
    const length = lengthOf(request);
    const limit = request.routeOptions.bodyLimit!;
    // A length beyond the limit is refused before anything is read.
    const isRefused = Number.isFinite(length) && length > limit;
    if (!request.caller || length <= countedBytes || isRefused) return done(null, payload);
    const amount = kilobytes(Math.min(length, limit));
    bodies.enter(request.caller.tenantId, goneSignal(reply), amount).then(leave => {
      whenSent(reply, leave);
      done(null, payload);
    }, done);
  });
}

/** The length of a JSON body as its headers have it. Files are read as streams, by their own routes. */
function lengthOf({ headers }: FastifyRequest): number {
  if (!headers['content-type']?.startsWith('application/json')) return 0;
  if (headers['transfer-encoding'] !== undefined) return Number.POSITIVE_INFINITY;
  return Number(headers['content-length'] ?? 0);
}

/**
 * Answers are counted from when they are ready until the client has them. One that waits for that keeps its place at the
 * database, so no more answers wait than there are places. Streams hold little, and are not counted. The answer to a
 * change never waits: the change is made, and its body is counted.
 */
export function shareOutAnswers(app: App, answers: Shares): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const length = typeof payload === 'string' || payload instanceof Uint8Array ? payload.length : 0;
    const { access } = request.routeOptions.config;
    if (length <= countedBytes || !request.caller || access === 'change' || access === 'setting')
      return done(null, payload);
    const leave = answers.enterNow(request.caller.tenantId, kilobytes(length));
    if (leave) {
      whenSent(reply, leave);
      return done(null, payload);
    }
    holdAnswer(answers, request, reply, length).then(
      () => done(null, payload),
      error => {
        // The headers are those of the answer that is not sent.
        for (const name of ['etag', 'content-encoding', 'content-disposition']) reply.removeHeader(name);
        done(error);
      },
    );
  });
}

/** Waits until an answer of so many bytes may be held, and counts it until the client has it. */
export async function holdAnswer(
  answers: Shares,
  { caller }: FastifyRequest,
  reply: FastifyReply,
  bytes: number,
): Promise<void> {
  whenSent(reply, await answers.enter(caller.tenantId, goneSignal(reply), kilobytes(bytes)));
}

/** When the client has the answer, or has gone. */
function whenSent({ raw }: FastifyReply, then: () => void): void {
  raw.once('close', then);
  if (raw.closed) then();
}
