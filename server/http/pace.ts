import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { goneSignal, type Shares } from './shares.ts';

/** What a connection must carry while it holds something that others wait for: 1 kB a second. */
const leastBytes = 30_000;
const periodMs = 30_000;

/** One way of a connection, as keepPace() watches it. */
type Transfer = {
  /** How many bytes it has carried. */
  carried: () => number;
  /** Whether it is the client for whom the server waits, and not the other way round. */
  waits: () => boolean;
};

/**
 * Watches a transfer, and ends it if the client is too slow. One that takes a byte now and then would hold its place for
 * days.
 * @param end what is to be done then
 * @returns stops the watching
 */
export function keepPace({ carried, waits }: Transfer, end: () => void): () => void {
  let before = carried();
  const timer = setInterval(() => {
    const now = carried();
    if (now - before < leastBytes && waits()) end();
    before = now;
  }, periodMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Does `work`, which reads the body of a request, and breaks the connection if the body comes too slowly. */
export async function atUploadPace<T>({ raw }: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const upload = {
    carried: () => raw.socket.bytesRead,
    waits: () => raw.readableLength === 0 && !raw.complete,
  };
  const relax = keepPace(upload, () => raw.socket.destroy());
  try {
    return await work();
  } finally {
    relax();
  }
}

/**
 * Opens a stream that holds a connection for as long as the client reads: in the tenant's share of these, and only while
 * the client keeps the pace.
 */
export async function openInTurn<T extends { stream: Readable }>(
  shares: Shares,
  tenantId: string,
  reply: FastifyReply,
  open: () => Promise<T>,
): Promise<T> {
  const leave = await shares.enter(tenantId, goneSignal(reply));
  try {
    const opened = await open();
    const { socket } = reply.raw;
    const relax = keepPace(
      { carried: () => socket?.bytesWritten ?? 0, waits: () => (socket?.writableLength ?? 0) > 0 },
      () => socket?.destroy(),
    );
    const end = () => {
      relax();
      leave();
      opened.stream.destroy();
    };
    opened.stream.once('close', end);
    // Nobody reads a stream whose client has gone.
    reply.raw.once('close', end);
    if (reply.raw.closed) end();
    return opened;
  } catch (error) {
    leave();
    throw error;
  }
}
