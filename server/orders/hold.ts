import { type Selectable, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Caller } from '../access/caller.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';

/** What work on orders needs. */
export type Shop = { db: Db; carriers: Carriers; log: Logger };

/** An order that somebody works on, and what the clock of the database said when they took it or wrote it last. */
export type HeldOrder = Selectable<Tables['orders']> & { now: Date };

/** Somebody else has gone on with the order: whoever finds out writes nothing more. */
export class Lost extends Error {}

export const clock = sql<Date>`clock_timestamp()`;
export const fromNow = (ms: number) => sql<Date>`clock_timestamp() + make_interval(secs => ${ms / 1000})`;

/** The order of a caller who has placed it just now, and works on it first. */
export const readHeld = (db: Db, tenantId: string, id: string): Promise<HeldOrder> =>
  db
    .selectFrom('orders')
    .selectAll()
    .select(clock.as('now'))
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();

/** Takes orders that are due, for so long; what is not done by then somebody else takes. */
export async function takeDue(db: Db, count: number, holdMs: number): Promise<HeldOrder[]> {
  const { rows } = await sql<HeldOrder>`
    update orders o set next_at = ${fromNow(holdMs)}, version = version + 1
    from (
      select tenant_id, id from orders where next_at <= clock_timestamp() order by next_at limit ${count} for update skip locked
    ) due
    where o.tenant_id = due.tenant_id and o.id = due.id
    returning o.*, clock_timestamp() as now`.execute(db);
  return rows;
}

type Changes = Partial<Omit<Selectable<Tables['orders']>, 'fields' | 'next_at' | 'attempted_at'>> & {
  next_at?: ReturnType<typeof fromNow> | null;
  attempted_at?: typeof clock;
};

/** Writes over the version that was read. @throws Lost */
export async function writeHeld(db: Db, order: HeldOrder, changes: Changes): Promise<HeldOrder> {
  const written = await db
    .updateTable('orders')
    .set({ modified_at: clock, ...changes, version: order.version + 1 })
    .where('tenant_id', '=', order.tenant_id)
    .where('id', '=', order.id)
    .where('version', '=', order.version)
    .returningAll()
    .returning(clock.as('now'))
    .executeTakeFirst();
  if (!written) throw new Lost();
  return written;
}

/** Whoever placed the order is who it is worked on for, also after their request has ended. */
export const buyerOf = (order: HeldOrder): Caller => ({
  tenantId: order.tenant_id,
  organizationId: null,
  permission: 'admin',
  actor: { type: order.actor_type, id: order.actor_id },
  requestId: order.request_id,
});
