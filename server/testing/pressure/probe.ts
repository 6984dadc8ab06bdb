// Loaded into the server under test with `--import`. It measures how long the event loop stands still, in processor time
// of the main thread, which other processes of the machine do not lengthen.
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import v8 from 'node:v8';
import vm from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/** The longest turn of the event loop since the last question. */
export type Turn = { ms: number; events: number };

/** The environment variable with the socket on which it answers. */
export const probeVariable = 'PRESSURE_PROBE';

function watch(path: string): void {
  v8.setFlagsFromString('--expose-gc');
  const collect: () => void = vm.runInNewContext('gc');
  let longest: Turn = { ms: 0, events: 0 };
  let before = used();
  let skipped = false;

  /** An immediate without a reference runs once a turn, and does not keep the loop from waiting for events. */
  function turn(): void {
    const now = used();
    const ms = now.ms - before.ms;
    if (!skipped && ms > longest.ms) longest = { ms, events: now.events - before.events };
    skipped = false;
    before = now;
    setImmediate(turn).unref();
  }
  setImmediate(turn).unref();

  createServer(socket => {
    socket.on('error', () => {}).end(JSON.stringify(longest));
    collect();
    longest = { ms: 0, events: 0 };
    skipped = true;
  })
    .listen(path)
    .unref();
}

function used(): Turn {
  const { user, system } = process.threadCpuUsage();
  return { ms: (user + system) / 1000, events: performance.nodeTiming.uvMetricsInfo.events };
}

const path = process.env[probeVariable];
if (path && isMainThread) watch(path);
