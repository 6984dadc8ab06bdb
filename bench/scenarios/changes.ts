import { alternate, type Bench, loadOurs, requestOf } from '../bench.ts';
import { compared, type Line } from '../figures.ts';
import { assignInSql, claimInSql } from '../floors/changes-sql.ts';
import { claimsByPgbench, pgbenchVersion } from '../floors/pgbench.ts';
import { numberInSql, ranges } from '../numbers.ts';
import { connectionsToDatabase, type Ours } from '../ours.ts';

const organizations = 64;

/** Each operation and side has organizations of its own, so that none empties another's pool. */
type Operation = 'claim' | 'assign';
type Side = 'ours' | 'floor' | 'pgbench';

/** The changes of a round. Fewer in one organization, where each change waits for the one before. */
const countFor = ({ quick }: Bench, spread: number): number => (quick ? 120 : 1_000) * (spread > 1 ? 2 : 1);

/** Claims and assignments, in one organization, which serializes them, and in many. */
export async function changes(bench: Bench): Promise<Line[]> {
  const pgbench = await pgbenchVersion();
  const free = await fill(bench, countFor(bench, organizations));
  const lines: Line[] = [];
  for (const operation of ['claim', 'assign'] as const)
    for (const spread of [1, organizations]) {
      const count = countFor(bench, spread);
      const measured = await alternate(bench.rounds, {
        ours: () => overHttp(bench, operation, spread, count, free),
        floor: () => inSql(bench, operation, spread, count, free),
        ...(operation === 'claim' && spread > 1 && pgbench
          ? { pgbench: () => claimsByPgbench(bench.ours, 'claim_pgbench_', spread, count) }
          : {}),
      } as Record<Side, () => Promise<number>>);
      const what = `${operation}s, ${spread === 1 ? 'one organization' : `${spread} organizations`}`;
      const line = { what, unit: '/s', ours: measured.ours };
      lines.push(
        compared('claims', { ...line, floor: measured.floor, against: 'same statements, bare loop' }),
      );
      if (measured.pgbench)
        lines.push(
          compared(
            'claims',
            { ...line, floor: measured.pgbench, against: 'pgbench, same transaction' },
            { least: 0.5 },
          ),
        );
    }
  return lines;
}

const nameOf = (operation: Operation, side: Side, index: number) => `${operation}_${side}_${index}`;

async function overHttp(
  bench: Bench,
  operation: Operation,
  spread: number,
  count: number,
  free: Free,
): Promise<number> {
  const type = { 'Content-Type': 'application/json' };
  const requests = Array.from({ length: count }, (_, index) => {
    const organization_id = nameOf(operation, 'ours', index % spread);
    return operation === 'claim'
      ? requestOf(
          bench.ours,
          '/v1/sms/phone-numbers/claim',
          type,
          'POST',
          JSON.stringify({ organization_id, user_id: 'user' }),
        )
      : requestOf(
          bench.ours,
          `/v1/sms/phone-numbers/${free.get(organization_id)!.pop()}/assign`,
          type,
          'POST',
          '{"user_id":"user"}',
        );
  });
  return (await loadOurs(bench, { connections: connectionsToDatabase, requests, count, status: 200 }))
    .perSecond;
}

async function inSql(
  { ours }: Bench,
  operation: Operation,
  spread: number,
  count: number,
  free: Free,
): Promise<number> {
  let next = 0;
  const once = () => {
    const organization = nameOf(operation, 'floor', next++ % spread);
    return operation === 'claim'
      ? claimInSql(ours.pool, ours.tenant, organization)
      : assignInSql(ours.pool, ours.tenant, free.get(organization)!.pop()!);
  };
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: connectionsToDatabase }, async () => {
      while (next < count) await once();
    }),
  );
  return count / ((performance.now() - begun) / 1000);
}

/** The available numbers of each organization. */
type Free = Map<string, string[]>;

/** Adds organizations, each with one user and a pool of numbers. */
async function fill(bench: Bench, count: number): Promise<Free> {
  const { pool, tenant }: Ours = bench.ours;
  const sides: [Operation, Side][] = [
    ['claim', 'ours'],
    ['claim', 'floor'],
    ['claim', 'pgbench'],
    ['assign', 'ours'],
    ['assign', 'floor'],
  ];
  const names = sides.flatMap(([operation, side]) =>
    Array.from({ length: organizations }, (_, index) => nameOf(operation, side, index)),
  );
  await pool.query(
    `with added as (
       insert into organizations (tenant_id, id, unique_id, name, revision, revised_at)
       select $1, uuidv7(), unnest($2::text[]), 'Company', 1, now() returning tenant_id, id)
     insert into users (tenant_id, organization_id, id, unique_id, name, email)
     select tenant_id, id, uuidv7(), 'user', 'User', 'user@example.com' from added`,
    [tenant, names],
  );
  const changes = count * (bench.rounds + 1);
  // pgbench draws its organizations at random, and so draws some more often than others.
  const each = Math.ceil((1.5 * changes) / organizations) + 50;
  const { rows } = await pool.query<{ organization: string; numbers: string[] }>(
    `with added as (
       insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, available_since, since_revision)
       select tenant_id, id, uuidv7(), ${numberInSql(`${ranges.changes} + i`)}, 'x', 'US', now(), 1
       from (
         select o.tenant_id, o.id, row_number() over () as i
         from organizations o, generate_series(1, $2::int + case when o.unique_id like '%\\_0' then $3::int else 0 end)
         where o.tenant_id = $4 and o.unique_id = any($1)) free
       returning organization_id, phone_number)
     select o.unique_id as organization, array_agg(a.phone_number) as numbers
     from added a join organizations o on o.id = a.organization_id group by o.unique_id`,
    // The first organization of each kind serves a whole measurement alone.
    [names, each, changes, tenant],
  );
  await pool.query('vacuum analyze');
  return new Map(rows.map(row => [row.organization, row.numbers]));
}
