import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exampleList, newHome, postmasterPid, startServer } from './testing/process.ts';

test('several processes on one port are one server', async t => {
  const home = await newHome(t);
  const server = await startServer(home, { env: { LINEKEEPER_PROCESSES: '2' } });
  const path = '/v1/sms/phone-numbers/+14155551234';

  await t.test('each sees at once what another has changed', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 60; round++) {
      const nickname = `Line ${round}`;
      assert.equal((await call('PATCH', path, { nickname })).status, 200);
      // Each request comes on a connection of its own, and the processes take turns.
      const list = await call('GET', exampleList);
      assert.equal(list.body.phone_numbers[0].nickname, nickname);
      seen.add(list.headers.get('etag')!);
      assert.equal((await call('GET', path)).body.phone_number.nickname, nickname);
    }
    assert.equal(seen.size, 60);
  });

  await t.test('one that is killed is replaced, and meanwhile the other answers', async () => {
    const before = await childrenOf(server.pid);
    assert.equal(before.length, 2);
    process.kill(before[0]!, 'SIGKILL');
    for (;;) {
      assert.equal((await call('GET', exampleList)).status, 200);
      const now = await childrenOf(server.pid);
      if (now.length === 2 && !now.includes(before[0]!)) break;
      await sleep(50);
    }
  });

  await t.test('all of them stop together', async () => {
    const children = await childrenOf(server.pid);
    assert.equal(await server.stop(), 0);
    for (const child of children) assert.throws(() => process.kill(child, 0), { code: 'ESRCH' });
    assert.equal(await postmasterPid(home), undefined);
  });

  /** Repeated where the process that took the connection is killed before it answers. */
  async function call(method: string, url: string, body?: object) {
    for (;;) {
      const response = await fetch(server.url + url, {
        method,
        headers: {
          'x-api-key': server.key,
          connection: 'close',
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      }).catch(() => undefined);
      if (!response) continue;
      // biome-ignore lint/suspicious/noExplicitAny: a test looks into the body as it likes
      const json = (await response.json()) as any;
      return { status: response.status, headers: response.headers, body: json };
    }
  }
});

test('a number of processes that is none is refused by name', async t => {
  const home = await newHome(t);
  await assert.rejects(
    startServer(home, { env: { LINEKEEPER_PROCESSES: '0' } }),
    /LINEKEEPER_PROCESSES must be/,
  );
});

/** The server's own processes; PostgreSQL's postmaster, which it started too, is none of them. */
async function childrenOf(pid: number): Promise<number[]> {
  const all = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
    .split(' ')
    .filter(Boolean)
    .map(Number);
  const commands = await Promise.all(
    all.map(child => readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')),
  );
  return all.filter((_, index) => commands[index]!.includes('serve'));
}
