import { type RawBuilder, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Caller } from '../access/caller.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { clock, type Lease, type Leased, overwrite, readHeld } from '../work/leases.ts';
import type { Order } from './orders.ts';

/** What work on orders needs. */
export type Shop = { db: Db; carriers: Carriers; log: Logger };

/** An order that somebody works on. */
export type HeldOrder = Leased<Order>;

export const orderLease: Lease<Order> = {
  table: 'orders',
  due: 'next_at',
  version: 'version',
  holder: 'carrier_account_id',
  columns: sql<Order>`orders.*`,
};

/** The order of a caller who has placed it just now and works on it first, unless somebody else has it by now. */
export const readPlaced = (db: Db, tenant_id: string, id: string): Promise<HeldOrder | undefined> =>
  readHeld(db, orderLease, { tenant_id, id, version: 1 });

type Changes = Partial<Omit<Order, 'fields' | 'next_at' | 'attempted_at'>> & {
  next_at?: RawBuilder<Date> | null;
  attempted_at?: RawBuilder<Date>;
};

/** Writes over the version that was read. @throws Lost */
export const writeHeld = (db: Db, order: HeldOrder, changes: Changes): Promise<HeldOrder> =>
  overwrite(db, orderLease, order, { modified_at: clock, ...changes });

/** An order is worked on for the one who placed it, also after their request has ended. */
export const buyerOf = (order: HeldOrder): Caller => ({
  tenantId: order.tenant_id,
  organizationId: null,
  permission: 'admin',
  actor: { type: order.actor_type, id: order.actor_id },
  requestId: order.request_id,
});
