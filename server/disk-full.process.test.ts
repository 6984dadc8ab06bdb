import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { uniqueNumber } from './testing/factories.ts';
import { exampleList, newHome, type ServerProcess, startServer } from './testing/process.ts';

const mayMount =
  process.platform === 'linux' && process.getuid?.() === 0
    ? {}
    : { skip: 'only root on Linux can mount a small disk' };

type Disk = { folder: string; fill(): Promise<void>; makeRoom(): Promise<void> };

/** A small disk, which can be filled up to the last byte. */
async function newDisk(t: TestContext, megabytes: number): Promise<Disk> {
  const folder = await mkdtemp(join(tmpdir(), 'lk-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder]);
  t.after(async () => {
    execFileSync('umount', ['--lazy', folder]);
    await rm(folder, { recursive: true });
  });
  const filler = join(folder, 'filler');
  return {
    folder,
    async fill() {
      for (let free = 1; free > 0; ) {
        const { bavail, bsize } = await statfs(folder);
        free = bavail * bsize;
        await writeFile(filler, Buffer.alloc(Math.min(free, 1_000_000)), { flag: 'a' }).catch(() => {});
      }
    },
    makeRoom: () => rm(filler),
  };
}

const add = (server: ServerProcess) =>
  server.call('POST', '/v1/sms/phone-numbers', {
    organization_id: 'org_abc123',
    phone_numbers: Array.from({ length: 200 }, () => ({ phone_number: uniqueNumber() })),
  });

const count = async (server: ServerProcess): Promise<number> =>
  (await server.call('GET', exampleList)).body.count;

const move = (from: string, to: string) => {
  execFileSync('cp', ['-pPR', from, to]);
  execFileSync('rm', ['-r', from]);
  execFileSync('ln', ['-s', to, from]);
};

test(
  'while the disk of the tables is full, changes are refused with the reason and lists are served',
  mayMount,
  async t => {
    const home = await newHome(t);
    const disk = await newDisk(t, 100);
    const room = join(disk.folder, 'base');
    move(join(home, 'data', 'base'), room);
    const server = await startServer(home);
    const ready = async () => (await server.call('GET', '/readyz')).body;
    assert.deepEqual(await ready(), { success: true, status: 'ok', powered_by: 'Teli' });
    let kept = await count(server);
    await disk.fill();
    for (let refused = false; !refused; ) {
      const { status, body, headers } = await add(server);
      refused = status !== 201;
      if (!refused) kept += 200;
      else
        assert.deepEqual(
          [status, headers.get('retry-after'), body.code, body.error],
          [503, '1', 'disk_full', "The database's disk is full: nothing can be changed until there is room"],
        );
    }
    assert.equal(await count(server), kept);
    const { problem, status } = await ready();
    assert.deepEqual([status, /disk is full/.test(problem)], ['ok', true]);

    await disk.makeRoom();
    assert.equal((await add(server)).status, 201);
    assert.equal(await count(server), kept + 200);
    assert.equal(await server.stop(), 0);
  },
);

test(
  'when PostgreSQL ends because its log has no room, it comes back by itself once there is some',
  mayMount,
  async t => {
    const home = await newHome(t);
    const disk = await newDisk(t, 200);
    move(join(home, 'data', 'pg_wal'), join(disk.folder, 'pg_wal'));
    const server = await startServer(home);
    let kept = await count(server);
    await disk.fill();
    // Its log has room until the end of a file of 16 MB. Then it ends; it starts, and ends again at the next change.
    for (let ends = 0; ends < 3; ) {
      const { status, body } = await add(server);
      if (status === 201) kept += 200;
      else {
        assert.match(`${status} ${body.code}`, /^503 (disk_full|unavailable)$/);
        ends++;
        await sleep(100);
      }
    }
    assert.equal((await server.call('GET', '/livez')).status, 200);
    await disk.makeRoom();
    while ((await server.call('GET', '/readyz')).status !== 200) await sleep(50);
    assert.equal(await count(server), kept);
    assert.equal((await add(server)).status, 201);
    assert.equal(await server.stop(), 0);
  },
);

test('a first start on a full disk leaves nothing, and the next one has room', mayMount, async t => {
  const disk = await newDisk(t, 220);
  const home = join(disk.folder, 'home');
  await mkdir(home);
  await disk.fill();
  await assert.rejects(startServer(home), /ENOSPC|No space left/);
  // What a start that was killed has left: this process is not there.
  await mkdir(join(home, 'data.4194999'));
  await disk.makeRoom();
  const stopping = new AbortController();
  t.after(() => stopping.abort());
  const server = await startServer(home, { signal: stopping.signal });
  assert.deepEqual((await readdir(home)).filter(name => /^data|^postgresql-/.test(name)).length, 2);
  assert.equal(await server.stop(), 0);
});
