import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import type { Holder, Portion } from './fair-share.ts';

/** Describes the due rows of a table. Table and column names are constants, never input. */
export type Due = {
  table: keyof Tables;
  /** The column with the time when the row is due. Null: never. */
  due: string;
  /** A further condition on due rows. */
  condition?: RawBuilder<unknown>;
  /** Rows are shared out fairly by this column. Needs an index on (tenant_id, holder, due). Absent: oldest row first. */
  holder?: 'carrier_account_id' | 'organization_id';
};

export type Shared = Due & Required<Pick<Due, 'holder'>>;

export type RowName = { tenant_id: string; id: string };

/**
 * Every holder with a due row, longest waiting first. The recursion skips from holder to holder in the index, so the
 * cost grows with the holders, not with the due rows.
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

/** The due rows of one holder at that time, oldest first. */
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

/** Locks due rows until the transaction ends, for work inside that transaction. @param at the time, now by default */
export async function lockDue(tx: Db, due: Due, count: number, at?: Date): Promise<RowName[]> {
  return (await lockDueRows(due, count, at).execute(tx)).rows;
}

/** Selects and locks the oldest due rows, with their ctid as `place`. */
export const lockDueRows = (due: Due, count: number, at?: Date) =>
  sql<RowName>`${dueRows(due, sql`${count}`, always, at && sql`${at}::timestamptz`)} ${unlessLocked}`;

/** Selects and locks a portion of due rows for each holder, with their ctid as `place`. */
export function lockPortions(shared: Shared, portions: Portion[]) {
  const [tenants, holders] = [portions.map(one => one.tenant_id), portions.map(one => one.holder)];
  const whose = sql`tenant_id = portion.tenant and ${sql.ref(shared.holder)} = portion.holder`;
  return sql<RowName>`
    select mine.*
    from unnest(${tenants}::uuid[], ${holders}::uuid[], ${portions.map(one => one.count)}::int[])
      as portion (tenant, holder, count)
    cross join lateral (${dueRows(shared, sql`portion.count`, whose)} ${unlessLocked}) mine`;
}

const always = sql`true`;
/** A subquery, so that PostgreSQL reads the clock once and can use the index. */
const now = sql`(select clock_timestamp())`;
const unlessLocked = sql`for no key update skip locked`;

/** The SQL comment tells db/prepared.ts not to prepare the statement: its plan must fit the current size of the table. */
const dueRows = (
  { table, due, condition = always }: Due,
  count: RawBuilder<unknown>,
  whose: RawBuilder<unknown>,
  at: RawBuilder<unknown> = now,
) => sql<RowName>`
  /* planned anew each time */
  select tenant_id, id, ctid as place from ${sql.table(table)}
  where ${whose} and ${sql.ref(due)} <= ${at} and ${condition} order by ${sql.ref(due)} limit ${count}`;
