import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';

/** What one of several processes is told: the database, which the first one has prepared, and the port. */
export type Given = { connection: pg.ClientConfig; port: number };

const variable = 'LINEKEEPER_PROCESS';
const restartMs = 1000;

/** Set in one of several processes. */
export function readGiven(): Given | undefined {
  const text = process.env[variable];
  return text === undefined ? undefined : JSON.parse(text);
}

/** Says where this one of several processes listens. */
export const tellListening = (url: string): unknown => process.send?.({ url });

/**
 * Starts processes that listen on one port, among which the system shares the connections out (SO_REUSEPORT). They need
 * to know nothing of each other: whatever one of them answers with is checked against the database first
 * (http/lookups.ts). One that ends is replaced; what it had accepted is closed with it, and nothing else.
 */
export async function startProcesses(
  count: number,
  given: Given,
  log: Logger,
): Promise<{ url: string; close(): Promise<void> }> {
  if (process.platform !== 'linux') throw new Error('LINEKEEPER_PROCESSES can be more than 1 on Linux only');
  const running = new Set<ChildProcess>();
  let closing = false;

  /** Resolves when it listens. */
  async function start(port: number): Promise<string> {
    const env = { ...process.env, [variable]: JSON.stringify({ ...given, port }) };
    const child = fork(process.argv[1]!, process.argv.slice(2), { env });
    running.add(child);
    const ended = once(child, 'exit').then(async ([code]) => {
      running.delete(child);
      throw new Error(`it ended with ${code}`);
    });
    const [{ url }] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
    ended.catch(error => keepRunning(Number(URL.parse(url)!.port), error));
    return url;
  }

  async function keepRunning(port: number, reason: unknown): Promise<void> {
    while (!closing) {
      log.error({ err: reason }, 'one of the processes has ended: starting another one');
      // One that ends at once would otherwise be started as fast as the machine can.
      await sleep(restartMs);
      if (closing) return;
      try {
        return void (await start(port));
      } catch (error) {
        reason = error;
      }
    }
  }

  async function close() {
    closing = true;
    const gone = [...running].map(child => once(child, 'exit'));
    for (const child of running) child.kill('SIGTERM');
    await Promise.all(gone);
  }

  try {
    const url = await start(given.port);
    const port = Number(URL.parse(url)!.port);
    await Promise.all(Array.from({ length: count - 1 }, () => start(port)));
    return { url, close };
  } catch (error) {
    await close();
    throw new Error('One of the processes did not start: what it said stands above', { cause: error });
  }
}
