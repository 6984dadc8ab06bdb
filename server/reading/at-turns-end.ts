let waiting: (() => void)[] = [];

/**
 * Runs `send` when everything else of this turn of the event loop is done, right after what was given before it.
 *
 * Requests that shared a look-up are answered in the same turn. A write to a socket wakes its client, which on few cores
 * costs more than to make the answer; when the writes follow one another, the client wakes once for all of them, and
 * what it asks next comes together and shares the next look-up.
 */
export function atTurnsEnd(send: () => void): void {
  if (waiting.length === 0) setImmediate(sendAll);
  waiting.push(send);
}

function sendAll() {
  const sends = waiting;
  waiting = [];
  for (const send of sends) send();
}
