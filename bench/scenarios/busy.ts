import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLoad } from '../../server/testing/load/start.ts';
import { alternate, type Bench, listPath, loadOurs, longOrganization, requestOf } from '../bench.ts';
import { compared, type Line } from '../figures.ts';
import { createOrganization, importFile, writeCsv } from '../files.ts';
import { captureLists } from './hot.ts';

/** The hot list while another client reads a long list and imports a file, against the hot list alone. */
export async function hotListWhileBusy(bench: Bench): Promise<Line[]> {
  const answers = await captureLists(bench);
  const requests = answers.map(({ url }) => requestOf(bench.ours, url));
  const bodyBytes = answers.map(({ body }) => body.length);
  const job = { connections: 16, requests, bodyBytes, seed: 3, seconds: 2 * bench.seconds, status: 200 };
  const hot = () => loadOurs(bench, job);
  const organization = 'bench_busy';
  await createOrganization(bench.ours, organization);
  const folder = await mkdtemp(join(tmpdir(), 'lk-bench-'));
  try {
    const { quiet, busy } = await alternate(bench.rounds, {
      quiet: hot,
      busy: () => meanwhile(bench, organization, join(folder, 'numbers.csv'), hot),
    });
    const p50 = { ours: busy.map(b => b.whole.p50), floor: quiet.map(q => q.whole.p50) };
    const p99 = { ours: busy.map(b => b.whole.p99), floor: quiet.map(q => q.whole.p99) };
    const against = 'the same in quiet';
    return [
      compared(
        'busy',
        { what: 'p99 of the hot list during a long list and an import', unit: 'ms', ...p99, against },
        { most: 3 },
      ),
      compared('busy', { what: 'its p50', unit: 'ms', ...p50, against }),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function meanwhile<T>(
  bench: Bench,
  organization: string,
  file: string,
  work: () => Promise<T>,
): Promise<T> {
  const reader = startLoad();
  let done = false;
  const rows = bench.quick ? 10_000 : 100_000;
  async function read() {
    const requests = [requestOf(bench.ours, listPath(longOrganization))];
    while (!done) {
      const list = await reader.ask({
        port: bench.ours.port,
        connections: 1,
        requests,
        count: 1,
        status: 200,
      });
      if (list.wrong > 0) throw new Error(list.complaint);
    }
  }
  async function bringIn() {
    while (!done) {
      await writeCsv(file, bench.takeNumbers(rows), rows);
      await importFile(bench.ours, organization, file, rows);
    }
  }
  const background = Promise.all([read(), bringIn()]);
  try {
    const [result] = await Promise.all([
      work().finally(() => {
        done = true;
      }),
      background,
    ]);
    return result;
  } finally {
    await reader.end();
  }
}
