import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { responseReader } from '../load/response.ts';

/** How often A was answered what: `429 too_many_requests`, `200`, `closed` (the server ended the connection). */
export type Tally = Record<string, number>;

export type Headers = Record<string, string>;

/** A whole request. A head alone, if `body` is undefined and `headers` name a length or an encoding. */
export function requestBytes(
  method: string,
  path: string,
  headers: Headers = {},
  body?: string | Buffer,
): Buffer {
  const all = {
    host: 'linekeeper',
    ...(body !== undefined && { 'content-length': `${Buffer.byteLength(body)}` }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return body === undefined ? head : Buffer.concat([head, Buffer.from(body)]);
}

/** What a held connection does with its answer, or with its request. */
type Holding = {
  /** What it sends at first. */
  first: (slot: number) => Buffer;
  /** What it sends now and then. */
  drip?: Buffer;
  /** How much of the answer it takes now and then. */
  sips?: number;
};

const nowAndThenMs = 500;

/**
 * The ways in which a neighbour is rude. Each goes on until end(), with as many connections as told, and opens another
 * one for each that the server closes. Each resolves when the server has the first requests.
 */
export function createRudeness(port: number) {
  const tally: Tally = {};
  const sockets = new Set<Socket>();
  const slots = new Set<Promise<void>>();
  let over = false;

  function count(answer: string): void {
    tally[answer] = (tally[answer] ?? 0) + 1;
  }

  async function open(): Promise<Socket | undefined> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const opened = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    if (opened) {
      sockets.add(socket.once('close', () => sockets.delete(socket)));
      return socket;
    }
    count('refused');
    await sleep(100);
    return undefined;
  }

  /** Keeps so many connections open; `use` ends with the connection. */
  async function keep(
    connections: number,
    use: (socket: Socket, slot: number, begun: () => void) => Promise<void>,
  ) {
    const begin = (slot: number) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const run = async () => {
        while (!over) {
          const socket = await open();
          if (socket) await use(socket, slot, resolve);
          else resolve();
        }
      };
      slots.add(run());
      return promise;
    };
    // The system has room for 511 that the server has not yet taken.
    const all = Array.from({ length: connections }, (_, slot) => slot);
    for (let from = 0; from < connections; from += 200)
      await Promise.all(all.slice(from, from + 200).map(begin));
  }

  const closed = (socket: Socket) =>
    new Promise<void>(resolve => {
      if (socket.destroyed) return resolve();
      socket.once('close', () => {
        if (!over) count('closed');
        resolve();
      });
    });

  return {
    tally,

    /** Asks again as soon as there is an answer; with `waits`, after a 429 only when it is told to. */
    asking: (connections: number, next: () => Buffer, { waits = false } = {}) =>
      keep(connections, (socket, _slot, begun) => {
        let said = { status: 0, head: '', body: '' };
        const send = () => socket.write(next());
        const read = responseReader({
          head(status, head) {
            said = { status, head, body: '' };
          },
          piece(bytes) {
            if (said.status >= 400 && said.body.length < 1000) said.body += bytes.toString('latin1');
          },
          end() {
            count(answerOf(said));
            if (over) socket.destroy();
            else if (waits && said.status === 429) setTimeout(send, retryAfterMs(said.head)).unref();
            else send();
          },
        });
        socket.on('data', (bytes: Buffer) => {
          try {
            read(bytes);
          } catch {
            socket.destroy();
          }
        });
        send();
        begun();
        return closed(socket);
      }),

    /**
     * Holds a request or an answer that never ends. A refusal is taken for as long as it says.
     * @returns when the first answer begins
     */
    async holding(connections: number, { first, drip, sips }: Holding) {
      const heard = Promise.withResolvers<void>();
      await keep(connections, async (socket, slot, begun) => {
        // Nothing is read but the first piece, so the rest stays where it is.
        socket.once('readable', () => {
          heard.resolve();
          const said = socket.read()?.toString('latin1') ?? '';
          const [head = '', body = ''] = said.split('\r\n\r\n');
          const status = Number(head.slice(9, 12));
          if (said) count(answerOf({ status, head, body }));
          if (status >= 400) setTimeout(() => socket.destroy(), retryAfterMs(head)).unref();
        });
        const timer = setInterval(() => {
          if (drip) socket.write(drip);
          if (sips) socket.read(sips);
        }, nowAndThenMs);
        socket.once('close', () => clearInterval(timer));
        socket.write(first(slot));
        begun();
        return closed(socket);
      });
      return { answered: heard.promise };
    },

    /** Sends a request, and hangs up before the answer. */
    hangingUp: (connections: number, next: () => Buffer) =>
      keep(connections, async (socket, _slot, begun) => {
        socket.write(next(), begun);
        await sleep(nowAndThenMs);
        count('hung up');
        socket.destroy();
      }),

    /** Does `work` again and again. */
    repeating(work: () => Promise<unknown>) {
      const run = async () => {
        while (!over) await work().catch(() => sleep(100));
      };
      slots.add(run());
    },

    async end(): Promise<Tally> {
      over = true;
      for (const socket of sockets) socket.destroy();
      await Promise.all(slots);
      return tally;
    },
  };
}

export type Rudeness = ReturnType<typeof createRudeness>;

const retryAfterMs = (head: string) => Number(/\r\nretry-after: *(\d+)/i.exec(head)?.[1] ?? 1) * 1000;

/** The status, with what a refusal must have: the code of the error, and with 429 and 503 when to come again. */
function answerOf({ status, head, body }: { status: number; head: string; body: string }): string {
  if (status < 400) return `${status}`;
  const code = /"code": ?"(\w+)"/.exec(body)?.[1] ?? 'without a code';
  const mustWait = status === 429 || status === 503;
  return `${status} ${code}${mustWait && !/\r\nretry-after: *\d/i.test(head) ? ' without Retry-After' : ''}`;
}
