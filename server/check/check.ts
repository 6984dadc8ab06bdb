import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import { isOverdue } from '../charges/weekly.ts';
import type { Database, Db } from '../db/database.ts';
import { holdersCounted, numbersCounted } from '../numbers/counts.ts';
import { stateNames } from '../numbers/state.ts';
import { week } from '../tenants/weekly-fee.ts';
import { emptyReplay, type ReplayedState, replay } from './replay.ts';

/** One contradiction; `organization` is its unique_id. */
export type Finding = { organization: string; problem: string };

export type CheckReport = { organizations: number; events: number; numbers: number; findings: Finding[] };

type Organization = { tenant_id: string; id: string; unique_id: string; revision: number };

const eventsPerRead = 2000;

/**
 * Looks for contradictions in a database. It reads one snapshot and changes nothing, so the database may be in use.
 * It replays the log of each organization and compares the result with the tables. Then it checks the tables against
 * each other.
 * @param tenantId checks only this tenant
 */
export async function check(database: Database, tenantId: string | null = null): Promise<CheckReport> {
  const session = await database.openSession();
  try {
    return await session.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async tx => {
        const report: CheckReport = { organizations: 0, events: 0, numbers: 0, findings: [] };
        const organizations = await tx
          .selectFrom('organizations')
          .select(['tenant_id', 'id', 'unique_id', 'revision'])
          .$if(tenantId !== null, query => query.where('tenant_id', '=', tenantId!))
          .execute();
        for (const organization of organizations) {
          report.organizations++;
          await checkLog(tx, organization, report);
        }
        await checkTables(tx, tenantId, report);
        await checkCounts(tx, tenantId, report);
        return report;
      });
  } finally {
    await session.end();
  }
}

async function checkLog(db: Db, organization: Organization, report: CheckReport): Promise<void> {
  const found = (problem: string) => report.findings.push({ organization: organization.unique_id, problem });
  const state = emptyReplay();
  let last = { revision: 0, ordinal: 0 };
  for (;;) {
    const events = await readNextEvents(db, organization, last);
    for (const event of events) {
      report.events++;
      const next = event.revision === last.revision + 1 && event.ordinal === 0;
      const same =
        last.revision > 0 && event.revision === last.revision && event.ordinal === last.ordinal + 1;
      if (!next && !same) {
        found(`the log goes from ${last.revision}.${last.ordinal} to ${event.revision}.${event.ordinal}`);
      }
      last = { revision: event.revision, ordinal: event.ordinal };
      try {
        for (const { type, data } of await itemsOf(db, organization, event))
          replay(state, type, data, event.revision);
      } catch (error) {
        found(`revision ${event.revision}, ${event.type}: ${(error as Error).message}`);
      }
    }
    if (events.length < eventsPerRead) break;
  }
  if (last.revision !== organization.revision) {
    found(`the organization is at revision ${organization.revision}, its log at ${last.revision}`);
  }
  const ahead = await revisionAhead(db, organization);
  if (ahead)
    found(
      `revision ${ahead.revision} is of ${ahead.at.toISOString()}, which is in the future: a clock was wrong`,
    );
  report.numbers += state.numbers.size;
  for (const problem of await compare(db, organization, state)) found(problem);
}

/** The latest revision that is dated after now. Clocks of servers may differ by some minutes. */
const revisionAhead = (db: Db, { tenant_id, id }: Organization) =>
  db
    .selectFrom('events')
    .select(['revision', 'at'])
    .where('tenant_id', '=', tenant_id)
    .where('organization_id', '=', id)
    .where('at', '>', sql<Date>`clock_timestamp() + interval '1 hour'`)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst();

type LoggedEvent = { revision: number; ordinal: number; type: string; data: Record<string, unknown> };

