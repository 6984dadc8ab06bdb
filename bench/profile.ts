import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLoad } from '../server/testing/load/start.ts';
import { listPath, loadOn, requestOf } from './bench.ts';
import { addOrganizations, organizationAt, settle } from './data.ts';
import { startOurs } from './ours.ts';

/** https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile, as far as it is read here. */
type CpuProfile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  /** In microseconds, on the clock of process.hrtime. */
  startTime: number;
  samples: number[];
  timeDeltas: number[];
};

const folder = join(import.meta.dirname, 'profiles');
const root = join(import.meta.dirname, '..');
const organizations = 64;
const shown = 30;
const seconds = 10;

const monotonicMicroseconds = (): number => Number(process.hrtime.bigint() / 1000n);

/** Runs the hot list under V8's profiler, and prints the functions with the most time. */
export async function profile(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const before = new Set(await readdir(folder));
  const ours = await startOurs(['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${folder}`]);
  const load = startLoad();
  let from = 0;
  try {
    await addOrganizations(ours.pool, ours.tenant, 0, organizations);
    await settle(ours.pool);
    const requests = Array.from({ length: organizations }, (_, nth) =>
      requestOf(ours, listPath(organizationAt(nth))),
    );
    const job = { port: ours.port, connections: 16, requests, seed: 1, seconds, status: 200 };
    from = monotonicMicroseconds();
    const { perSecond } = await loadOn({ load, verbose: false }, 'ours', ours.pid, job);
    console.log(`hot list, 16 connections: ${perSecond.toFixed(0)}/s under the profiler`);
  } finally {
    await load.end();
    await ours.remove();
  }
  const written = (await readdir(folder)).find(name => name.endsWith('.cpuprofile') && !before.has(name));
  if (!written) throw new Error(`no profile was written to ${folder}`);
  const file = join(folder, written);
  printSelfTimes(JSON.parse(await readFile(file, 'utf8')), from, from + seconds * 1e6);
  console.log(`\nThe whole of it: ${relative(root, file)}, for the DevTools of Chrome`);
}

/** Prints the time of each function between two moments, which exclude the start. */
function printSelfTimes(
  { nodes, startTime, samples, timeDeltas }: CpuProfile,
  from: number,
  to: number,
): void {
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  let now = startTime;
  for (const [index, id] of samples.entries()) {
    const name = nameOf.get(id)!;
    now += timeDeltas[index]!;
    if (name === '(idle)' || now < from || now > to) continue;
    busy += timeDeltas[index]!;
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index]!);
  }
  console.log(`\n${'self'.padStart(7)}  function, of ${(busy / 1e6).toFixed(1)} s that were not idle`);
  for (const [name, time] of [...times].sort((a, b) => b[1] - a[1]).slice(0, shown))
    console.log(`${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`);
}

function frameName({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const place = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
  return (functionName || '(anonymous)') + (place && `  ${place}:${lineNumber + 1}`);
}
