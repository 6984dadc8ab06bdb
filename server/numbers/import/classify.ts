import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { risingId } from '../../db/rising-id.ts';
import { activeUserOf } from '../../users/references.ts';
import { uniqueNames } from '../state.ts';
import type { StagedName } from './staging.ts';

/* Decides which staged rows are imported, in the database. insert.ts then inserts the new ones. */

export type Counts = {
  rows: number;
  /** New numbers. */
  imported: number;
  /** Numbers that were here and change. */
  updated: number;
  /** Numbers that were here and are the same. */
  unchanged: number;
  rejected: number;
};

export const columns = (names: StagedName[], prefix = ''): RawBuilder<unknown> =>
  sql.raw(names.map(name => `${prefix}${name}, `).join(''));

export type ClassifyOptions = { update: boolean; create_users: boolean; severalTargets: boolean };

/**
 * Fills the table `classified`: rejects bad rows, each for the first reason that applies, and numbers the new ones. It
 * takes one pass and one sort, or two if there are several organizations. New rows get a place in the order of their
 * organizations and numbers, and an id that rises with the place, so that every index of phone_numbers grows at its end.
 * @param given the fields that at least one row gives
 */
export async function classifyRows(
  db: Db,
  caller: Caller,
  given: StagedName[],
  { update, create_users, severalTargets }: ClassifyOptions,
): Promise<void> {
  const user = activeUserOf(caller, sql.ref('o.organization_id'), sql.ref('s.user_reference'));
  const mayBeNew = create_users
    ? sql`and (s.new_user_name is null or exists (
        select from users x where x.tenant_id = ${caller.tenantId} and x.organization_id = o.organization_id
          and lower(x.email) = lower(s.user_reference)))`
    : sql``;
  const elsewhere = update ? sql`and n.organization_id is distinct from o.organization_id` : sql``;
  const byTarget = severalTargets ? sql`target, ` : sql``;
  const reservation = given.includes('status')
    ? sql`case when is_good and status = 'reserved' then gen_random_uuid() end`
    : sql`null::uuid`;
  await sql`truncate classified`.execute(db);
  await sql`
    with found as (
      select s.line, s.input, s.phone_number, s.pretty, s.country, o.target, s.new_user_name, ${columns(given, 's.')}
             ${user.id} as user_id, ${user.uniqueId} as user_unique_id,
             case when s.error is not null then 'invalid'
                  when o.code is not null then o.code
                  when s.user_reference is not null and ${user.id} is null ${mayBeNew} then 'unknown_user'
                  when n.id is not null ${elsewhere} then 'already_exists' end as code,
             coalesce(s.error, o.problem, s.user_reference) as detail, n.organization_id as taken_by, n.id as existing
      from staged s
      left join named_organizations o on o.organization = s.organization
      ${user.joins}
      left join phone_numbers n on n.tenant_id = ${caller.tenantId} and n.phone_number = s.phone_number and n.released_at is null
    ), compared as (
      select *, first_value(line) over (partition by code, phone_number order by line) as first_line from found
    ), placed as (
      select *, code is null and line = first_line as is_good,
             count(*) filter (where code is null and line = first_line and existing is null)
               over (order by code, ${byTarget}phone_number, line rows unbounded preceding) as place
      from compared
    )
    insert into classified (line, input, phone_number, pretty, country, target, ${columns(given)} user_id, user_unique_id,
      new_user_name, code, detail, first_line, taken_by, existing, reservation_id, place, id)
    select line, input, phone_number, pretty, country, target, ${columns(given)} user_id, user_unique_id, new_user_name,
           case when not is_good then coalesce(code, 'duplicate_in_file') end, detail, first_line, taken_by,
           case when is_good then existing end, ${reservation},
           case when is_good and existing is null then place end,
           case when is_good and existing is null then ${risingId(sql.ref('place'))} end
    from placed`.execute(db);
  const unique = uniqueNames.filter(name => given.includes(name));
  for (const name of unique) await rejectTaken(db, caller, name);
  if (unique.length > 0) await closeGaps(db);
}

/** Rejects rows whose value of a unique field is in use by another number or an earlier good row. */
async function rejectTaken(db: Db, caller: Caller, name: StagedName): Promise<void> {
  const value = sql.ref(name);
  await sql`
    update classified c set code = 'value_taken', place = null, existing = null, detail = ${name} || ' ' || c.${value},
      first_line = case when not r.is_taken then r.first_line end
    from (
      select line, first_value(line) over (partition by ${value} order by line) as first_line, exists (
        select from phone_numbers n
        where n.tenant_id = ${caller.tenantId} and n.${value} = candidate.${value} and n.released_at is null
          and n.id is distinct from candidate.existing) as is_taken
      from classified candidate where code is null and ${value} is not null) r
    where c.line = r.line and (r.is_taken or r.first_line <> r.line)`.execute(db);
}

/** Renumbers the places of the new rows without gaps. */
export async function closeGaps(db: Db): Promise<void> {
  await sql`
    update classified c set place = closed.place
    from (select id, row_number() over (order by place) as place from classified where place is not null) closed
    where c.id = closed.id and c.place <> closed.place`.execute(db);
}

const counts = sql.raw(`count(*) as rows, count(place) as imported, count(code) as rejected,
  count(*) filter (where code is null and existing is not null and not is_equal) as updated,
  count(*) filter (where code is null and existing is not null and is_equal) as unchanged`);

export async function countRows(db: Db): Promise<Counts> {
  const { rows } = await sql<Counts>`select ${counts} from classified`.execute(db);
  return rows[0]!;
}

/** The counts of each organization. A row that is in none, because it is invalid, counts nowhere. */
export async function countByTarget(db: Db): Promise<Map<number, Counts>> {
  const { rows } = await sql<Counts & { target: number }>`
    select target, ${counts} from classified where target is not null group by target`.execute(db);
  return new Map(rows.map(({ target, ...row }) => [target, row]));
}
