import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { risingId } from '../../db/rising-id.ts';
import { activeUserOf } from '../../users/references.ts';
import { type EditableName, uniqueNames } from '../state.ts';

/* Decides which staged rows are imported, in the database. insert.ts then inserts the good ones. */

export type Counts = { rows: number; imported: number; rejected: number };

export const columns = (names: EditableName[], prefix = ''): RawBuilder<unknown> =>
  sql.raw(names.map(name => `${prefix}${name}, `).join(''));

/**
 * Fills the table `classified`: rejects bad rows, each for the first reason that applies, and numbers the good ones. It
 * takes one pass and one sort. Good rows get a place in the order of their numbers, and an id that rises with the place,
 * so that every index of phone_numbers grows at its end.
 * @param given the fields that at least one row gives
 */
export async function classifyRows(
  db: Db,
  caller: Caller,
  organizationId: string,
  given: EditableName[],
): Promise<Counts> {
  const user = activeUserOf(caller, sql`${organizationId}::uuid`, sql.ref('s.user_reference'));
  await sql`
    with found as (
      select s.line, s.input, s.phone_number, s.pretty, s.country, ${columns(given, 's.')}
             ${user.id} as user_id, ${user.uniqueId} as user_unique_id,
             case when s.error is not null then 'invalid'
                  when s.user_reference is not null and ${user.id} is null then 'unknown_user'
                  when n.id is not null then 'already_exists' end as code,
             coalesce(s.error, s.user_reference) as detail, n.organization_id as taken_by
      from staged s
      ${user.joins}
      left join phone_numbers n on n.tenant_id = ${caller.tenantId} and n.phone_number = s.phone_number and n.released_at is null
    ), compared as (
      select *, first_value(line) over (partition by code, phone_number order by line) as first_line from found
    ), placed as (
      select *, code is null and line = first_line as is_good,
             count(*) filter (where code is null and line = first_line)
               over (order by code, phone_number, line rows unbounded preceding) as place
      from compared
    )
    insert into classified (line, input, phone_number, pretty, country, ${columns(given)} user_id, user_unique_id, code, detail, first_line, taken_by, place, id)
    select line, input, phone_number, pretty, country, ${columns(given)} user_id, user_unique_id,
           case when not is_good then coalesce(code, 'duplicate_in_file') end, detail, first_line, taken_by,
           case when is_good then place end, case when is_good then ${risingId(sql.ref('place'))} end
    from placed`.execute(db);
  const unique = uniqueNames.filter(name => given.includes(name));
  for (const name of unique) await rejectTaken(db, caller, name);
  if (unique.length > 0) await closeGaps(db);
  return countRows(db);
}

/** Rejects rows whose value of a unique field is in use by another number or an earlier good row. */
async function rejectTaken(db: Db, caller: Caller, name: EditableName): Promise<void> {
  const value = sql.ref(name);
  await sql`
    update classified c set code = 'value_taken', place = null, detail = ${name} || ' ' || c.${value},
      first_line = case when not r.is_taken then r.first_line end
    from (
      select line, first_value(line) over (partition by ${value} order by line) as first_line, exists (
        select from phone_numbers n
        where n.tenant_id = ${caller.tenantId} and n.${value} = candidate.${value} and n.released_at is null) as is_taken
      from classified candidate where place is not null and ${value} is not null) r
    where c.line = r.line and (r.is_taken or r.first_line <> r.line)`.execute(db);
}

/** Renumbers the places of the good rows without gaps. */
export async function closeGaps(db: Db): Promise<void> {
  await sql`
    update classified c set place = closed.place
    from (select id, row_number() over (order by place) as place from classified where place is not null) closed
    where c.id = closed.id and c.place <> closed.place`.execute(db);
}

export async function countRows(db: Db): Promise<Counts> {
  const { rows } = await sql<{ rows: number; imported: number }>`
    select count(*) as rows, count(place) as imported from classified`.execute(db);
  const counts = rows[0]!;
  return { ...counts, rejected: counts.rows - counts.imported };
}
