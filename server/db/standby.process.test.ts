import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { newFolder } from '../testing/process.ts';
import { openDatabase } from './database.ts';
import { prepareHome } from './embedded-home.ts';
import { migrate } from './migrate.ts';

test('a standby is refused by name, and served once it is promoted', async t => {
  const home = await newFolder(t, 0o755);
  const { binaries, owner } = await prepareHome(home, 'linekeeper', () => {});
  const connection = { host: join(home, 'run'), user: 'linekeeper', database: 'postgres' };

  async function start(): Promise<() => Promise<void>> {
    const settings = ['listen_addresses=', `unix_socket_directories=${connection.host}`, 'fsync=off'];
    const args = ['-D', join(home, 'data'), ...settings.flatMap(setting => ['-c', setting])];
    const user = owner && { uid: owner.uid, gid: owner.gid };
    const child = spawn(join(binaries, 'postgres'), args, { stdio: 'ignore', cwd: '/', ...user });
    const ended = once(child, 'exit');
    const stop = async () => {
      child.kill('SIGINT');
      await ended;
    };
    t.after(stop);
    for (let answers = false; !answers; await sleep(20)) {
      assert.equal(child.exitCode, null);
      const client = new pg.Client(connection);
      client.on('error', () => {});
      answers = await client.connect().then(
        () => true,
        () => false,
      );
      await client.end().catch(() => {});
    }
    return stop;
  }

  await (await start())();
  const signal = join(home, 'data', 'standby.signal');
  await writeFile(signal, '');
  if (owner) await chown(signal, owner.uid, owner.gid);
  await start();
  const database = openDatabase(connection);
  try {
    await assert.rejects(migrate(database), /is a standby, which is read-only: DATABASE_URL must name/);
    await database.pool.query('select pg_promote()');
    assert.ok((await migrate(database)).length > 0);
  } finally {
    await database.close();
  }
});
