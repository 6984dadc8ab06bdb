import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Owner, prepareHome } from '../db/embedded/home.ts';
import { newFolder } from './process.ts';

/** A PostgreSQL with settings of its own, on a socket: for what the embedded one never is, such as a standby. */
export type OwnPostgres = {
  home: string;
  connection: pg.ClientConfig;
  /** Resolves when it answers. */
  start(settings?: Record<string, string>): Promise<void>;
  stop(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  query(text: string): Promise<pg.QueryResult>;
  /** Makes a standby of it, before its start. */
  becomeStandby(): Promise<void>;
};

/** @param prepare makes the data, if not initdb */
export async function ownPostgres(
  t: TestContext,
  prepare?: (home: string, owner: Owner | undefined) => Promise<void>,
): Promise<OwnPostgres> {
  const home = await newFolder(t, 0o755);
  const { binaries, owner } = await prepareHome(home, 'linekeeper', () => {});
  await prepare?.(home, owner);
  const connection = { host: join(home, 'run'), user: 'linekeeper', database: 'postgres' };
  const user = owner && { uid: owner.uid, gid: owner.gid };
  let stop = async (_signal: 'SIGINT' | 'SIGQUIT') => {};
  t.after(() => stop('SIGQUIT'));

  async function query(text: string): Promise<pg.QueryResult> {
    const client = new pg.Client(connection);
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.query(text);
    } finally {
      await client.end().catch(() => {});
    }
  }

  return {
    home,
    connection,
    query,
    async start(settings = {}) {
      const all = {
        listen_addresses: '',
        unix_socket_directories: connection.host,
        fsync: 'off',
        ...settings,
      };
      const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const child = spawn(join(binaries, 'postgres'), ['-D', join(home, 'data'), ...args], {
        ...{ stdio: 'ignore', cwd: '/' },
        ...user,
      });
      const ended = once(child, 'exit');
      stop = async signal => {
        child.kill(signal);
        await ended;
      };
      while (
        !(await query('select 1').then(
          () => true,
          () => false,
        ))
      ) {
        assert.equal(child.exitCode, null);
        await sleep(20);
      }
    },
    stop: (signal = 'SIGINT') => stop(signal),
    async becomeStandby() {
      const signal = join(home, 'data', 'standby.signal');
      await writeFile(signal, '');
      if (owner) await chown(signal, owner.uid, owner.gid);
    },
  };
}
