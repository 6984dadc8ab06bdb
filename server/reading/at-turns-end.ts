import type { FastifyReply } from 'fastify';

type Sending = { reply: FastifyReply; send: () => void };

let queue: Sending[] = [];

/**
 * Runs `send` at the end of this turn of the event loop, right after the sends that were queued before it.
 *
 * Requests that shared a look-up are answered in one turn. A write to a socket wakes its client, and on few cores that
 * costs more than to make the reply. When the writes follow one another, the client wakes once for all of them. Its next
 * requests then arrive together and share the next look-up.
 */
export function atTurnsEnd(reply: FastifyReply, send: () => void): void {
  if (queue.length === 0) setImmediate(sendAll);
  queue.push({ reply, send });
}

/** No request waits for an error here. Thrown, it would end the process, and the other replies of the turn with it. */
function sendAll() {
  const sends = queue;
  queue = [];
  for (const { reply, send } of sends) {
    try {
      send();
    } catch (error) {
      reply.log.error({ err: error }, 'a reply could not be sent');
      reply.raw.destroy();
    }
  }
}
