import { type RawBuilder, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Caller } from '../access/caller.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { clock, type Lease, type Leased, overwrite, readLeased } from '../work/leases.ts';
import type { Order } from './orders.ts';

export type Shop = { db: Db; carriers: Carriers; log: Logger };

/** An order that this process has leased. */
export type LeasedOrder = Leased<Order>;

export const orderLease: Lease<Order> = {
  table: 'orders',
  due: 'next_at',
  version: 'version',
  holder: 'carrier_account_id',
  columns: sql<Order>`orders.*`,
};

/** Reads the order that this request has just placed. @returns undefined if another worker has leased it since */
export const readPlaced = (db: Db, tenant_id: string, id: string): Promise<LeasedOrder | undefined> =>
  readLeased(db, orderLease, { tenant_id, id, version: 1 });

type Changes = Partial<Omit<Order, 'fields' | 'next_at' | 'attempted_at'>> & {
  next_at?: RawBuilder<Date> | null;
  attempted_at?: RawBuilder<Date>;
};

/** Updates the order if its version is still the one that was read. @throws LeaseLost */
export const writeOrder = (db: Db, order: LeasedOrder, changes: Changes): Promise<LeasedOrder> =>
  overwrite(db, orderLease, order, { modified_at: clock, ...changes });

/** The caller who placed the order. The audit log names them, even for changes after their request has ended. */
export const buyerOf = (order: LeasedOrder): Caller => ({
  tenantId: order.tenant_id,
  organizationId: null,
  permission: 'admin',
  actor: { type: order.actor_type, id: order.actor_id },
  requestId: order.request_id,
});
