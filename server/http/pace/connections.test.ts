import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Connections, connectionsMax, watchConnections } from './connections.ts';

type Open = {
  connections: Connections;
  /** A connection, on the client's side and on the server's. */
  client(): Promise<{ client: Socket; server: Socket }>;
};

async function open(t: TestContext, max: number, answer: RequestListener): Promise<Open> {
  const server = createServer(answer);
  const connections = watchConnections(server, max);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close().closeAllConnections());
  const accepted = new Map<number, Socket>();
  const arrived = new EventEmitter().setMaxListeners(0);
  // Before the other listener, which may end it.
  server.prependListener('connection', socket => {
    accepted.set(socket.remotePort!, socket);
    arrived.emit(`${socket.remotePort}`);
  });
  return {
    connections,
    async client() {
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
      await once(client, 'connect');
      const port = client.localPort!;
      if (!accepted.has(port)) await once(arrived, `${port}`);
      return { client, server: accepted.get(port)! };
    },
  };
}

/** Only a socket that is read hears of its end. */
const ended = (socket: Socket) => (socket.closed ? undefined : once(socket.resume(), 'close'));

const head = (method: string, length: number) =>
  `${method} / HTTP/1.1\r\nHost: here\r\nContent-Length: ${length}\r\n\r\n`;

test('a body that comes too slowly ends, and one that comes fast enough does not', async t => {
  let arrived = 0;
  const came = new Set<() => void>();
  const { connections, client } = await open(t, 100, request => {
    request.on('data', bytes => {
      arrived += bytes.length;
      for (const tell of came) tell();
    });
  });
  const until = (bytes: number) =>
    new Promise<void>(resolve => {
      const look = () => {
        if (arrived < bytes) return;
        came.delete(look);
        resolve();
      };
      came.add(look);
      look();
    });
  const one = await client();
  one.client.write(`${head('POST', 1_000_000)}{`);
  await until(1);
  connections.look();
  one.client.write('x'.repeat(30_000));
  await until(30_001);
  connections.look();
  assert.equal(one.server.destroyed, false);
  one.client.write('x'.repeat(29_999));
  await until(60_000);
  connections.look();
  await ended(one.client);
});

test('a request that the server takes long for does not end', async t => {
  const asked = Promise.withResolvers<void>();
  const { connections, client } = await open(t, 100, request => request.resume().once('end', asked.resolve));
  const one = await client();
  one.client.write(`${head('POST', 2)}{}`);
  await asked.promise;
  for (let look = 0; look < 5; look++) connections.look();
  assert.equal(one.server.destroyed, false);
});

test('an answer that is taken too slowly ends, also if it is one piece', async t => {
  const whole = Buffer.alloc(60_000_000, 'x');
  const { connections, client } = await open(t, 100, (_request, response) => response.end(whole));
  const [slow, good] = await Promise.all([client(), client()]);
  for (const { client } of [slow, good]) client.write(head('GET', 0));
  // Both have begun; what is read of a socket that nobody listens to stays in the buffers of the system.
  await Promise.all([once(slow.client, 'readable'), once(good.client, 'readable')]);
  connections.look();
  let had = 0;
  while (had < 40_000_000) {
    const bytes: Buffer | null = good.client.read();
    if (bytes === null) await once(good.client, 'readable');
    else had += bytes.length;
  }
  connections.look();
  assert.equal(slow.server.destroyed, true);
  assert.equal(good.server.destroyed, false);
});

test('near the limit the connections that are idle the longest end, and a new client gets in', async t => {
  const { connections, client } = await open(t, 40, (_request, response) => response.end('here'));
  const use = async (one: Socket) => {
    one.write(head('GET', 0));
    await once(one, 'data');
  };
  const idle = await Promise.all(Array.from({ length: 20 }, client));
  const halves = await Promise.all(Array.from({ length: 20 }, client));
  for (const half of halves) half.client.write('GET / HT');
  for (const one of idle) await use(one.client);
  connections.look();
  for (const one of idle.slice(1)) await use(one.client);
  connections.look();
  const another = await client();
  await use(another.client);
  await ended(idle[0]!.client);
  for (let more = 0; more < 60; more++) await use((await client()).client);
});

test('if everybody is at work, a new client hears at once that it cannot get in', async t => {
  const answers: (() => void)[] = [];
  const asked = Promise.withResolvers<void>();
  const { client } = await open(t, 3, (_request, response) => {
    answers.push(() => response.end('here'));
    if (answers.length === 3) asked.resolve();
  });
  const busy = await Promise.all([client(), client(), client()]);
  for (const one of busy) one.client.write(head('GET', 0));
  await asked.promise;
  const refused = await client();
  await ended(refused.client);
  for (const answer of answers) answer();
  await Promise.all(busy.map(one => once(one.client, 'data')));
  const another = await client();
  another.client.write('GET');
  assert.equal(another.server.destroyed, false);
});

test('the files that a process may open bound its connections', () => {
  assert.ok(connectionsMax() > 100);
  assert.ok(connectionsMax() <= 15_000);
});
