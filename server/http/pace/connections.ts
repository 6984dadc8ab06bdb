import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What a client must send or take while the server waits for it: 1 kB a second. */
const leastBytes = 30_000;
const periodMs = 30_000;
/** How long a request of which only a part has arrived may be silent when the server is stopping. */
const pauseMsMax = 3000;

/** What is known of a connection. */
type Known = {
  /** The latest request of the connection, and its answer. */
  request: IncomingMessage | undefined;
  response: ServerResponse | undefined;
  /** As it was at the last look. */
  before: Look;
  /** At how many looks in a row nothing had come from the client since the one before. */
  silent: number;
};

type Look = {
  received: number;
  taken: number /** Whom the server waited for. */;
  waitsFor: object | undefined;
};

/** The connections of the server's clients. */
export type Connections = {
  /** Ends the connections of clients that are too slow. Called every half a minute. */
  look(): void;
  /** Ends those that are idle, and those of which no more arrives, until the server is closed. */
  stop(): void;
};

/**
 * Watches all connections together: a timer for each would cost the requests that need none. Node's own time-outs end
 * half a head (fastify.ts). A body or an answer has no end in time, since an import may take hours; it has a least rate.
 * @param max how many connections there may be. Near it, those that are idle are ended, so that a new client gets in.
 */
export function watchConnections(server: Server, max: number): Connections {
  const connections = new Map<Socket, Known>();
  server.on('connection', socket => {
    if (connections.size >= max) makeRoom();
    // Everybody is at work. The client hears at once that it cannot get in.
    if (connections.size >= max) return void socket.destroy();
    const before = { received: 0, taken: 0, waitsFor: undefined };
    connections.set(socket, { request: undefined, response: undefined, before, silent: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (request, response) => {
    const known = connections.get(request.socket);
    if (!known) return;
    known.request = request;
    known.response = response;
  });
  const looking = setInterval(look, periodMs).unref();
  server.once('close', () => clearInterval(looking));

  function look() {
    for (const [socket, known] of connections) {
      const { before } = known;
      const now = { received: socket.bytesRead, taken: takenBy(socket), waitsFor: waitsFor(socket, known) };
      const way = now.waitsFor === known.request ? 'received' : 'taken';
      const isSame = now.waitsFor !== undefined && now.waitsFor === before.waitsFor;
      if (isSame && now[way] - before[way] < leastBytes) socket.destroy();
      known.silent = now.received === before.received ? known.silent + 1 : 0;
      known.before = now;
    }
  }

  /** Ends some of the idle connections, the longest idle first: so that not every new client has to look for one. */
  function makeRoom() {
    const idle = [...connections].filter(([, known]) => isIdle(known));
    // Older ones come first among those that are silent for as long.
    idle.sort(([, one], [, other]) => other.silent - one.silent);
    for (const [socket] of idle.slice(0, Math.ceil(max / 20))) end(socket);
  }

  function end(socket: Socket) {
    connections.delete(socket);
    socket.destroy();
  }

  return {
    look,
    stop() {
      // A connection that is busy now becomes idle later.
      const closing = setInterval(() => server.closeIdleConnections(), 50);
      const heard = new Map<Socket, number>();
      const ending = setInterval(() => {
        for (const [socket, known] of connections) {
          if (isArriving(known) && heard.get(socket) === socket.bytesRead) socket.destroy();
          heard.set(socket, socket.bytesRead);
        }
      }, pauseMsMax);
      server.once('close', () => {
        clearInterval(closing);
        clearInterval(ending);
      });
    },
  };
}

/** Whether no request is under way. There may be half a head. */
const isIdle = ({ response }: Known): boolean => response === undefined || response.writableFinished;

/** Whether there is no whole request that waits for its answer. */
const isArriving = (known: Known): boolean => isIdle(known) || !known.request!.complete;

/** The request or answer that the server waits for the client with. */
function waitsFor(socket: Socket, { request, response }: Known): object | undefined {
  if (socket.writableLength > 0) return response ?? socket;
  if (request && !request.complete && request.readableLength === 0) return request;
  return undefined;
}

/** How many bytes have left the process. `bytesWritten` also counts those that wait in it, and Node has no other name. */
function takenBy(socket: Socket): number {
  const { _bytesDispatched, _handle } = socket as unknown as {
    _bytesDispatched: number;
    _handle: { writeQueueSize: number } | null;
  };
  return _bytesDispatched - (_handle?.writeQueueSize ?? 0);
}

/**
 * How many connections a process may have: its other files are the database's connections, carriers, and answers on the
 * disk.
 */
export function connectionsMax(): number {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  // It would ask the name servers.
  report.excludeNetwork = true;
  const { userLimits } = report.getReport() as { userLimits: { open_files: { soft: number | 'unlimited' } } };
  const files = Number(userLimits.open_files.soft);
  return Number.isNaN(files) ? most : Math.min(most, Math.max(files - 400, Math.floor(files / 2)));
}
const most = 15_000;
