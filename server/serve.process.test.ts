import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyHome, exampleList, newHome, postmasterPid, startServer } from './testing/process.ts';

const portOf = (url: string): string => new URL(url).port;

test('a port belongs to one server: a second one is refused before it creates anything', async t => {
  const first = await startServer(await newHome(t));
  const port = portOf(first.url);
  // An address that includes the first server's is the same port to Linux; elsewhere the system may see it otherwise.
  for (const host of process.platform === 'linux' ? ['127.0.0.1', '0.0.0.0', '::'] : ['127.0.0.1']) {
    const home = await emptyHome(t);
    await assert.rejects(startServer(home, { env: { PORT: port, HOST: host } }), (error: Error) => {
      assert.match(error.message, /^it ended with 1: error: /);
      assert.ok(error.message.includes(`Port ${port} of ${host} is in use`), error.message);
      return true;
    });
    assert.deepEqual(await readdir(home), []);
  }
  assert.equal((await first.call('GET', exampleList)).status, 200);
});

test('of servers that start at the same time on one port, exactly one serves', async t => {
  const port = await findPort();
  const homes = await Promise.all([1, 2, 3].map(() => emptyHome(t)));
  const starts = await Promise.allSettled(homes.map(home => startServer(home, { env: { PORT: `${port}` } })));
  const serving = starts.flatMap(start => (start.status === 'fulfilled' ? [start.value] : []));
  const refusals = starts.flatMap(start => (start.status === 'rejected' ? [String(start.reason)] : []));
  assert.equal(serving.length, 1, refusals.join('\n'));
  for (const refusal of refusals) assert.ok(refusal.includes(`Port ${port} of 127.0.0.1 is in use`), refusal);
  // The key is in the database of this one only.
  for (let call = 0; call < 20; call++)
    assert.equal((await serving[0]!.call('GET', exampleList)).status, 200);
});

test('what is wrong with the environment is said with the name of the variable', async t => {
  const home = await newHome(t);
  const file = join(home, 'file');
  await writeFile(file, '');
  const env = { LINEKEEPER_HOME: join(file, 'state'), LINEKEEPER_CAHCE_MB: '8', LINEKEEPER_PROCESSES: '2' };
  await assert.rejects(startServer(home, { env }), (error: Error) => {
    const [warning, reason, ...more] = error.message.replace('it ended with 1: ', '').trim().split('\n');
    const { msg } = JSON.parse(warning!);
    assert.equal(
      msg,
      'ignoring environment variables that Linekeeper does not know: LINEKEEPER_CAHCE_MB, LINEKEEPER_PROCESSES',
    );
    assert.equal(
      reason,
      `error: ${env.LINEKEEPER_HOME} cannot be used as LINEKEEPER_HOME: ENOTDIR: not a directory, mkdir '${env.LINEKEEPER_HOME}'`,
    );
    assert.deepEqual(more, []);
    return true;
  });
});

test('a secret-key file that is empty is refused by its name', async t => {
  const home = await newHome(t);
  const file = join(home, 'secret-key');
  await writeFile(file, '');
  await assert.rejects(startServer(home), (error: Error) => {
    const [reason, ...more] = error.message.replace('it ended with 1: ', '').trim().split('\n');
    assert.ok(reason!.startsWith(`error: ${file} is not a key (base64 of 32 bytes): put it back`), reason!);
    assert.deepEqual(more, []);
    return true;
  });
});

test('a request that never arrives in full does not hold up a stop', async t => {
  const home = await newHome(t);
  const server = await startServer(home);
  const { hostname, port } = new URL(server.url);
  const head = `POST /v1/organizations HTTP/1.1\r\nHost: x\r\nX-API-Key: ${server.key}\r\n`;
  const json = 'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
  for (const text of [head, head + json]) {
    const socket = connect(Number(port), hostname).on('error', () => {});
    await once(socket, 'connect');
    socket.write(text);
  }
  // It has both once it has answered a later one.
  assert.equal((await server.call('GET', exampleList)).status, 200);
  assert.equal(await server.stop(), 0);
  assert.equal(await postmasterPid(home), undefined);
});

test('a reader of the log that stands still stops nothing', async t => {
  const home = await newHome(t);
  const server = await startServer(home, { unread: true, env: { LOG_LEVEL: 'debug' } });
  // A pipe holds 64 kB, and a line has some 200 bytes.
  for (let call = 0; call < 1000; call++) assert.equal((await server.call('GET', exampleList)).status, 200);
  assert.equal(await server.stop(), 0);
});

/** A port that is free, and that the system does not choose for anybody who leaves the choice to it. */
async function findPort(): Promise<number> {
  for (;;) {
    const trial = createServer().listen(randomInt(20_000, 30_000), '127.0.0.1');
    try {
      await once(trial, 'listening');
    } catch {
      continue;
    }
    const { port } = trial.address() as AddressInfo;
    await once(trial.close(), 'close');
    return port;
  }
}
