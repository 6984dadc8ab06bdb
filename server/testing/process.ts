import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { callApi, type Reply } from './request.ts';

/** `linekeeper serve` as a process of its own, as its users run it. */
export type ServerProcess = {
  pid: number;
  url: string;
  /** The demonstration tenant's admin key, as the banner shows it; '' where it shows none. */
  key: string;
  /** Resolves with the exit code, or null if a signal ended it. */
  exited: Promise<number | null>;
  /** One HTTP request with that key. Rejects when the server goes away before it has answered. */
  call(method: string, path: string, body?: unknown): Promise<Reply>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
};

export type StartOptions = {
  /** The checkout to run; this one unless told otherwise. */
  root?: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** The Node that runs the launcher. */
  node?: string;
  /** Nobody reads what it writes to stderr. */
  unread?: boolean;
  /** Kills it with SIGKILL, ready or not. */
  signal?: AbortSignal;
};

export const projectRoot = join(import.meta.dirname, '..', '..');

const run = promisify(execFile);
const started = new Map<string, ChildProcess[]>();

/** The state folder that scripts/test.ts makes and newHome() copies. */
export const preparedVariable = 'TEST_HOME';

/** Makes it: a server has started on it once, and has stopped. Kills do not need what a power cut needs. */
export async function prepareHome(home: string): Promise<void> {
  await mkdir(home);
  await (await startServer(home)).stop();
  await appendFile(join(home, 'data', 'postgresql.auto.conf'), 'fsync = off\n');
  // All copies share PostgreSQL's programs.
  const programs = (await readdir(home)).find(name => /^postgresql-\d/.test(name))!;
  await rename(join(home, programs), `${home}-${programs}`);
  await symlink(`${home}-${programs}`, join(home, programs));
}

/** A state folder that has its database already, with the demonstration in it. */
export async function newHome(t: TestContext): Promise<string> {
  const prepared = process.env[preparedVariable];
  if (!prepared) throw new Error('Run the tests with `npm test`, which prepares a state folder for them');
  const home = await emptyHome(t);
  // Not with fs.cp(): the data must stay PostgreSQL's user's.
  await run('cp', ['-pPR', `${prepared}/.`, home]);
  return home;
}

/** A state folder of one's own, short enough for a socket; with the test it goes, and whatever still runs on it. */
export async function emptyHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'lk-'));
  t.after(async () => {
    for (const child of started.get(home) ?? []) await end(child, 'SIGKILL');
    started.delete(home);
    const pid = await postmasterPid(home);
    if (pid !== undefined) await endPostmaster(home, pid, 'SIGQUIT');
    await rm(home, { recursive: true, force: true });
  });
  return home;
}

/** Starts a server on `home`: resolves when it has said where it listens; rejects, with what it said, if it ends. */
export async function startServer(home: string, options: StartOptions = {}): Promise<ServerProcess> {
  const { root = projectRoot, node = process.execPath, env, unread = false, ...rest } = options;
  const child = spawn(node, [join(root, 'bin', 'linekeeper.mjs'), 'serve'], {
    cwd: '/',
    env: { PATH: process.env.PATH, LINEKEEPER_HOME: home, PORT: '0', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    ...rest,
  });
  started.set(home, [...(started.get(home) ?? []), child]);
  const exited = new Promise<number | null>(resolve => child.once('exit', resolve));
  let errors = '';
  if (!unread)
    child.stderr.setEncoding('utf8').on('data', text => {
      errors += text;
    });
  const banner = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', piece => {
      text += piece;
      if (/^ {2}npx linekeeper .*\n/m.test(text)) resolve(text);
    });
    // `close` comes after `exit`, when everything that it said has arrived.
    child.once('close', (code, signal) => reject(new Error(`it ended with ${code ?? signal}: ${errors}`)));
    child.once('error', reject);
  });
  const url = /^ {2}API +(http\S+)\/v1$/m.exec(banner)![1]!;
  const key = /^curl .*"X-API-Key: (\S+)"$/m.exec(banner)?.[1] ?? '';

  return {
    pid: child.pid!,
    url,
    key,
    exited,
    call(method, path, body) {
      return callApi(url, method, path, { key, body }).catch(cause => {
        throw new Error(`no answer; the server has said: ${errors}`, { cause });
      });
    },
    stop: () => end(child, 'SIGTERM'),
    async kill() {
      await end(child, 'SIGKILL');
    },
  };
}

/** Ends a process, unless it has ended already, and waits until it is gone. */
async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
  return child.exitCode;
}

/** The list of the published example's organization, which every server here has. */
export const exampleList = '/v1/sms/phone-numbers?organization_id=org_abc123';

/** The process id of the PostgreSQL that runs on `home`, if one does. */
export async function postmasterPid(home: string): Promise<number | undefined> {
  const text = await readFile(join(home, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10) || undefined;
  return pid !== undefined && (await isPostmaster(home, pid)) ? pid : undefined;
}

/** Whether this process is there and is the PostgreSQL of `home`; one that is gone but not yet waited for is not. */
async function isPostmaster(home: string, pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0').includes(join(home, 'data'));
}

/** Ends the PostgreSQL of `home` and waits until it is gone. SIGKILL leaves its other processes to notice by themselves. */
export async function endPostmaster(home: string, pid: number, signal: 'SIGQUIT' | 'SIGKILL'): Promise<void> {
  if (!(await isPostmaster(home, pid))) return;
  process.kill(pid, signal);
  while (await isPostmaster(home, pid)) await sleep(10);
}

/** Asks the database of `home` itself, past the server. */
export async function ask<Row extends pg.QueryResultRow>(
  home: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ host: join(home, 'run'), user: 'linekeeper', database: 'linekeeper' });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** A folder that only this user can enter, and that goes with the test. */
export async function newFolder(t: TestContext, mode: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lk-'));
  await chmod(folder, mode);
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
