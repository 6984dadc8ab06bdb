import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { explainHome, type Owner, prepareHome, processAlive } from './embedded/home.ts';
import { type Launched, launch, mayPass, rotateLog, runningPostmaster } from './embedded/postmaster.ts';
import { prepareDatabase, servingRole } from './embedded/role.ts';

/**
 * The PostgreSQL that the server brings along: real, from npm, reached through a Unix socket only.
 *
 * Two locks that the database itself keeps carry everything here, so that no crash leaves anything stale behind:
 * PostgreSQL lets one postmaster at a time onto a data folder, and a session-level advisory lock, held on a
 * connection of its own, says which Linekeeper that postmaster belongs to. A server that is killed loses the lock
 * with its connection; the next one finds the orphan running, takes the lock, and has adopted it.
 */
export type EmbeddedPostgres = {
  /** How to connect as its superuser, who makes databases and roles: the socket's folder, user and database. */
  connection: pg.ClientConfig;
  /** How the server connects: as the owner of its database, and no superuser. */
  serving: pg.ClientConfig;
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
const failuresMax = 3;
const rotationMs = 3_600_000;

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
    let launched: Launched | undefined;
    for (let failures = 0; ; ) {
      const client = new pg.Client({ ...admin, application_name: `linekeeper, process ${process.pid}` });
      // What is under way on it fails by itself; without a listener the process would end.
      client.on('error', () => {});
      try {
        await client.connect();
        return client;
      } catch (error) {
        await client.end().catch(() => {});
        const reason = launched?.ended ? await launched.reason() : undefined;
        if (reason !== undefined) launched = undefined;
        if (reason !== undefined && !mayPass(reason)) failures++;
        // While it starts or stops it says so itself, and another process may be starting it right now.
        if (failures === failuresMax || Date.now() > until)
          throw new Error(
            `The embedded PostgreSQL in ${home} does not start: ${reason ?? (error as Error).message}`,
          );
        if (!launched && (await runningPostmaster(home)) === undefined)
          launched = await launch(home, binaries, owner);
        await sleep(reason === undefined ? 20 : 200);
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
        log((error as Error).message);
        await sleep(1000);
      }
    }
  }

  await prepareDatabase(admin, database);
  const rotation = setInterval(() => void rotateLog(home).catch(() => {}), rotationMs).unref();

  return {
    connection: { ...admin, database },
    serving: { ...admin, database, user: servingRole },
    async announce(url) {
      // PostgreSQL keeps 63 bytes of it.
      await guard.query("select set_config('application_name', $1, false)", [
        `linekeeper, process ${process.pid}, ${url}`.slice(0, 63),
      ]);
    },
    async stop() {
      stopped = true;
      clearInterval(rotation);
      const pid = await runningPostmaster(home);
      await guard.end().catch(() => {});
      if (pid === undefined) return;
      process.kill(pid, 'SIGINT'); // "fast shutdown": https://www.postgresql.org/docs/current/server-shutdown.html
      while ((await runningPostmaster(home)) !== undefined) await sleep(10);
    },
  };
}
