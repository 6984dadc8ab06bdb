import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db, Tx } from '../../db/database.ts';
import { risingId } from '../../db/rising-id.ts';
import type { Revision } from '../../revisions/revise.ts';
import { type EditableName, emptyState, field, uniqueNames } from '../state.ts';

/* What becomes of the staged rows: judged in the database, then taken in the order of their numbers. */

export type Counts = { rows: number; imported: number; rejected: number };

const itemsPerPiece = 1000;

const columns = (names: EditableName[], prefix = ''): RawBuilder<unknown> =>
  sql.raw(names.map(name => `${prefix}${name}, `).join(''));

/** What a row does not say is empty. */
const valuesOf = (names: EditableName[]): RawBuilder<unknown> =>
  sql.raw(
    names
      .map(name => (emptyState[name] === null ? `${name}, ` : `coalesce(${name}, ${emptyOf(name)}), `))
      .join(''),
  );

function emptyOf(name: EditableName): string {
  const { column } = field(name);
  return column === 'boolean' ? String(emptyState[name]) : `'{}'::${column}`;
}

/** An item of the batch: what arrivalOf() in life/arrivals.ts says of a number. */
const itemOf = (names: EditableName[]): RawBuilder<unknown> =>
  sql.raw(
    names
      .filter(name => name !== 'nickname')
      .reduce(
        (item, name) =>
          `${item} || case when ${name} is null then '{}' else jsonb_build_object('${name}', ${name}) end`,
        `jsonb_build_object('id', id, 'phone_number', phone_number, 'nickname', ${names.includes('nickname') ? 'nickname' : 'null'}, 'user_id', user_unique_id)`,
      ),
  );

/**
 * Says of each row what becomes of it as the database stands now; the first reason that applies is the one given.
 * One pass and one sort: what is right comes out in the order of its numbers, with its place in it and an id that rises
 * with it, so that every index of phone_numbers grows at its end.
 * @param given the fields that the rows say something of
 */
export async function judge(
  db: Db,
  caller: Caller,
  organizationId: string,
  given: EditableName[],
): Promise<Counts> {
  const active = (user: string) => sql`${sql.ref(`${user}.tenant_id`)} = ${caller.tenantId}
    and ${sql.ref(`${user}.organization_id`)} = ${organizationId} and ${sql.ref(`${user}.status`)} = 'active'`;
  await sql`
    with found as (
      select s.line, s.input, s.phone_number, s.pretty, s.country, ${columns(given, 's.')}
             coalesce(by_id.id, by_email.id) as user_id, coalesce(by_id.unique_id, by_email.unique_id) as user_unique_id,
             case when s.error is not null then 'invalid'
                  when s.user_reference is not null and by_id.id is null and by_email.id is null then 'unknown_user'
                  when n.id is not null then 'already_exists' end as code,
             coalesce(s.error, s.user_reference) as detail, n.organization_id as taken_by
      from staged s
      left join users by_id on ${active('by_id')} and by_id.unique_id = s.user_reference
      left join users by_email on ${active('by_email')} and lower(by_email.email) = lower(s.user_reference)
      left join phone_numbers n on n.tenant_id = ${caller.tenantId} and n.phone_number = s.phone_number and n.released_at is null
    ), compared as (
      select *, first_value(line) over (partition by code, phone_number order by line) as first_line from found
    ), placed as (
      select *, code is null and line = first_line as is_right,
             count(*) filter (where code is null and line = first_line)
               over (order by code, phone_number, line rows unbounded preceding) as place
      from compared
    )
    insert into judged (line, input, phone_number, pretty, country, ${columns(given)} user_id, user_unique_id, code, detail, first_line, taken_by, place, id)
    select line, input, phone_number, pretty, country, ${columns(given)} user_id, user_unique_id,
           case when not is_right then coalesce(code, 'duplicate_in_file') end, detail, first_line, taken_by,
           case when is_right then place end, case when is_right then ${risingId(sql.ref('place'))} end
    from placed`.execute(db);
  const unique = uniqueNames.filter(name => given.includes(name));
  for (const name of unique) await rejectTaken(db, caller, name);
  if (unique.length > 0) await closeGaps(db);
  return countRows(db);
}

