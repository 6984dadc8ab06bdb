import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { type Holder, type Portion, shareOut } from './fair-share.ts';

/*
 * A row says when somebody is to go on with it. A server takes the row by setting that moment ahead, works outside of
 * any transaction, and writes only over the version that it has read. A server that dies leaves a moment that passes,
 * and another one goes on. A server that was too slow finds out at its next write, and stops. `skip locked` only keeps
 * servers out of each other's way: nothing is right because of it. docs/decisions/0022-leases.md says why.
 */

/** Rows that become due. The names are constants of ours. */
export type Due = {
  table: keyof Tables;
  /** The column with the moment; null in rows that nobody has to go on with. */
  due: string;
  /** What else is true of a row that is due. */
  condition?: RawBuilder<unknown>;
};

/** Rows that compete, by account or by organization. An index begins with tenant_id, this column and `due`. */
export type Shared = Due & { holder: 'carrier_account_id' | 'organization_id' };

/** How the rows of a table are leased. Without `holder` they are taken in the order in which they became due. */
export type Lease<Row> = Due & {
  holder?: Shared['holder'];
  /** Tells whether somebody else has had the row: a column that counts its writes, or the moment itself. */
  version: string;
  /** What else is written when a row is taken. */
  taking?: RawBuilder<unknown>;
  /** What is read of a row. */
  columns: RawBuilder<Row>;
};

/** A row in our hands. */
export type Leased<Row> = Row & {
  tenant_id: string;
  id: string;
  holder: string | null;
  version: number | Date;
  /** What the database's clock said when the row was read. */
  now: Date;
  /** When the lease ends, by the clocks of this process. */
  until: Clocks;
};

type Key = Pick<Leased<unknown>, 'tenant_id' | 'id' | 'version'>;

/** Somebody else has gone on with the row, or may have. */
export class Lost extends Error {}

/** @returns undefined where the row was lost: there is nothing left to do with it */
export const unlessLost = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch(error => {
    if (!(error instanceof Lost)) throw error;
    return undefined;
  });

export const clock = sql<Date>`clock_timestamp()`;

/** To the millisecond, which is all that a Date holds: the moment may be the version. */
export const fromNow = (ms: number): RawBuilder<Date> =>
  sql`date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => ${ms / 1000})`;

type Slots = {
  free: number;
  /** How many rows of one holder may be under way. */
  share?: number;
  underWay?: Iterable<{ holder: string | null }>;
};

/** Takes some of what is due, of each holder no more than its share, and sets it ahead. */
export async function takeDue<Row>(
  db: Db,
  lease: Lease<Row>,
  ahead: RawBuilder<Date>,
  { free, share = free, underWay = [] }: Slots,
): Promise<Leased<Row>[]> {
  let rows = dueRows(lease, sql`${free}`);
  if (isShared(lease)) {
    const portions = shareOut(await holdersDue(db, lease), underWay, share, free);
    if (portions.length === 0) return [];
    rows = portionsOf(lease, portions);
  }
  const statement = sql<Read<Row>>`
    with free (tenant, key) as materialized (${rows})
    update ${sql.table(lease.table)} set ${taken(lease, ahead)}
    from free where tenant_id = free.tenant and id = free.key
    returning ${fieldsOf(lease)}`;
  return read(db, statement);
}

/** Takes the row that somebody asks for, due or not, if `condition` is true of it. */
export async function takeOne<Row>(
  db: Db,
  lease: Lease<Row>,
  { tenant_id, id }: Omit<Key, 'version'>,
  condition: RawBuilder<unknown>,
  ahead: RawBuilder<Date>,
): Promise<Leased<Row> | undefined> {
  const statement = sql<Read<Row>>`
    update ${sql.table(lease.table)} set ${taken(lease, ahead)}
    where tenant_id = ${tenant_id} and id = ${id} and ${condition}
    returning ${fieldsOf(lease)}`;
  return (await read(db, statement))[0];
}

/** @returns undefined when somebody else has gone on with the row */
export async function readHeld<Row>(db: Db, lease: Lease<Row>, key: Key): Promise<Leased<Row> | undefined> {
  const statement = sql<Read<Row>>`
    select ${fieldsOf(lease)} from ${sql.table(lease.table)} where ${isHeld(lease, key)}`;
  return (await read(db, statement))[0];
}

