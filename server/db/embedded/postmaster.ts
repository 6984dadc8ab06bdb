import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { copyFile, open, readFile, stat, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { environment, type Owner, processAlive } from './home.ts';

/** A postmaster that was started. */
export type Launched = {
  /** Set when it has ended. */
  ended: boolean;
  /** Why it ended, in its own words. */
  reason(): Promise<string>;
};

const logFile = (home: string) => join(home, 'postgresql.log');
const logBytesMax = 10_000_000;

export async function launch(home: string, binaries: string, owner: Owner | undefined): Promise<Launched> {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: `"${join(home, 'run')}"`,
    unix_socket_permissions: '0700',
    // One machine, no replicas: half the WAL, and COPY into a new table needs none.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '4GB',
    shared_buffers: '256MB',
    // The server takes 48 at most. The tests run many servers on one PostgreSQL.
    max_connections: '200',
    // The statements are short; compiling them costs more than it gains.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Without details, which quote rows: addresses and numbers of people.
    log_error_verbosity: 'terse',
  };
  const args = [
    '-D',
    join(home, 'data'),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  await rotateLog(home);
  const file = logFile(home);
  const output = openSync(file, 'a', 0o640);
  const before = await sizeOf(file);
  // A process group of its own: a Ctrl-C in the terminal is for the server, which stops PostgreSQL when it is done.
  const child = spawn(join(binaries, 'postgres'), args, {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: '/',
    env: environment(),
    ...(owner && { uid: owner.uid, gid: owner.gid }),
  });
  closeSync(output);
  child.unref();
  const launched: Launched = {
    ended: false,
    async reason() {
      const said = await readFrom(file, before);
      const fatal = said.split('\n').findLast(line => /\b(FATAL|PANIC): /.test(line));
      // A full disk has no room for that either.
      const { bavail, bsize } = await statfs(home);
      const full = bavail * bsize < 1_000_000 ? `, and the disk of ${home} is full` : '';
      return `${fatal?.replace(/^.*?(FATAL|PANIC): +/, '') ?? `the end of ${file} says why`}${full}`;
    },
  };
  child.once('exit', () => {
    launched.ended = true;
  });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  return launched;
}

/**
 * Whether it may start at the next attempt: another postmaster is there, or processes of one that was killed have not
 * noticed yet.
 */
export const mayPass = (reason: string): boolean => /shared memory block|already exists|in use/.test(reason);

/**
 * Keeps the log small: what was in it is in one older file. PostgreSQL appends, so it goes on at the beginning.
 * A line that is written between the copying and the emptying is lost.
 */
export async function rotateLog(home: string): Promise<void> {
  const file = logFile(home);
  if ((await sizeOf(file)) < logBytesMax) return;
  // Without room for a copy there is no older file.
  await copyFile(file, `${file}.1`).catch(() => {});
  await truncate(file).catch(() => {});
}

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => undefined))?.size ?? 0;

/** The end of what was written after that place. */
async function readFrom(file: string, place: number): Promise<string> {
  const handle = await open(file);
  try {
    const end = (await handle.stat()).size;
    const begin = Math.max(place, end - 65_536);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(end - begin, 0)), {
      position: begin,
    });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * The process id of the PostgreSQL that runs on `home`, if one does: the first line of postmaster.pid
 * (https://www.postgresql.org/docs/current/storage-file-layout.html). The file outlives a power cut, and then names
 * whatever process has that number now.
 */
export async function runningPostmaster(home: string): Promise<number | undefined> {
  const text = await readFile(join(home, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!pid || !processAlive(pid)) return undefined;
  // Where there is no /proc to look into, PostgreSQL itself has the last word.
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return command === undefined || command.includes('/postgres\0-D\0') ? pid : undefined;
}
