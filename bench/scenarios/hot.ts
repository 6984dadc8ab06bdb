import { againstBare, type Bench, capture, listPath, parsed, requestOf } from '../bench.ts';
import { numbersEach, organizationAt } from '../data.ts';
import { compared, type Line } from '../figures.ts';

/** Few enough for every cache. */
const organizations = 64;
const seed = 1;
const bareServer = 'bare node:http, same bytes';

/** By number of connections, the reaches of requests a second and of p99. */
const loads = [
  { connections: 16, reach: { least: 0.45 }, reach99: { most: 4 } },
  { connections: 64, reach: { least: 0.55 }, reach99: undefined },
];

/** The same lists over and over, against a server that only sends them. */
export async function hotList(bench: Bench): Promise<Line[]> {
  const answers = await captureLists(bench);
  const requests = answers.map(({ url }) => requestOf(bench.ours, url));
  const bodyBytes = answers.map(({ body }) => body.length);
  const lines: Line[] = [];
  for (const { connections, reach, reach99 } of loads) {
    const job = { connections, requests, bodyBytes, seed, seconds: bench.seconds, status: 200 };
    const { ours, bare } = await againstBare(bench, { answers }, () => job);
    const perSecond = { ours: ours.map(o => o.perSecond), floor: bare.map(b => b.perSecond) };
    const what = `list of 100, hot, ${connections} connections`;
    lines.push(compared('hot', { what, unit: '/s', ...perSecond, against: bareServer }, reach));
    const p99 = { ours: ours.map(o => o.whole.p99), floor: bare.map(b => b.whole.p99) };
    const what99 = `its p99, ${connections} connections`;
    lines.push(compared('hot', { what: what99, unit: 'ms', ...p99, against: bareServer }, reach99));
  }
  return lines;
}

/** The same lists, when the client has them already. */
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

/** Our server's lists, each compared with the database. */
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
