// `npm run bench`: measures Linekeeper against a floor, which is the best that the same machine can do in the same
// minutes, and writes one table. CONTRIBUTING.md says how to call it.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bench, openBench } from './bench.ts';
import type { Line } from './figures.ts';
import { describeMachine } from './machine.ts';
import { removeAll } from './ours.ts';
import { profile } from './profile.ts';
import { type Report, reportText, writeReport } from './report.ts';
import { hotListWhileBusy } from './scenarios/busy.ts';
import { changes } from './scenarios/changes.ts';
import { hotList, unchangedList } from './scenarios/hot.ts';
import { importRows } from './scenarios/import.ts';
import { longList } from './scenarios/long-list.ts';
import { lookUp } from './scenarios/lookup.ts';
import { pageCost } from './scenarios/pages.ts';
import { readNumbers } from './scenarios/reading.ts';
import { size } from './scenarios/size.ts';
import { start } from './scenarios/start.ts';
import { uncachedList } from './scenarios/uncached.ts';

type Scenario = {
  /** The data that it needs: many organizations of 100 numbers, or one of very many numbers. */
  needs: ('organizations' | 'long')[];
  run(bench: Bench): Promise<Line[]>;
};

const scenarios: Record<string, Scenario> = {
  hot: { needs: ['organizations'], run: hotList },
  unchanged: { needs: ['organizations'], run: unchangedList },
  uncached: { needs: ['organizations'], run: uncachedList },
  lookup: { needs: ['organizations'], run: lookUp },
  claims: { needs: ['organizations'], run: changes },
  pages: { needs: ['long'], run: pageCost },
  long: { needs: ['organizations', 'long'], run: longList },
  busy: { needs: ['organizations', 'long'], run: hotListWhileBusy },
  import: { needs: ['organizations'], run: importRows },
  reading: { needs: [], run: readNumbers },
  size: { needs: [], run: size },
  start: { needs: [], run: start },
};

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    stopping = true;
    void removeAll().finally(() => process.exit(130));
  });

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, verbose: { type: 'boolean' }, profile: { type: 'boolean' } },
});
const unknown = positionals.filter(name => !Object.hasOwn(scenarios, name));
if (unknown.length > 0) {
  console.error(
    `There is no scenario ${unknown.join(', ')}. There are: ${Object.keys(scenarios).join(', ')}`,
  );
  process.exitCode = 2;
} else if (options.profile) await profile().catch(unlessStopping);
else await measure(positionals.length > 0 ? positionals : Object.keys(scenarios)).catch(unlessStopping);

/** Ignores errors while the bench stops, since stopping causes them. */
async function unlessStopping(error: unknown): Promise<void> {
  if (!stopping) throw error;
  await new Promise(() => {});
}

async function measure(names: string[]): Promise<void> {
  const begun = performance.now();
  const { quick = false, verbose = false } = options;
  const needs = new Set(names.flatMap(name => scenarios[name]!.needs));
  console.error('starting, and making the data');
  const bench = await openBench(
    { quick, verbose },
    { organizations: needs.has('organizations'), long: needs.has('long') },
  );
  const report: Report = {
    mode: quick ? 'quick' : 'full',
    machine: await describeMachine(bench.ours.pool),
    minutes: 0,
    lines: [],
  };
  try {
    for (const name of names) await run(name, bench, report);
  } finally {
    await bench.close();
  }
  report.minutes = (performance.now() - begun) / 60_000;
  console.log(`\n${reportText(report)}`);
  if (positionals.length > 0 || process.exitCode) return;
  // Only a run of all scenarios is saved.
  const folder = quick ? join(import.meta.dirname, 'quick') : import.meta.dirname;
  await writeReport(folder, report);
  console.log(`Written to ${join(folder, 'results.md')}`);
}

/** Reports a scenario that fails, sets the exit code, and goes on to the next scenario. */
async function run(name: string, bench: Bench, report: Report): Promise<void> {
  const begun = performance.now();
  try {
    report.lines.push(...(await scenarios[name]!.run(bench)));
  } catch (error) {
    await unlessStopping(error).catch(() => {});
    console.error(`${name} failed:`, error);
    process.exitCode = 1;
  }
  console.error(`${name}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}