/** Writes over the version that was read. @throws Lost */
export async function overwrite<Row>(
  db: Db,
  lease: Lease<Row>,
  key: Key,
  changes: Record<string, unknown>,
): Promise<Leased<Row>> {
  const set = Object.entries(changes).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  const statement = sql<Read<Row>>`
    update ${sql.table(lease.table)} set ${sql.join([...set, ...counted(lease)])} where ${isHeld(lease, key)}
    returning ${fieldsOf(lease)}`;
  const [row] = await read(db, statement);
  if (!row) throw new Lost();
  return row;
}

/**
 * Makes sure that the lease has not run out: called right before what must not be done by two. A process may sleep at
 * any point, and wake up when somebody else has long gone on. One clock stands still while the machine sleeps, the
 * other may be set, so both are asked. @throws Lost
 */
export function assertHeld({ until }: { until: Clocks }): void {
  const now = readClocks();
  if (now.steady >= until.steady || now.wall >= until.wall) throw new Lost();
}

/** Locks rows that are due until the transaction ends, for work that is done by then. */
export async function lockDue(tx: Db, due: Due, count: number, at?: Date): Promise<Omit<Key, 'version'>[]> {
  return (await dueRows(due, sql`${count}`, at && sql`${at}::timestamptz`).execute(tx)).rows;
}

/**
 * All holders that have something due, the longest waiting first: one look-up of the index for each that has a moment
 * at all, however many rows are due.
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
    select tenant_id, holder from found where due <= (select clock_timestamp()) order by due`.execute(db);
  return rows;
}

const always = sql`true`;
const isShared = (lease: Due): lease is Shared => 'holder' in lease;

/**
 * The comment keeps it from being prepared (db/prepared.ts): the plan must fit the table as it is now. In a subselect
 * the clock is read once, and the index can be used.
 */
const dueRows = (
  { table, due, condition = always }: Due,
  count: RawBuilder<unknown>,
  at: RawBuilder<unknown> = sql`(select clock_timestamp())`,
  ofHolder: RawBuilder<unknown> = always,
) => sql<Omit<Key, 'version'>>`
  /* planned anew each time */
  select tenant_id, id from ${sql.table(table)}
  where ${sql.ref(due)} <= ${at} and ${condition} and ${ofHolder}
  order by ${sql.ref(due)} limit ${count} for no key update skip locked`;

function portionsOf(lease: Shared, portions: Portion[]) {
  const [tenants, holders] = [portions.map(one => one.tenant_id), portions.map(one => one.holder)];
  const ofHolder = sql`tenant_id = portion.tenant and ${sql.ref(lease.holder)} = portion.holder`;
  return sql<Omit<Key, 'version'>>`
    select mine.tenant_id, mine.id
    from unnest(${tenants}::uuid[], ${holders}::uuid[], ${portions.map(one => one.count)}::int[])
      as portion (tenant, holder, count)
    cross join lateral (${dueRows(lease, sql`portion.count`, undefined, ofHolder)}) mine`;
}

const taken = (lease: Lease<unknown>, ahead: RawBuilder<Date>) =>
  sql.join([
    sql`${sql.ref(lease.due)} = ${ahead}`,
    ...counted(lease),
    ...(lease.taking ? [lease.taking] : []),
  ]);

const counted = ({ version, due }: Lease<unknown>) =>
  version === due ? [] : [sql`${sql.ref(version)} = ${sql.ref(version)} + 1`];

const isHeld = (lease: Lease<unknown>, { tenant_id, id, version }: Key) =>
  sql`tenant_id = ${tenant_id} and id = ${id} and ${sql.ref(lease.version)} = ${version}`;

const fieldsOf = ({ columns, holder, version, due }: Lease<unknown>) => sql`
  ${columns}, tenant_id, id, ${holder ? sql.ref(holder) : sql`null`} as holder, ${sql.ref(version)} as version,
  ${sql.ref(due)} as due_at, clock_timestamp() as now`;

type Read<Row> = Omit<Leased<Row>, 'until'> & { due_at: Date | null };

/** Neither of them is the database's, and only how far they have come is compared. */
type Clocks = { steady: number; wall: number };
const readClocks = (): Clocks => ({ steady: performance.now(), wall: Date.now() });

async function read<Row>(db: Db, statement: RawBuilder<Read<Row>>): Promise<Leased<Row>[]> {
  // From before the database's clock is read, so that the lease ends here no later than there.
  const { steady, wall } = readClocks();
  const { rows } = await statement.execute(db);
  return rows.map(row => {
    const forMs = row.due_at ? row.due_at.getTime() - row.now.getTime() : 0;
    return { ...row, until: { steady: steady + forMs, wall: wall + forMs } } as Leased<Row>;
  });
}
