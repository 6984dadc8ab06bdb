let queue: (() => void)[] = [];

/**
 * Runs `send` at the end of this turn of the event loop, right after the sends that were queued before it.
 *
 * Requests that shared a look-up are answered in one turn. A write to a socket wakes its client, and on few cores that
 * costs more than to make the reply. When the writes follow one another, the client wakes once for all of them. Its next
 * requests then arrive together and share the next look-up.
 */
export function atTurnsEnd(send: () => void): void {
  if (queue.length === 0) setImmediate(sendAll);
  queue.push(send);
}

function sendAll() {
  const sends = queue;
  queue = [];
  for (const send of sends) send();
}