async function readNextEvents(
  db: Db,
  { tenant_id, id }: Organization,
  after: { revision: number; ordinal: number },
): Promise<LoggedEvent[]> {
  const { rows } = await sql<LoggedEvent>`
    select revision, ordinal, type, data from events
    where tenant_id = ${tenant_id} and organization_id = ${id} and (revision, ordinal) > (${after.revision}, ${after.revision === 0 ? -1 : after.ordinal})
    order by revision, ordinal limit ${eventsPerRead}`.execute(db);
  return rows;
}

const bulkEvents = ['numbers.imported', 'numbers.changed', 'numbers.adopted'];

/** A bulk event stands for the items of its batch, and has their count. */
async function itemsOf(db: Db, { tenant_id }: Organization, { type, data }: LoggedEvent) {
  if (!bulkEvents.includes(type)) return [{ type, data }];
  const pieces = await db
    .selectFrom('batch_items')
    .select('items')
    .where('tenant_id', '=', tenant_id)
    .where('batch_id', '=', String(data.batch_id))
    .orderBy('piece')
    .execute();
  const items = pieces.flatMap(piece => piece.items as (Record<string, unknown> & { type?: string })[]);
  if (items.length !== data.count)
    throw new Error(`its batch has ${items.length} items instead of ${data.count}`);
  return items.map(({ type = 'number.added', ...item }) => ({ type, data: item }));
}

const stateColumns = sql.raw(stateNames.map(name => `x.${name}`).join(', '));

async function compare(db: Db, { tenant_id, id }: Organization, state: ReplayedState): Promise<string[]> {
  const where = sql`where x.tenant_id = ${tenant_id} and x.organization_id = ${id}`;
  const organization = await sql<Record<string, unknown>>`
    select unique_id, name, contact_email, status, sms_active, sms_registration_status, carrier_account_id,
           monthly_spending_cap, messaging_service_id, campaign_id
    from organizations where tenant_id = ${tenant_id} and id = ${id}`.execute(db);
  const users = await sql<Record<string, unknown>>`
    select id, unique_id, name, email, phone, permission, status from users x ${where}`.execute(db);
  const numbers = await sql<Record<string, unknown>>`
    select x.id, x.phone_number, ${stateColumns}, u.unique_id as user_id, a.from_revision as assigned_in
    from phone_numbers x
    left join assignments a on a.tenant_id = x.tenant_id and a.phone_number_id = x.id and a.ended_at is null
    left join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
    ${where}`.execute(db);
  const orders = await sql<Record<string, unknown>>`
    select id, id as unique_id, case when finished_at is null then 'open' else status end as status from orders x ${where}`.execute(
    db,
  );
  return [
    ...differences('organization', state.organization, organization.rows[0]!),
    ...compareAll('user', state.users, users.rows),
    ...compareAll('number', state.numbers, numbers.rows),
    ...compareAll('order', state.orders, orders.rows),
  ];
}

function compareAll(
  noun: string,
  logged: Map<string, Record<string, unknown>>,
  rows: Record<string, unknown>[],
): string[] {
  const problems: string[] = [];
  const missing = new Map(logged);
  for (const { id, ...row } of rows) {
    const name = `${noun} ${row.phone_number ?? row.unique_id}`;
    const record = logged.get(String(id));
    missing.delete(String(id));
    if (!record) problems.push(`${name} is in the tables and not in the log`);
    else problems.push(...differences(name, record, row));
  }
  for (const record of missing.values()) {
    problems.push(`${noun} ${record.phone_number ?? record.unique_id} is in the log and not in the tables`);
  }
  return problems;
}

function differences(name: string, logged: Record<string, unknown>, row: Record<string, unknown>): string[] {
  return Object.entries(row).flatMap(([field, value]) => {
    const stored = value instanceof Date ? value.toISOString() : value;
    if (isDeepStrictEqual(logged[field], stored)) return [];
    return [
      `${name}: ${field} is ${JSON.stringify(stored)} in the tables and ${JSON.stringify(logged[field])} in the log`,
    ];
  });
}

