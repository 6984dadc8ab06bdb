import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type pg from 'pg';

/** A connection to PostgreSQL, and what it said when it was opened: every client is told the same. */
type Link = { socket: Socket; greeting: Buffer; client: Socket | undefined };

/**
 * A pooler, as far as it can be told from PostgreSQL: a client has a connection for a transaction, or for its session.
 * @param order which of the free connections is the next one
 */
export async function startPooler(
  t: TestContext,
  { host, port = 5432, ...rest }: pg.ClientConfig,
  mode: 'transaction' | 'session',
  order: 'last' | 'first' = 'last',
): Promise<pg.ClientConfig> {
  const free: Link[] = [];
  const sockets = new Set<Socket>();

  async function open(startup: Buffer): Promise<Link> {
    const socket = connect(join(host!, `.s.PGSQL.${port}`));
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(startup);
    let greeting = Buffer.alloc(0);
    while (!endsIdle(greeting)) {
      const [piece] = (await once(socket, 'data')) as [Buffer];
      greeting = Buffer.concat([greeting, piece]);
    }
    const link: Link = { socket, greeting, client: undefined };
    socket.on('data', (piece: Buffer) => {
      const { client } = link;
      // All answers of these tests are small, and end with the piece that they came in.
      if (mode === 'transaction' && endsIdle(piece)) giveBack(link);
      client?.write(piece);
    });
    return link;
  }

  function giveBack(link: Link): void {
    link.client = undefined;
    free.push(link);
  }

  const server = createServer(async client => {
    sockets.add(client);
    client.on('error', () => {});
    const [startup] = await once(client, 'data');
    let link: Link | undefined = (order === 'last' ? free.pop() : free.shift()) ?? (await open(startup));
    link.client = client;
    client.write(link.greeting);
    if (mode === 'transaction') giveBack(link);
    client.on('data', async piece => {
      if (piece[0] === 'X'.charCodeAt(0)) return;
      if (link?.client !== client) {
        client.pause();
        link = (order === 'last' ? free.pop() : free.shift()) ?? (await open(startup));
        link.client = client;
        client.resume();
      }
      link.socket.write(piece);
    });
    client.once('close', () => {
      if (link?.client === client) link.socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { ...rest, host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** Whether it ends with ReadyForQuery, outside of a transaction. */
const endsIdle = (bytes: Buffer): boolean => bytes.subarray(-6).equals(Buffer.from('Z\0\0\0\x05I', 'latin1'));
