import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';

// As in the server.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Our server with an embedded PostgreSQL of its own, and a second pool for that database. */
export type Ours = {
  home: string;
  tenant: string;
  key: string;
  port: number;
  /** Of the server, not of PostgreSQL. */
  pid: number;
  pool: pg.Pool;
  restart(): Promise<void>;
  /** Stops server and PostgreSQL. The data stays. */
  stop(): Promise<void>;
  /** Stops both and removes the data. */
  remove(): Promise<void>;
};

export const connectionsToDatabase = 16;
/** On the pinned Node, which runs this process too, the command becomes the server itself. */
const program = join(import.meta.dirname, '..', 'bin', 'linekeeper.mjs');

export const environmentFor = (home: string): NodeJS.ProcessEnv => ({
  ...process.env,
  LINEKEEPER_HOME: home,
  PORT: '0',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  LINEKEEPER_DEMO: '1',
  DATABASE_URL: undefined,
});

/** @param nodeOptions options of Node */
export async function startOurs(nodeOptions: string[] = []): Promise<Ours> {
  const home = await mkdtemp(join(tmpdir(), 'lk-bench-'));
  let server: ChildProcess;
  let ours: Ours | undefined;
  async function start() {
    server = spawn(process.execPath, [...nodeOptions, program, 'serve'], {
      env: environmentFor(home),
      // A server that loses the channel knows that we are gone, and ends.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const { port, key } = await announced(server);
    const pool = new pg.Pool({
      host: join(home, 'run'),
      user: 'linekeeper',
      database: 'linekeeper',
      max: connectionsToDatabase,
    });
    pool.on('error', () => {}); // when the server stops its PostgreSQL
    const { rows } = await pool.query('select id from tenants');
    return { tenant: rows[0].id as string, key, port, pid: server.pid!, pool };
  }
  async function stop() {
    // If the server ended before it is ready, it would leave its PostgreSQL running.
    await starting.catch(() => {});
    await ours?.pool.end().catch(() => {});
    await end(server);
  }
  async function remove() {
    removals.delete(remove);
    await stop();
    await rm(home, { recursive: true, force: true });
  }
  removals.add(remove);
  let starting = start();
  const started = await starting.catch(async error => {
    await remove();
    throw error;
  });
  ours = {
    ...{ home, ...started, stop, remove },
    async restart() {
      await stop();
      starting = start();
      Object.assign(ours!, await starting);
    },
  };
  return ours;
}

const removals = new Set<() => Promise<void>>();

/** Removes all servers; for the end by a signal. */
export async function removeAll(): Promise<void> {
  await Promise.allSettled([...removals].map(remove => remove()));
}

/** Reads port and key from the curl command in the banner. */
export async function announced(server: ChildProcess): Promise<{ port: number; key: string }> {
  for await (const line of createInterface({ input: server.stdout! })) {
    const match = /^curl "http:\/\/127\.0\.0\.1:(\d+)\/.*X-API-Key: ([^"]+)"/.exec(line);
    if (match) {
      server.stdout!.resume();
      return { port: Number(match[1]), key: match[2]! };
    }
  }
  throw new Error('the server ended before it listened');
}

async function end(server: ChildProcess): Promise<void> {
  server.kill('SIGTERM');
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
}