/** Rejects rows whose value of a unique field another number has, or an earlier row that is right. */
async function rejectTaken(db: Db, caller: Caller, name: EditableName): Promise<void> {
  const value = sql.ref(name);
  await sql`
    update judged j set code = 'value_taken', place = null, detail = ${name} || ' ' || j.${value},
      first_line = case when not r.is_taken then r.first_line end
    from (
      select line, first_value(line) over (partition by ${value} order by line) as first_line, exists (
        select from phone_numbers n
        where n.tenant_id = ${caller.tenantId} and n.${value} = k.${value} and n.released_at is null) as is_taken
      from judged k where place is not null and ${value} is not null) r
    where j.line = r.line and (r.is_taken or r.first_line <> r.line)`.execute(db);
}

/** Adds what is right. In one order, so that two imports that meet in their numbers wait instead of deadlocking. */
export async function take(
  { tx, organization, number, at }: Revision,
  caller: Caller,
  judged: Counts,
  given: EditableName[],
): Promise<Counts> {
  // Without these the planner would sort what lies in its order already.
  await sql`create index judged_place on judged (place) where place is not null`.execute(tx);
  await sql`analyze judged (place)`.execute(tx);
  const taken = await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, ${columns(given)} status, available_since, since_revision, created_at, modified_at)
    select ${caller.tenantId}, ${organization.id}, id, phone_number, pretty, country, ${valuesOf(given)}
           case when user_id is null then 'available' else 'assigned' end, case when user_id is null then ${at}::timestamptz end,
           ${number}, ${at}, ${at}
    from judged where place is not null order by place
    on conflict (tenant_id, phone_number) where released_at is null do nothing`.execute(tx);
  const isShort = Number(taken.numAffectedRows) < judged.imported;
  if (isShort) await rejectTakenMeanwhile(tx, caller);
  await sql`
    insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
    select ${caller.tenantId}, ${organization.id}, ${risingId(sql.ref('place'))}, id, user_id, ${at}, ${number}
    from judged where place is not null and user_id is not null order by place`.execute(tx);
  return isShort ? countRows(tx) : judged;
}

/** Rejects the numbers that others took between the judgement and the insertion. */
async function rejectTakenMeanwhile(tx: Tx, caller: Caller): Promise<void> {
  // Both imports may have come to an empty table, of which the planner would still think so and compare all with all.
  await sql`analyze phone_numbers`.execute(tx);
  await sql`
    update judged j set code = 'already_exists', place = null, taken_by = (
      select n.organization_id from phone_numbers n
      where n.tenant_id = ${caller.tenantId} and n.phone_number = j.phone_number and n.released_at is null)
    where place is not null and not exists (select from phone_numbers n where n.tenant_id = ${caller.tenantId} and n.id = j.id)`.execute(
    tx,
  );
  await closeGaps(tx);
}

/** Gives the rows that are still right their places without a gap. */
async function closeGaps(db: Db): Promise<void> {
  await sql`
    update judged j set place = closed.place
    from (select id, row_number() over (order by place) as place from judged where place is not null) closed
    where j.id = closed.id and j.place <> closed.place`.execute(db);
}

/** Keeps what the event stands for, so that the log can be replayed without the tables. */
export async function keepItems(
  { tx, organization }: Revision,
  caller: Caller,
  batchId: string,
  count: number,
  given: EditableName[],
): Promise<void> {
  await sql`
    insert into batch_items (tenant_id, organization_id, batch_id, piece, items)
    select ${caller.tenantId}, ${organization.id}, ${batchId}, piece, items
    from generate_series(0, (${count}::int - 1) / ${itemsPerPiece}::int) as piece
    cross join lateral (
      select jsonb_agg(${itemOf(given)} order by place) as items
      from judged where place > piece * ${itemsPerPiece}::int and place <= (piece + 1) * ${itemsPerPiece}::int) taken`.execute(
    tx,
  );
}

async function countRows(db: Db): Promise<Counts> {
  const { rows } = await sql<{ rows: number; imported: number }>`
    select count(*) as rows, count(place) as imported from judged`.execute(db);
  const counts = rows[0]!;
  return { ...counts, rejected: counts.rows - counts.imported };
}
