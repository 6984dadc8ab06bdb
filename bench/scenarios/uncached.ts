import { rowsAtOnce } from '../../server/numbers/list/query.ts';
import { alternate, type Bench, listPath, loadOurs, outdate, requestOf } from '../bench.ts';
import { numbersEach, organizationAt } from '../data.ts';
import { compared, type Line } from '../figures.ts';
import { organizationIds, readList } from '../floors/list.ts';
import { connectionsToDatabase } from '../ours.ts';

/**
 * The lists of many organizations, each once, against the same statement in a bare loop. All cached bodies are outdated
 * before each round, so none is served.
 */
export async function uncachedList(bench: Bench): Promise<Line[]> {
  const { ours, organizations } = bench;
  const names = Array.from({ length: organizations }, (_, index) => organizationAt(index));
  const requests = names.map(name => requestOf(ours, listPath(name)));
  const ids = await organizationIds(ours.pool, ours.tenant, names);
  const perWalk = bench.quick ? 500 : 4_000;
  let start = 0;
  const measured = await alternate(bench.rounds, {
    ours: async () => {
      await outdate(ours, names);
      const job = { connections: connectionsToDatabase, requests, start, count: perWalk, status: 200 };
      return (await loadOurs(bench, job)).perSecond;
    },
    floor: async () => {
      const speed = await loop(bench, ids, start, perWalk);
      start = (start + perWalk) % organizations;
      return speed;
    },
  });
  const what = 'list of 100, never cached';
  const against = 'same statement, bare loop';
  return [compared('uncached', { what, unit: '/s', ...measured, against }, { least: 0.85 })];
}

async function loop({ ours }: Bench, ids: string[], start: number, count: number): Promise<number> {
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: connectionsToDatabase }, async () => {
      while (next < count) {
        const organizationId = ids[(start + next++) % ids.length]!;
        const { row_count } = await readList(ours.pool, { tenant: ours.tenant, organizationId }, rowsAtOnce);
        if (row_count !== numbersEach) throw new Error(`the statement found ${row_count} numbers`);
      }
    }),
  );
  return count / ((performance.now() - begun) / 1000);
}
