import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import type { Holder, Portion } from './fair-share.ts';

/** Rows that become due. The names are constants of ours, never input. */
export type Due = {
  table: keyof Tables;
  /** The column with the moment; null in a row that nobody has to go on with. */
  due: string;
  /** What else is true of a row that is due. */
  condition?: RawBuilder<unknown>;
  /** By which column rows compete. An index begins with tenant_id, this column and `due`. Absent: the oldest is first. */
  holder?: 'carrier_account_id' | 'organization_id';
};

export type Shared = Due & Required<Pick<Due, 'holder'>>;

export type RowName = { tenant_id: string; id: string };

/**
 * Every holder with something due, the longest waiting first. Each look-up of the index leads to the next holder, so
 * this costs as much as there are holders with a moment, however many rows are due.
 */
export async function holdersDue(db: Db, { table, due, condition, holder }: Shared): Promise<Holder[]> {
  const [at, of] = [sql.ref(due), sql.ref(holder)];
  const first = (after: RawBuilder<unknown>) => sql`
    select tenant_id, ${of} as holder, ${at} as due from ${sql.table(table)}
    where ${at} is not null and ${condition ?? always} and ${after} order by tenant_id, ${of}, ${at} limit 1`;
  const { rows } = await sql<Holder>`
    with recursive found as (
      (${first(always)})
      union all
      select next.* from found
      cross join lateral (${first(sql`(tenant_id, ${of}) > (found.tenant_id, found.holder)`)}) next
    )
    select tenant_id, holder from found where due <= ${now} order by due`.execute(db);
  return rows;
}

/** What is due of one holder by then. */
export async function dueOf(
  db: Db,
  shared: Shared,
  { tenant_id, holder }: Holder,
  count: number,
  at: Date,
): Promise<RowName[]> {
  const whose = sql`tenant_id = ${tenant_id} and ${sql.ref(shared.holder)} = ${holder}`;
  return (await dueRows(shared, sql`${count}`, whose, sql`${at}::timestamptz`).execute(db)).rows;
}

/** Locks what is due for the rest of the transaction, for work that is done by then. @param at the moment, if not now */
export async function lockDue(tx: Db, due: Due, count: number, at?: Date): Promise<RowName[]> {
  return (await lockable(due, count, at).execute(tx)).rows;
}

/** The longest due, to be locked; each with its place. */
export const lockable = (due: Due, count: number, at?: Date) =>
  sql<RowName>`${dueRows(due, sql`${count}`, always, at && sql`${at}::timestamptz`)} ${unlessLocked}`;

/** So many of each holder, to be locked; each with its place. */
export function portionsOf(shared: Shared, portions: Portion[]) {
  const [tenants, holders] = [portions.map(one => one.tenant_id), portions.map(one => one.holder)];
  const whose = sql`tenant_id = portion.tenant and ${sql.ref(shared.holder)} = portion.holder`;
  return sql<RowName>`
    select mine.*
    from unnest(${tenants}::uuid[], ${holders}::uuid[], ${portions.map(one => one.count)}::int[])
      as portion (tenant, holder, count)
    cross join lateral (${dueRows(shared, sql`portion.count`, whose)} ${unlessLocked}) mine`;
}

const always = sql`true`;
/** Read once and not for each row, or no index could be used. */
const now = sql`(select clock_timestamp())`;
const unlessLocked = sql`for no key update skip locked`;

/** The comment keeps the statement from being prepared (db/prepared.ts): its plan must fit the table as it is now. */
const dueRows = (
  { table, due, condition = always }: Due,
  count: RawBuilder<unknown>,
  whose: RawBuilder<unknown>,
  at: RawBuilder<unknown> = now,
) => sql<RowName>`
  /* planned anew each time */
  select tenant_id, id, ctid as place from ${sql.table(table)}
  where ${whose} and ${sql.ref(due)} <= ${at} and ${condition} order by ${sql.ref(due)} limit ${count}`;
