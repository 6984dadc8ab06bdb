import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';

// As the server reads them.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Our server on an embedded PostgreSQL of its own, and a second way to that database. */
export type Ours = {
  home: string;
  tenant: string;
  key: string;
  port: number;
  /** Of the server, not of PostgreSQL. */
  pid: number;
  pool: pg.Pool;
  restart(): Promise<void>;
  /** Ends server and PostgreSQL; the data stays. */
  stop(): Promise<void>;
  /** Ends both and removes what they kept. */
  remove(): Promise<void>;
};

export const connectionsToDatabase = 16;
/** As `npm start` calls it: on the pinned Node, which this process runs on too, it becomes the server itself. */
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

/** @param nodeOptions what Node itself is started with */
export async function startOurs(nodeOptions: string[] = []): Promise<Ours> {
  const home = await mkdtemp(join(tmpdir(), 'lk-bench-'));
  let server: ChildProcess;
  let ours: Ours | undefined;
  async function start() {
    server = spawn(process.execPath, [...nodeOptions, program, 'serve'], {
      env: environmentFor(home),
      // The channel is there to be closed: a server that loses it knows that we are gone, and ends.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const { port, key } = await announced(server);
    const pool = new pg.Pool({
      host: join(home, 'run'),
      user: 'linekeeper',
      database: 'linekeeper',
      max: connectionsToDatabase,
    });
    pool.on('error', () => {}); // when the server takes its PostgreSQL down with it
    const { rows } = await pool.query('select id from tenants');
    return { tenant: rows[0].id as string, key, port, pid: server.pid!, pool };
  }
  async function stop() {
    // Ended before it is ready, the server would leave its PostgreSQL behind for the next one.
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

/** For the end that comes by a signal. */
export async function removeAll(): Promise<void> {
  await Promise.allSettled([...removals].map(remove => remove()));
}

/** Reads the banner up to the command that it shows. */
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
