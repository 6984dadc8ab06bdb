import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { environment, explainHome, type Owner, prepareHome } from './embedded-home.ts';

/**
 * The PostgreSQL that the server brings along: real, from npm, reached through a Unix socket only.
 *
 * Two locks that the database itself keeps carry everything here, so that no crash leaves anything stale behind:
 * PostgreSQL lets one postmaster at a time onto a data folder, and a session-level advisory lock, held on a
 * connection of its own, says which Linekeeper that postmaster belongs to. A server that is killed loses the lock
 * with its connection; the next one finds the orphan running, takes the lock, and has adopted it.
 */
export type EmbeddedPostgres = {
  /** How to connect: the socket's folder, user and database. */
  connection: pg.ClientConfig;
  /** Tells a second server what the first one is called; shown in the refusal. */
  announce(url: string): Promise<void>;
  /** Stops PostgreSQL and waits until it is gone. Close every pool first. */
  stop(): Promise<void>;
};

/** The state folder is in use by another process; `message` names it. */
export class HomeInUseError extends Error {}

const database = 'linekeeper';
// Any constant will do: the lock is taken in a database that is ours alone.
const homeLock = 5_465_335;
const startingMsMax = 120_000;

/**
 * Starts PostgreSQL on `home`, or adopts the one that an earlier server left running there.
 * @param otherBinaries the folder of another PostgreSQL's programs: the tests run on more than one
 */
export async function startEmbedded(
  home: string,
  log: (message: string) => void,
  otherBinaries?: string,
): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32')
    throw new Error('The embedded PostgreSQL needs Unix sockets: set DATABASE_URL instead');
  try {
    const { binaries, owner } = await prepareHome(home, database, log, otherBinaries);
    return await startPrepared(home, log, binaries, owner);
  } catch (error) {
    throw explainHome(error, home);
  }
}

async function startPrepared(
  home: string,
  log: (message: string) => void,
  binaries: string,
  owner: Owner | undefined,
): Promise<EmbeddedPostgres> {
  const admin: pg.ClientConfig = { host: join(home, 'run'), user: database, database: 'postgres' };
  let stopped = false;
  let guard = await lockHome(await ensureRunning());

  async function ensureRunning(): Promise<pg.Client> {
    const until = Date.now() + startingMsMax;
    let exited: string | undefined;
    for (;;) {
      const client = new pg.Client({ ...admin, application_name: `linekeeper, process ${process.pid}` });
      // What is under way on it fails by itself; without a listener the process would end.
      client.on('error', () => {});
      try {
        await client.connect();
        return client;
      } catch (error) {
        await client.end().catch(() => {});
        // While it starts or stops it says so itself, and another process may be starting it right now.
        if (Date.now() > until)
          throw new Error(`The embedded PostgreSQL does not answer: ${exited ?? error}`);
        if ((await runningPostmaster(home)) === undefined) exited = await launch(home, binaries, owner);
        await sleep(20);
      }
    }
  }

  async function lockHome(client: pg.Client): Promise<pg.Client> {
    for (const until = Date.now() + startingMsMax; ; await sleep(50)) {
      const { rows } = await client.query('select pg_try_advisory_lock($1) as locked', [homeLock]);
      if (rows[0].locked) break;
      const holder = await client.query(
        `select application_name as name from pg_locks join pg_stat_activity using (pid)
         where locktype = 'advisory' and objid = $1 and granted`,
        [homeLock],
      );
      const name: string = holder.rows[0]?.name ?? '';
      const pid = Number(/process (\d+)/.exec(name)?.[1]);
      // PostgreSQL needs a moment to notice that a killed server is gone, and on a busy machine several.
      if ((name === '' || !processAlive(pid)) && Date.now() < until) continue;
      await client.end();
      throw new HomeInUseError(
        `${home} is in use by another Linekeeper server (${name.replace(/^linekeeper, /, '')}). Stop that one, or set LINEKEEPER_HOME to another folder.`,
      );
    }
    client.on('end', () => void recover());
    return client;
  }

  /** PostgreSQL went away under us: bring it back. Requests meanwhile are answered with 503. */
  async function recover(): Promise<void> {
    while (!stopped) {
      log('the embedded PostgreSQL is gone: starting it again');
      try {
        guard = await lockHome(await ensureRunning());
        return;
      } catch (error) {
        log(`could not start the embedded PostgreSQL: ${error}`);
        await sleep(1000);
      }
    }
  }

  const exists = await guard.query('select 1 from pg_database where datname = $1', [database]);
  if (exists.rowCount === 0) await guard.query(`create database ${database}`);

  return {
    connection: { ...admin, database },
    async announce(url) {
      // PostgreSQL keeps 63 bytes of it.
      await guard.query("select set_config('application_name', $1, false)", [
        `linekeeper, process ${process.pid}, ${url}`.slice(0, 63),
      ]);
    },
    async stop() {
      stopped = true;
      const pid = await runningPostmaster(home);
      await guard.end().catch(() => {});
      if (pid === undefined) return;
      process.kill(pid, 'SIGINT'); // "fast shutdown": https://www.postgresql.org/docs/current/server-shutdown.html
      while ((await runningPostmaster(home)) !== undefined) await sleep(10);
    },
  };
}

/** Starts a postmaster. Resolves at once; with what it said if it ended within the first moment. */
async function launch(home: string, binaries: string, owner: Owner | undefined): Promise<string | undefined> {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: `"${join(home, 'run')}"`,
    unix_socket_permissions: '0700',
    // One machine, no replicas: half the WAL, and COPY into a new table needs none.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '4GB',
    shared_buffers: '256MB',
    // The server takes 43 at most. The tests run many servers on one PostgreSQL.
    max_connections: '200',
    // The statements are short; compiling them costs more than it gains.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  const args = [
    '-D',
    join(home, 'data'),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const logFile = join(home, 'postgresql.log');
  const output = openSync(logFile, 'a', 0o640);
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
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('exit', resolve).once('error', reject),
  );
  const code = await Promise.race([ended, sleep(50, 'running' as const)]);
  return code === 'running' ? undefined : `it ended at once; the end of ${logFile} says why`;
}

/**
 * The process id of the PostgreSQL that runs on `home`, if one does: the first line of postmaster.pid
 * (https://www.postgresql.org/docs/current/storage-file-layout.html). The file outlives a power cut, and then names
 * whatever process has that number now.
 */
async function runningPostmaster(home: string): Promise<number | undefined> {
  const text = await readFile(join(home, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!pid || !processAlive(pid)) return undefined;
  // Where there is no /proc to look into, PostgreSQL itself has the last word.
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return command === undefined || command.includes('/postgres\0-D\0') ? pid : undefined;
}

function processAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
