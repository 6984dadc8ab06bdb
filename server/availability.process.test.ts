import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startEmbedded } from './db/embedded.ts';
import { uniqueNumber } from './testing/factories.ts';
import {
  endPostmaster,
  exampleList,
  newHome,
  postmasterPid,
  type ServerProcess,
  startServer,
} from './testing/process.ts';
import { importFile, type Reply } from './testing/request.ts';

const run = promisify(execFile);

function assertUnavailable({ status, headers, body }: Reply): void {
  assert.equal(status, 503, JSON.stringify(body));
  assert.equal(headers.get('retry-after'), '1');
  assert.equal(body.code, 'unavailable');
}

const addNumber = (server: ServerProcess) =>
  server.call('POST', '/v1/sms/phone-numbers', {
    organization_id: 'org_abc123',
    phone_numbers: [{ phone_number: uniqueNumber() }],
  });

/** Reads and writes until told to stop. Every answer must be right, or that the database is away. @returns how often it was */
async function use(server: ServerProcess, until: AbortSignal): Promise<number> {
  let away = 0;
  while (!until.aborted) {
    for (const reply of await Promise.all([server.call('GET', exampleList), addNumber(server)])) {
      if (reply.status === 200 || reply.status === 201) continue;
      assertUnavailable(reply);
      away++;
    }
  }
  return away;
}

async function untilServes(server: ServerProcess): Promise<void> {
  while ((await server.call('GET', '/readyz')).status !== 200) await sleep(20);
  assert.equal((await server.call('GET', exampleList)).status, 200);
  assert.equal((await addNumber(server)).status, 201);
}

/** Kills PostgreSQL, three times, and waits each time until the server has brought it back. */
async function killAgain(home: string, server: ServerProcess, until: AbortSignal): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const old = (await postmasterPid(home))!;
    await endPostmaster(home, old, 'SIGKILL');
    for (let next: number | undefined; next === undefined || next === old; next = await postmasterPid(home)) {
      if (until.aborted) return;
      await sleep(20);
    }
    await untilServes(server);
  }
}

test('the embedded PostgreSQL is killed under a running server: 503 until it has brought it back', async t => {
  const home = await newHome(t);
  const server = await startServer(home);
  const finished = new AbortController();
  const finish = () => finished.abort();
  const users = [1, 2, 3].map(() => use(server, finished.signal).finally(finish));
  const [, ...counts] = await Promise.all([
    killAgain(home, server, finished.signal).finally(finish),
    ...users,
  ]);
  const away = counts.reduce((sum, count) => sum + count, 0);
  t.diagnostic(`${away} requests were answered with 503, every other one was served`);
  assert.equal(await server.stop(), 0);
  assert.equal(await postmasterPid(home), undefined);
});

/** A PostgreSQL that the server does not run: in a folder of its own, started and stopped by the test. */
async function externalPostgres(t: TestContext) {
  const home = await newHome(t);
  await (await startEmbedded(home, () => {})).stop();
  const { uid, gid } = await stat(join(home, 'data'));
  const binaries = (await readdir(home)).find(name => name.startsWith('postgresql-18'))!;
  const options = `-c listen_addresses= -c unix_socket_directories=${join(home, 'run')}`;
  const control = (...args: string[]) =>
    run(join(home, binaries, 'bin', 'pg_ctl'), ['-D', join(home, 'data'), '-w', ...args], {
      cwd: '/',
      ...(process.getuid?.() === 0 && { uid, gid }),
    });
  return {
    url: `postgresql://linekeeper@/linekeeper?host=${encodeURIComponent(join(home, 'run'))}`,
    start: () => control('-l', join(home, 'run', 'log'), '-o', options, 'start'),
    stop: (mode: 'fast' | 'immediate') => control('-m', mode, 'stop'),
  };
}

