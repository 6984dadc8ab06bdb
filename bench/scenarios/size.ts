import type { Loaded } from '../../server/testing/load/load.ts';
import { alternate, type Bench, listPath, loadOn, outdate, requestOf } from '../bench.ts';
import { addOrganizations, numbersEach, organizationAt, settle } from '../data.ts';
import { compared, type Line } from '../figures.ts';
import { type Ours, startOurs } from '../ours.ts';

const listsPerRound = 800;

/** The same list from a small database and from a growing one, in turn. */
export async function size(bench: Bench): Promise<Line[]> {
  const [smallest, ...larger] = bench.quick ? [50, 500] : [1_000, 10_000, 100_000];
  const small = await startOurs();
  const grown = await startOurs();
  const lines: Line[] = [];
  try {
    await addOrganizations(small.pool, small.tenant, 0, smallest!);
    await settle(small.pool);
    let have = 0;
    for (const organizations of larger) {
      await addOrganizations(grown.pool, grown.tenant, have, organizations);
      await settle(grown.pool);
      have = organizations;
      const numbers = (organizations * numbersEach).toLocaleString('en-US');
      for (const [name, measure] of Object.entries({ 'never cached': neverCached, hot })) {
        const measured = await alternate(bench.rounds, {
          ours: round => measure(bench, grown, organizations, round),
          floor: round => measure(bench, small, smallest!, round),
        });
        const what = `p50 of a list of 100, ${name}, at ${numbers} numbers`;
        const against = `at ${(smallest! * numbersEach).toLocaleString('en-US')}`;
        const reach = organizations === 100_000 ? { most: 1.2 } : undefined;
        lines.push(compared('size', { what, unit: 'ms', ...measured, against }, reach));
      }
    }
  } finally {
    await Promise.all([small.remove(), grown.remove()]);
  }
  return lines;
}

/** Organizations from all parts of the table, other ones in each round. */
async function neverCached(bench: Bench, ours: Ours, organizations: number, round: number): Promise<number> {
  const stride = 7_919;
  const names = Array.from({ length: Math.min(listsPerRound, organizations) }, (_, nth) =>
    organizationAt(((nth + round * listsPerRound) * stride) % organizations),
  );
  await outdate(ours, names);
  return (await list(bench, ours, names, { count: names.length })).whole.p50;
}

async function hot(bench: Bench, ours: Ours, organizations: number): Promise<number> {
  const names = Array.from({ length: 64 }, (_, nth) =>
    organizationAt(Math.floor((nth * organizations) / 64)),
  );
  return (await list(bench, ours, names, { seconds: bench.seconds })).whole.p50;
}

function list(
  bench: Bench,
  ours: Ours,
  names: string[],
  until: { count?: number; seconds?: number },
): Promise<Loaded> {
  const requests = names.map(name => requestOf(ours, listPath(name)));
  return loadOn(bench, 'ours', ours.pid, {
    port: ours.port,
    connections: 16,
    requests,
    ...until,
    status: 200,
  });
}
