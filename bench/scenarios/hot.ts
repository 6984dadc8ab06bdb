import { againstBare, type Bench, capture, listPath, parsed, requestOf } from '../bench.ts';
import { numbersEach, organizationAt } from '../data.ts';
import { compared, type Line, spread } from '../figures.ts';
import type { Curve } from '../plot.ts';

/** As many as fit into any cache. */
const organizations = 64;
const seed = 1;
const bareServer = 'bare node:http, same bytes';

/** The list that is asked for again and again, at every load, against a server that has nothing to do but send it. */
export async function hotList(bench: Bench): Promise<{ lines: Line[]; curves: Curve[] }> {
  const answers = await captureLists(bench);
  const requests = answers.map(({ url }) => requestOf(bench.ours, url));
  const bodyBytes = answers.map(({ body }) => body.length);
  const lines: Line[] = [];
  const [ours50, ours99, bare50, bare99] = ['ours, p50', 'ours, p99', 'bare, p50', 'bare, p99'].map(
    (name): Curve => ({ name, points: [] }),
  ) as [Curve, Curve, Curve, Curve];
  for (const connections of bench.quick ? [1, 16, 64] : [1, 2, 4, 8, 16, 32, 64, 128]) {
    const job = { connections, requests, bodyBytes, seed, seconds: bench.seconds, status: 200 };
    const { ours, bare } = await againstBare(bench, { answers }, () => job);
    const p50 = { ours: ours.map(o => o.whole.p50), floor: bare.map(b => b.whole.p50) };
    const p99 = { ours: ours.map(o => o.whole.p99), floor: bare.map(b => b.whole.p99) };
    ours50.points.push([connections, spread(p50.ours).median]);
    ours99.points.push([connections, spread(p99.ours).median]);
    bare50.points.push([connections, spread(p50.floor).median]);
    bare99.points.push([connections, spread(p99.floor).median]);
    if (connections !== 16 && connections !== 64) continue;
    const perSecond = { ours: ours.map(o => o.perSecond), floor: bare.map(b => b.perSecond) };
    const what = `list of 100, hot, ${connections} connections`;
    const reach = { least: connections === 16 ? 0.45 : 0.55 };
    lines.push(compared('hot', { what, unit: '/s', ...perSecond, against: bareServer }, reach));
    const reach99 = connections === 16 ? { most: 4 } : undefined;
    lines.push(
      compared(
        'hot',
        { what: `its p99, ${connections} connections`, unit: 'ms', ...p99, against: bareServer },
        reach99,
      ),
    );
  }
  return { lines, curves: [ours99, ours50, bare99, bare50] };
}

/** The same list, when the client has it already. */
export async function unchangedList(bench: Bench): Promise<Line[]> {
  const answers = await captureLists(bench);
  const requests = answers.map(({ url, headers }) =>
    requestOf(bench.ours, url, { 'If-None-Match': headers.etag! }),
  );
  const job = { connections: 16, requests, seed, seconds: bench.seconds, status: 304 };
  const { ours, bare } = await againstBare(bench, { answers }, () => job);
  const perSecond = { ours: ours.map(o => o.perSecond), floor: bare.map(b => b.perSecond) };
  const what = 'list of 100, If-None-Match';
  return [
    compared(
      'unchanged',
      { what, unit: '/s', ...perSecond, against: 'bare node:http, 304' },
      { least: 0.45 },
    ),
  ];
}

/** The lists as our server answers them, each compared with the database. */
export async function captureLists(bench: Bench) {
  const answers = await capture(
    bench,
    Array.from({ length: organizations }, (_, index) => listPath(organizationAt(index))),
  );
  const { rows } = await bench.ours.pool.query<{ numbers: string[] }>(
    `select array_agg(n.phone_number order by n.phone_number) as numbers
     from phone_numbers n join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
     where o.tenant_id = $1 and o.unique_id = any($2) and n.released_at is null
     group by o.unique_id order by array_position($2, o.unique_id)`,
    [bench.ours.tenant, answers.map((_, index) => organizationAt(index))],
  );
  for (const [index, answer] of answers.entries()) {
    const listed = parsed(answer).phone_numbers.map(
      (number: { phone_number: string }) => number.phone_number,
    );
    if (listed.length !== numbersEach || listed.join() !== rows[index]!.numbers.join())
      throw new Error(`the list of ${answer.url} is not what the database has`);
  }
  return answers;
}
