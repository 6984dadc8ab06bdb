import { type Child, startChild } from '../server/testing/load/child.ts';
import type { Job, Loaded } from '../server/testing/load/load.ts';
import { type Load, startLoad } from '../server/testing/load/start.ts';
import type { Instruction, StoredResponse } from './bare.ts';
import { addLong, addOrganizations, settle } from './data.ts';
import { cpuSeconds } from './machine.ts';
import { ranges } from './numbers.ts';
import { type Ours, startOurs } from './ours.ts';

/** The tools of a scenario. */
export type Bench = Extent & {
  quick: boolean;
  verbose: boolean;
  ours: Ours;
  load: Load;
  bare: Child<Instruction, number>;
  /** The first of `count` numbers that no other caller gets. */
  takeNumbers(count: number): number;
  close(): Promise<void>;
};

/** The amount of data, and how often and how long each scenario measures. */
type Extent = {
  organizations: number;
  longNumbers: number;
  rounds: number;
  /** The length of one round of requests. */
  seconds: number;
};

const quickly: Extent = { organizations: 1_000, longNumbers: 100_000, rounds: 3, seconds: 0.3 };
const fully: Extent = { organizations: 10_000, longNumbers: 1_000_000, rounds: 5, seconds: 1 };

export const longOrganization = 'bench_long';

/** Starts all processes and fills the database with the data that the scenarios need. */
export async function openBench(
  options: { quick: boolean; verbose: boolean },
  needs: { organizations: boolean; long: boolean },
): Promise<Bench> {
  const extent = options.quick ? quickly : fully;
  const ours = await startOurs();
  const load = startLoad();
  const bare = startChild<Instruction, number>(`${import.meta.dirname}/bare.ts`);
  let taken = ranges.imports;
  const bench: Bench = {
    ...options,
    ...extent,
    ours,
    load,
    bare,
    takeNumbers(count) {
      taken += count;
      return taken - count;
    },
    async close() {
      await Promise.all([ours.remove(), load.end(), bare.end()]);
    },
  };
  try {
    if (needs.organizations) await addOrganizations(ours.pool, ours.tenant, 0, extent.organizations);
    if (needs.long) await addLong(ours.pool, ours.tenant, longOrganization, extent.longNumbers);
    await settle(ours.pool);
  } catch (error) {
    await bench.close();
    throw error;
  }
  return bench;
}

/** A complete HTTP request as text. */
export function requestOf(
  { key }: Ours,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body = '',
): string {
  const all = {
    Host: '127.0.0.1',
    'X-API-Key': key,
    ...headers,
    ...(body && { 'Content-Length': `${body.length}` }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

export const listPath = (organization: string): string =>
  `/v1/sms/phone-numbers?organization_id=${organization}`;

/** Our server's response to each path, with the headers that affect the cost of sending it again. */
export async function capture(bench: Bench, paths: string[]): Promise<StoredResponse[]> {
  const answers: StoredResponse[] = [];
  for (let from = 0; from < paths.length; from += 16) {
    const some = paths.slice(from, from + 16).map(path => captureOne(bench, path));
    answers.push(...(await Promise.all(some)));
  }
  return answers;
}

async function captureOne({ ours }: Bench, path: string): Promise<StoredResponse> {
  const headers = { 'x-api-key': ours.key, 'accept-encoding': 'identity' };
  const response = await fetch(`http://127.0.0.1:${ours.port}${path}`, { headers });
  const body = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${response.status} for ${path}`);
  const kept = ['content-type', 'content-length', 'etag'].flatMap(name => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return { url: path, headers: Object.fromEntries(kept), body };
}

export const parsed = (answer: StoredResponse) => JSON.parse(Buffer.from(answer.body).toString());

/** Does one job on our server. @throws Error if any response was wrong */
export const loadOurs = (bench: Bench, job: Omit<Job, 'port'>): Promise<Loaded> =>
  loadOn(bench, 'ours', bench.ours.pid, { ...job, port: bench.ours.port });

/** The same work for our server and for a bare one, in turn. The first round of each does not count. */
export async function againstBare(
  bench: Bench,
  instruction: Instruction,
  job: (round: number) => Omit<Job, 'port'>,
): Promise<{ ours: Loaded[]; bare: Loaded[] }> {
  const port = await bench.bare.ask(instruction);
  return alternate(bench.rounds, {
    ours: round => loadOurs(bench, job(round)),
    bare: round => loadOn(bench, 'bare', bench.bare.pid, { ...job(round), port }),
  });
}

/** Does each work in turn, `rounds` times. A first round of each does not count. */
export async function alternate<Name extends string, T>(
  rounds: number,
  work: Record<Name, (round: number) => Promise<T>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(work) as Name[];
  const results = Object.fromEntries(names.map(name => [name, [] as T[]])) as Record<Name, T[]>;
  for (let round = 0; round <= rounds; round++)
    for (const name of names) {
      const result = await work[name](round);
      if (round > 0) results[name].push(result);
    }
  return results;
}

/** @param pid of the server: `--verbose` prints its processor time beside that of the load */
export async function loadOn(
  { load, verbose }: Pick<Bench, 'load' | 'verbose'>,
  name: string,
  pid: number,
  job: Job,
): Promise<Loaded> {
  const before = cpuSeconds(pid);
  const loaded = await load.ask(job);
  if (loaded.wrong > 0) throw new Error(`${loaded.wrong} wrong answers of ${name}: ${loaded.complaint}`);
  if (verbose) {
    const share = (seconds: number) => `${Math.round((100 * seconds) / loaded.seconds)} %`;
    console.error(
      `    ${name.padEnd(5)} ${String(job.connections).padStart(4)} connections ${loaded.perSecond.toFixed(0).padStart(7)}/s`,
      `p50 ${loaded.whole.p50.toFixed(2)} ms, p99 ${loaded.whole.p99.toFixed(2)} ms;`,
      `of a core: server ${share(cpuSeconds(pid) - before)}, load ${share(loaded.cpu)}`,
    );
  }
  return loaded;
}

/** Outdates all cached bodies of these organizations. */
export async function outdate({ pool, tenant }: Ours, organizations: string[]): Promise<void> {
  await pool.query(
    'update organizations set revision = revision + 1 where tenant_id = $1 and unique_id = any($2)',
    [tenant, organizations],
  );
}
