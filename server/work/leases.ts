import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { type Due, holdersDue, lockDueRows, lockPortions, type RowName, type Shared } from './due.ts';
import { shareOut } from './fair-share.ts';

/*
 * A row has a due time. A server leases the row by moving that time ahead, works outside any transaction, and writes
 * only if the row's version is still the one it read. If the server dies, the lease expires and another server takes
 * the row. If it is too slow, its next write fails and it stops. `skip locked` only avoids waiting; correctness depends
 * on the version. docs/decisions/0022-leases.md gives the reasons.
 */

export type Lease<Row> = Due & {
  /** The column that changes with every lease and write: a counter, or the due time itself. */
  version: string;
  /** Further assignments when a row is leased. */
  onLease?: RawBuilder<unknown>;
  /** The columns to return. */
  columns: RawBuilder<Row>;
};

/** A row that this process has leased. */
export type Leased<Row> = Row &
  Key & {
    holder: string | null;
    /** The database's clock when the row was read. */
    now: Date;
    /** The end of the lease by this process's clocks. */
    until: Clocks;
  };

type Key = RowName & { version: number | Date };

/** The lease has expired, or another worker has changed the row. */
export class LeaseLost extends Error {}

/** @returns undefined if the lease was lost, as the row is now another worker's */
export const unlessLeaseLost = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch(error => {
    if (!(error instanceof LeaseLost)) throw error;
    return undefined;
  });

export const clock = sql<Date>`clock_timestamp()`;

/** Truncated to milliseconds, the precision of Date, because the due time may also be the version. */
export const fromNow = (ms: number): RawBuilder<Date> =>
  sql`date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => ${ms / 1000})`;

type Slots = {
  free: number;
  /** The maximum of leased rows per holder. */
  share?: number;
  underWay?: Iterable<{ holder: string | null }>;
};

/** Leases due rows, at most `share` per holder. @param ahead the new due time, which ends the lease */
export async function leaseDue<Row>(
  db: Db,
  lease: Lease<Row>,
  ahead: RawBuilder<Date>,
  slots: Slots,
): Promise<Leased<Row>[]> {
  const rows = lease.holder ? await lockFairly(db, lease as Shared, slots) : lockDueRows(lease, slots.free);
  if (!rows) return [];
  // Match on ctid, which is stable while the rows are locked. A join would depend on statistics, which claim that a
  // freshly filled table is empty.
  return leaseWhere(db, lease, ahead, sql`ctid = any(array(select place from (${rows}) free))`);
}

async function lockFairly(db: Db, shared: Shared, { free, share = free, underWay = [] }: Slots) {
  const portions = shareOut(await holdersDue(db, shared), underWay, share, free);
  return portions.length > 0 ? lockPortions(shared, portions) : undefined;
}

/** Leases the given row, due or not, if `condition` holds. */
export async function leaseOne<Row>(
  db: Db,
  lease: Lease<Row>,
  { tenant_id, id }: RowName,
  condition: RawBuilder<unknown>,
  ahead: RawBuilder<Date>,
): Promise<Leased<Row> | undefined> {
  const named = sql`tenant_id = ${tenant_id} and id = ${id} and ${condition}`;
  return (await leaseWhere(db, lease, ahead, named))[0];
}

function leaseWhere<Row>(db: Db, lease: Lease<Row>, ahead: RawBuilder<Date>, which: RawBuilder<unknown>) {
  const set = [sql`${sql.ref(lease.due)} = ${ahead}`, ...(lease.onLease ? [lease.onLease] : [])];
  return update(db, lease, set, which);
}

/** Updates the row if its version is still the one that was read. @throws LeaseLost */
export async function overwrite<Row>(
  db: Db,
  lease: Lease<Row>,
  key: Key,
  changes: Record<string, unknown>,
): Promise<Leased<Row>> {
  const set = Object.entries(changes).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  const [row] = await update(db, lease, set, isHeld(lease, key));
  if (!row) throw new LeaseLost();
  return row;
}

/** @returns undefined if the version has changed since */
export async function readLeased<Row>(db: Db, lease: Lease<Row>, key: Key): Promise<Leased<Row> | undefined> {
  const statement = sql<Read<Row>>`
    select ${fieldsOf(lease)} from ${sql.table(lease.table)} where ${isHeld(lease, key)}`;
  return (await read(db, statement))[0];
}

/**
 * Checks that the lease has not expired. Call it right before a side effect that must happen once: the process may have
 * been suspended, and another worker may have the row by now. @throws LeaseLost
 */
export function assertLeased({ until }: { until: Clocks }): void {
  const { steady, wall } = readClocks();
  if (steady >= until.steady || wall >= until.wall) throw new LeaseLost();
}

/** The end of a lease that a statement which begins now gives, by this process's clocks. */
export function endOfLease(ms: number): Clocks {
  const { steady, wall } = readClocks();
  return { steady: steady + ms, wall: wall + ms };
}

/** Both are needed: the steady clock stops while the machine sleeps, and the wall clock can be set back. */
type Clocks = { steady: number; wall: number };
const readClocks = (): Clocks => ({ steady: performance.now(), wall: Date.now() });

function update<Row>(db: Db, lease: Lease<Row>, set: RawBuilder<unknown>[], which: RawBuilder<unknown>) {
  const version = sql.ref(lease.version);
  const counted = lease.version === lease.due ? [] : [sql`${version} = ${version} + 1`];
  const statement = sql<Read<Row>>`
    update ${sql.table(lease.table)} set ${sql.join([...set, ...counted])} where ${which}
    returning ${fieldsOf(lease)}`;
  return read(db, statement);
}

const isHeld = (lease: Lease<unknown>, { tenant_id, id, version }: Key) =>
  sql`tenant_id = ${tenant_id} and id = ${id} and ${sql.ref(lease.version)} = ${version}`;

const fieldsOf = ({ columns, holder, version, due }: Lease<unknown>) => sql`
  ${columns}, tenant_id, id, ${holder ? sql.ref(holder) : sql`null`} as holder, ${sql.ref(version)} as version,
  ${sql.ref(due)} as due_at, clock_timestamp() as now`;

type Read<Row> = Omit<Leased<Row>, 'until'> & { due_at: Date | null };

async function read<Row>(db: Db, statement: RawBuilder<Read<Row>>): Promise<Leased<Row>[]> {
  // Read before the statement runs, so that the lease never ends later here than in the database.
  const { steady, wall } = readClocks();
  const { rows } = await statement.execute(db);
  return rows.map(row => {
    const forMs = row.due_at ? row.due_at.getTime() - row.now.getTime() : 0;
    return { ...row, until: { steady: steady + forMs, wall: wall + forMs } } as Leased<Row>;
  });
}