test('an external database is stopped and started: 503 meanwhile, and no restart is needed', async t => {
  const database = await externalPostgres(t);
  await database.start();
  const home = await newHome(t);
  const server = await startServer(home, { env: { DATABASE_URL: database.url, LINEKEEPER_DEMO: '1' } });
  await untilServes(server);
  for (const mode of ['fast', 'immediate'] as const) {
    await database.stop(mode);
    assertUnavailable(await server.call('GET', exampleList));
    assertUnavailable(await server.call('GET', '/v1/sms/phone-numbers/+14155551234'));
    assertUnavailable(await addNumber(server));
    assertUnavailable(await server.call('GET', '/readyz'));
    assert.equal((await server.call('GET', '/livez')).status, 200);
    await database.start();
    await untilServes(server);
  }
  assert.equal(await server.stop(), 0);
  await database.stop('fast');
});

test('a server whose external database is away is told to stop, and does', async t => {
  const database = await externalPostgres(t);
  await database.start();
  const server = await startServer(await newHome(t), {
    env: { DATABASE_URL: database.url, LINEKEEPER_DEMO: '1' },
  });
  await untilServes(server);
  await database.stop('immediate');
  assert.equal(await server.stop(), 0);
});

/** An import whose file arrives when the test says so. */
function slowImport(server: ServerProcess) {
  const { promise: rest, resolve: finish } = Promise.withResolvers<void>();
  const { promise: underWay, resolve: begun } = Promise.withResolvers<void>();
  async function* file() {
    yield Buffer.from('phone_number\n+14155556000\n');
    begun();
    // A file that is silent for seconds would be given up by a server that is stopping.
    const arrived = rest.then(() => true);
    while (!(await Promise.race([arrived, sleep(100)]))) yield Buffer.from('\n');
    yield Buffer.from('+14155556001\n');
  }
  const answer = importFile(server.url, 'org_abc123', { key: server.key, body: file() });
  return { underWay, finish, answer };
}

test('told to stop, it finishes what is under way, takes nothing new, and ends', async t => {
  const home = await newHome(t);
  const server = await startServer(home);
  const { underWay, finish, answer } = slowImport(server);
  await underWay;
  // The connection is open; this one shows that the server has read what came before it.
  assert.equal((await server.call('GET', exampleList)).status, 200);
  const stopped = server.stop();
  for (;;) {
    const late = await server.call('GET', exampleList).catch(() => undefined);
    if (late?.status !== 200) {
      if (late) assert.equal(late.status, 503);
      break;
    }
  }
  finish();
  const reply = await answer;
  assert.equal(reply.status, 200);
  assert.equal(reply.body.imported, 2);
  assert.equal(await stopped, 0);

  const again = await startServer(home);
  assert.equal((await again.call('GET', exampleList)).body.count, 4, 'what it answered is there');
  assert.equal(await again.stop(), 0);
});

test('told to stop under a stream of writes, it answers each that it took, and keeps what it answered', async t => {
  const home = await newHome(t);
  const server = await startServer(home);
  let added = 0;
  let stopped: Promise<number | null> | undefined;
  async function write(): Promise<void> {
    for (;;) {
      const reply = await addNumber(server).catch(() => undefined);
      if (reply?.status !== 201) return;
      if (++added === 20) stopped = server.stop();
    }
  }
  await Promise.all([1, 2, 3, 4].map(() => write()));
  assert.equal(await stopped, 0);
  const again = await startServer(home);
  // Exactly: nothing was committed whose answer was cut off.
  assert.equal((await again.call('GET', exampleList)).body.count, 2 + added);
  assert.equal(await again.stop(), 0);
});

test('an import whose database is killed is answered with 503, and the next one works', async t => {
  const home = await newHome(t);
  const server = await startServer(home);
  const { underWay, finish, answer } = slowImport(server);
  await underWay;
  await endPostmaster(home, (await postmasterPid(home))!, 'SIGKILL');
  finish();
  assertUnavailable(await answer);
  await untilServes(server);
  const again = slowImport(server);
  again.finish();
  assert.equal((await again.answer).body.imported, 2);
  assert.equal(await server.stop(), 0);
});
