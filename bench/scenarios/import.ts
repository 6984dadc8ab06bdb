import { randomUUIDv7 } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Bench } from '../bench.ts';
import { compared, type Line } from '../figures.ts';
import { createOrganization, importFile, nicknameAt, writeCsv, writeRows } from '../files.ts';

/** The import of a file over HTTP, against COPY of similar rows into the same table. */
export async function importRows(bench: Bench): Promise<Line[]> {
  const rows = bench.quick ? 50_000 : 1_000_000;
  const organization = await createOrganization(bench.ours, 'bench_import');
  const scratch = await createOrganization(bench.ours, 'bench_copy');
  const folder = await mkdtemp(join(tmpdir(), 'lk-bench-'));
  const [csv, copy] = [join(folder, 'numbers.csv'), join(folder, 'numbers.copy')];
  const ours: number[] = [];
  const floor: number[] = [];
  try {
    for (let round = 0; round < Math.ceil(bench.rounds / 2); round++) {
      await writeCsv(csv, bench.takeNumbers(rows), rows);
      ours.push(await secondsOf(() => importFile(bench.ours, 'bench_import', csv, rows)));
      const { tenant } = bench.ours;
      const at = new Date().toISOString();
      await writeRows(copy, bench.takeNumbers(rows), rows, (number, nth) => {
        const pretty = `+1 ${number.slice(2, 5)}-${number.slice(5, 8)}-${number.slice(8)}`;
        const nickname = nicknameAt(nth) || '\\N';
        return `${tenant}\t${scratch}\t${randomUUIDv7()}\t${number}\t${pretty}\tUS\t${nickname}\tavailable\t${at}\t2\t${at}\t${at}\n`;
      });
      floor.push(await secondsOf(() => copyIn(bench, copy)));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const { rows: found } = await bench.ours.pool.query(
    'select count(*) as count from phone_numbers where tenant_id = $1 and organization_id = $2',
    [bench.ours.tenant, organization],
  );
  if (found[0].count !== rows * ours.length)
    throw new Error(`${found[0].count} numbers came of ${ours.length} imports`);
  const what = `import of ${rows.toLocaleString('en-US')} rows`;
  return [compared('import', { what, unit: 's', ours, floor, against: 'raw COPY, same table' }, { most: 3 })];
}

async function copyIn({ ours }: Bench, file: string): Promise<void> {
  const client = await ours.pool.connect();
  try {
    const target = client.query(
      copyFrom(`copy phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, nickname,
        status, available_since, since_revision, created_at, modified_at) from stdin`),
    );
    await pipeline(createReadStream(file), target);
  } finally {
    client.release();
  }
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
