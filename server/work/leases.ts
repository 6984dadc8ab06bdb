import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { type Due, holdersDue, lockable, portionsOf, type RowName, type Shared } from './due.ts';
import { shareOut } from './fair-share.ts';

/*
 * A row says when somebody is to go on with it. A server takes the row by setting that moment ahead, works outside of
 * any transaction, and writes only over the version that it has read. A server that dies leaves a moment that passes,
 * and another one goes on. A server that was too slow finds out at its next write, and stops. `skip locked` only keeps
 * servers out of each other's way: nothing is right because of it. docs/decisions/0022-leases.md says why.
 */

/** How the rows of a table are leased. */
export type Lease<Row> = Due & {
  /** Tells whether somebody else has had the row: a column that counts its writes, or the moment itself. */
  version: string;
  /** What else is written when a row is taken. */
  taking?: RawBuilder<unknown>;
  /** What is read of a row. */
  columns: RawBuilder<Row>;
};

/** A row in our hands. */
export type Leased<Row> = Row &
  Key & {
    holder: string | null;
    /** What the database's clock said when the row was read. */
    now: Date;
    /** When the lease ends, by the clocks of this process. */
    until: Clocks;
  };

type Key = RowName & { version: number | Date };

/** Somebody else has gone on with the row, or may have. */
export class LeaseLost extends Error {}

/** @returns undefined where the row was lost: there is nothing left to do with it */
export const unlessLeaseLost = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch(error => {
    if (!(error instanceof LeaseLost)) throw error;
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
export async function leaseDue<Row>(
  db: Db,
  lease: Lease<Row>,
  ahead: RawBuilder<Date>,
  slots: Slots,
): Promise<Leased<Row>[]> {
  const rows = lease.holder ? await fairly(db, lease as Shared, slots) : lockable(lease, slots.free);
  if (!rows) return [];
  // By their place, which stays while they are locked. A join would be planned by statistics, and those of a table that
  // was filled a moment ago say that it is empty.
  return take(db, lease, ahead, sql`ctid = any(array(select place from (${rows}) free))`);
}

async function fairly(db: Db, shared: Shared, { free, share = free, underWay = [] }: Slots) {
  const portions = shareOut(await holdersDue(db, shared), underWay, share, free);
  return portions.length > 0 ? portionsOf(shared, portions) : undefined;
}

/** Takes the row that somebody asks for, due or not, if `condition` is true of it. */
export async function leaseOne<Row>(
  db: Db,
  lease: Lease<Row>,
  { tenant_id, id }: RowName,
  condition: RawBuilder<unknown>,
  ahead: RawBuilder<Date>,
): Promise<Leased<Row> | undefined> {
  const named = sql`tenant_id = ${tenant_id} and id = ${id} and ${condition}`;
  return (await take(db, lease, ahead, named))[0];
}

function take<Row>(db: Db, lease: Lease<Row>, ahead: RawBuilder<Date>, which: RawBuilder<unknown>) {
  const set = [sql`${sql.ref(lease.due)} = ${ahead}`, ...(lease.taking ? [lease.taking] : [])];
  return update(db, lease, set, which);
}

/** Writes over the version that was read. @throws LeaseLost */
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

/** @returns undefined when somebody else has gone on with the row */
export async function readLeased<Row>(db: Db, lease: Lease<Row>, key: Key): Promise<Leased<Row> | undefined> {
  const statement = sql<Read<Row>>`
    select ${fieldsOf(lease)} from ${sql.table(lease.table)} where ${isHeld(lease, key)}`;
  return (await read(db, statement))[0];
}

/**
 * Makes sure that the lease has not run out. Called right before what two must not do: a process may sleep at any point,
 * and wake up when somebody else has long gone on. @throws LeaseLost
 */
export function assertLeased({ until }: { until: Clocks }): void {
  const { steady, wall } = readClocks();
  if (steady >= until.steady || wall >= until.wall) throw new LeaseLost();
}

/** The first stands still while the machine sleeps, and the second can be set: so both are asked. */
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
  // From before the database's clock is read, so that the lease ends here no later than there.
  const { steady, wall } = readClocks();
  const { rows } = await statement.execute(db);
  return rows.map(row => {
    const forMs = row.due_at ? row.due_at.getTime() - row.now.getTime() : 0;
    return { ...row, until: { steady: steady + forMs, wall: wall + forMs } } as Leased<Row>;
  });
}
