import { setTimeout as sleep } from 'node:timers/promises';
import { rowsPerPiece } from '../../server/numbers/list/list.ts';
import { type Bench, listPath, loadOn, loadOurs, longOrganization, requestOf } from '../bench.ts';
import { bounded, compared, type Line } from '../figures.ts';
import { organizationIds, readList } from '../floors/list.ts';
import { peakMbDuring, residentMb } from '../machine.ts';

type Round = { memory: number; firstByte: number; seconds: number };

/** All numbers of a very large organization in one response. */
export async function longList(bench: Bench): Promise<Line[]> {
  const { longNumbers } = bench;
  const bytes = await checkWhole(bench);
  const port = await bench.bare.ask({ streamBytes: bytes });
  const ours: Round[] = [];
  const bare: Round[] = [];
  const pieces: number[] = [];
  for (let round = 0; round < Math.ceil(bench.rounds / 2); round++) {
    // Memory from earlier work would hide the memory that the list needs.
    await bench.ours.restart();
    await loadOurs(bench, { ...one(bench, 'bench_0'), status: 200 });
    await sleep(2_000);
    const job = { ...one(bench, longOrganization), bodyBytes: [bytes], status: 200 };
    ours.push(await listOnce(bench.ours.pid, () => loadOurs(bench, job)));
    bare.push(await listOnce(bench.bare.pid, () => loadOn(bench, 'bare', bench.bare.pid, { ...job, port })));
    pieces.push(await readPieces(bench));
  }
  const name = `list of ${longNumbers.toLocaleString('en-US')}`;
  const column = (what: string, unit: string, of: (round: Round) => number) => ({
    ...{ what: `${name}: ${what}`, unit, ours: ours.map(of), floor: bare.map(of) },
    against: 'bare node:http, as many bytes',
  });
  return [
    bounded(
      'long',
      column('memory above idle', 'MB', round => round.memory),
      { most: 64 },
    ),
    bounded(
      'long',
      column('time to first byte', 'ms', round => round.firstByte),
      { most: 100 },
    ),
    compared('long', {
      ...{
        what: `${name}: the whole of it`,
        unit: 's',
        ours: ours.map(round => round.seconds),
        floor: pieces,
      },
      against: 'same statement, bare loop',
    }),
  ];
}

const one = ({ ours }: Bench, organization: string) => ({
  connections: 1,
  requests: [requestOf(ours, listPath(organization))],
  count: 1,
});

async function listOnce(pid: number, list: () => ReturnType<typeof loadOurs>): Promise<Round> {
  const idle = residentMb(pid);
  const { peak, result } = await peakMbDuring(pid, list);
  return { memory: peak - idle, firstByte: result.firstByte.p50, seconds: result.seconds };
}

/** Checks that the list has all numbers. @returns its length in bytes */
async function checkWhole({ ours, longNumbers }: Bench): Promise<number> {
  const headers = { 'x-api-key': ours.key, 'accept-encoding': 'identity' };
  const url = `http://127.0.0.1:${ours.port}${listPath(longOrganization)}`;
  const response = await fetch(url, { headers });
  let bytes = 0;
  let end = '';
  for await (const piece of response.body!) {
    bytes += piece.length;
    end = (end + Buffer.from(piece).toString('latin1')).slice(-200);
  }
  if (!end.includes(`"count":${longNumbers},`))
    throw new Error(`the list of ${longNumbers} numbers ended in ${end}`);
  return bytes;
}

/** Reads the list's pieces through the driver, from one snapshot. @returns the seconds */
async function readPieces({ ours, longNumbers }: Bench): Promise<number> {
  const [organizationId] = await organizationIds(ours.pool, ours.tenant, [longOrganization]);
  const place = { tenant: ours.tenant, organizationId: organizationId! };
  const client = await ours.pool.connect();
  const begun = performance.now();
  await client.query('begin isolation level repeatable read read only');
  let count = 0;
  for (let row = await readList(client, place, rowsPerPiece); ; ) {
    count += Math.min(row.row_count, rowsPerPiece);
    if (row.row_count <= rowsPerPiece) break;
    row = await readList(client, place, rowsPerPiece, {
      value: row.last_number!,
      phone_number: row.last_number!,
    });
  }
  await client.query('commit');
  client.release();
  if (count !== longNumbers)
    throw new Error(`the statement found ${count} numbers instead of ${longNumbers}`);
  return (performance.now() - begun) / 1000;
}