/** Checks the tables against each other. Constraints ensure most of this already, unless an index is damaged. */
async function checkTables(db: Db, tenantId: string | null, report: CheckReport): Promise<void> {
  const { rows } = await sql<Finding>`
    select o.unique_id as organization, f.problem from (
      select n.tenant_id, n.organization_id, n.phone_number || ' has ' || count(a.id) || ' open assignments and is ' || n.status as problem
      from phone_numbers n
      left join assignments a on a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.ended_at is null
      group by n.tenant_id, n.id having count(a.id) <> case when n.status = 'assigned' then 1 else 0 end
      union all
      select tenant_id, (array_agg(organization_id))[1], phone_number || ' has ' || count(*) || ' live records'
      from phone_numbers where released_at is null group by tenant_id, phone_number having count(*) > 1
      union all
      select tenant_id, organization_id, phone_number || ' was two things at revision ' || from_revision
      from (
        select *, lag(to_revision) over (partition by tenant_id, organization_id, phone_number_id order by to_revision) as before
        from number_versions) v
      where from_revision < before or from_revision >= to_revision
      union all
      select n.tenant_id, n.organization_id, n.phone_number || ' is of revision ' || n.since_revision || ', and the organization at ' || o.revision
      from phone_numbers n join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
      where n.since_revision > o.revision or n.since_revision < 1
      union all
      select tenant_id, organization_id, phone_number || ' was charged for overlapping weeks, from ' || ${inUtc('before')} || ' and from ' || ${inUtc('period_start')}
      from (
        select *, lag(period_start) over (partition by tenant_id, phone_number_id order by period_start) as before
        from charges where type = 'number.weekly_fee') c
      where period_start < before + ${week}
      union all
      select tenant_id, organization_id, 'weekly fees of ' || count(*) || case when count(*) = 1 then ' number' else ' numbers' end
        || ' are not charged, the first from ' || ${inUtc('first')} || ': if the clock is right, run linekeeper charge-weeks'
      from (select *, min(next_fee_at) over (partition by tenant_id, organization_id) as first from phone_numbers where ${isOverdue}) n
      group by tenant_id, organization_id, first
      union all
      select c.tenant_id, c.organization_id, c.phone_number || ' was charged for a week from ' || ${inUtc('c.period_start')} || ', after its release'
      from charges c join phone_numbers n on n.tenant_id = c.tenant_id and n.id = c.phone_number_id
      where c.type = 'number.weekly_fee' and c.period_start > n.released_at
    ) f join organizations o on o.tenant_id = f.tenant_id and o.id = f.organization_id
    where ${tenantId}::uuid is null or f.tenant_id = ${tenantId}`.execute(db);
  report.findings.push(...rows);
}

/** Compares the counts that triggers keep with what they count. Only a statement that ran without triggers makes them wrong. */
async function checkCounts(db: Db, tenantId: string | null, report: CheckReport): Promise<void> {
  const { rows } = await sql<Finding>`
    select o.unique_id as organization, 'the summary counts ' || f.kept || ' ' || f.what || ' instead of ' || f.right as problem
    from (
      select tenant_id, organization_id, coalesce(k.count, 0) as kept, coalesce(c.count, 0) as right,
        status || ' numbers with the area code ' || coalesce(nullif(area_code, ''), 'null') as what
      from number_counts k full join (${sql.raw(numbersCounted)}) c using (tenant_id, organization_id, area_code, status)
      union all
      select tenant_id, organization_id, coalesce(k.count, 0), coalesce(c.count, 0), 'numbers of ' || u.unique_id
      from holder_counts k full join (${sql.raw(holdersCounted)}) c using (tenant_id, organization_id, user_id)
      join users u using (tenant_id, organization_id) where u.id = user_id
    ) f join organizations o on o.tenant_id = f.tenant_id and o.id = f.organization_id
    where f.kept <> f.right and (${tenantId}::uuid is null or f.tenant_id = ${tenantId})`.execute(db);
  report.findings.push(...rows);
}

/** Formats a moment like the API, in any time zone of the session. */
const inUtc = (column: string) =>
  sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
