import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../../server/testing/load/child.ts';
import type { Instruction } from '../bare.ts';
import type { Bench } from '../bench.ts';
import { bounded, type Line } from '../figures.ts';
import { residentMb } from '../machine.ts';
import { announced, environmentFor, startOurs } from '../ours.ts';

/** After half a minute without work V8 returns the memory that only the start needed, so we measure after a minute. */
const idleMs = 60_000;

/** `npm start` on existing state, until the server says that it is ready; and the memory of an idle server. */
export async function start(bench: Bench): Promise<Line[]> {
  const ours = await startOurs();
  const idle: number[] = [];
  const bareIdle: number[] = [];
  const seconds: number[] = [];
  const bareSeconds: number[] = [];
  try {
    for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
      await ours.restart(); // the first start creates the demonstration, which leaves traces in memory
      await sleep(idleMs);
      idle.push(residentMb(ours.pid));
      bareIdle.push(await bareMemory());
    }
    await ours.stop();
    for (let round = 0; round < (bench.quick ? 3 : 5); round++) {
      seconds.push(await npmStart(ours.home));
      bareSeconds.push(await bareStart());
    }
  } finally {
    await ours.remove();
  }
  const against = 'bare node:http';
  return [
    bounded(
      'start',
      { what: 'npm start, warm, until ready', unit: 's', ours: seconds, floor: bareSeconds, against },
      { most: 1 },
    ),
    bounded(
      'start',
      { what: 'memory idle, without PostgreSQL', unit: 'MB', ours: idle, floor: bareIdle, against },
      { most: 115 },
    ),
  ];
}

async function npmStart(home: string): Promise<number> {
  const begun = performance.now();
  // A process group of its own, so that one signal reaches npm, the launcher and the server.
  const npm = spawn('npm', ['start'], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: environmentFor(home),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  try {
    await announced(npm);
    return (performance.now() - begun) / 1000;
  } finally {
    await endGroup(npm);
  }
}

async function endGroup(npm: ChildProcess): Promise<void> {
  const closed = once(npm, 'close'); // when no process of the group has its output open
  try {
    process.kill(-npm.pid!, 'SIGTERM');
  } catch {
    // It ended by itself.
  }
  await closed;
}

const startBare = () => startChild<Instruction, number>(join(import.meta.dirname, '..', 'bare.ts'));

async function bareStart(): Promise<number> {
  const begun = performance.now();
  const bare = startBare();
  await bare.ask({ answers: [] });
  const seconds = (performance.now() - begun) / 1000;
  await bare.end();
  return seconds;
}

async function bareMemory(): Promise<number> {
  const bare = startBare();
  await bare.ask({ answers: [] });
  await sleep(1_000);
  const memory = residentMb(bare.pid);
  await bare.end();
  return memory;
}
