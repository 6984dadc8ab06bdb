import { type Selectable, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { OrderStatus } from '../db/carrier-tables.ts';
import { type Db, transact } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem } from '../errors.ts';
import { revise } from '../revisions/revise.ts';

export type Order = Selectable<Tables['orders']>;

/** An order with the public ids (`unique_id`) of its organization and user. */
export type OrderRow = Order & { organization_unique_id: string; user_unique_id: string | null };

export const openStatuses: readonly OrderStatus[] = ['placed', 'buying', 'settling'];
export const isOpen = ({ status }: { status: OrderStatus }): boolean => openStatuses.includes(status);

export type OrderFilter = {
  organization_id?: string | undefined;
  bulk_id?: string | undefined;
  status?: OrderStatus | undefined;
  limit: number;
  /** The id of the last order on the previous page. */
  cursor?: string | undefined;
};

/** Lists orders, newest first. */
export async function listOrders(
  db: Db,
  caller: Caller,
  { organization_id, bulk_id, status, limit, cursor }: OrderFilter,
): Promise<{ orders: OrderRow[]; next: string | null }> {
  const orders = await ordersOf(db, caller)
    .$if(organization_id !== undefined, query => query.where('g.unique_id', '=', organization_id!))
    .$if(bulk_id !== undefined, query => query.where('o.bulk_id', '=', bulk_id!))
    .$if(status !== undefined, query => query.where('o.status', '=', status!))
    // Ids are UUIDv7, so they sort by creation time.
    .$if(cursor !== undefined, query => query.where('o.id', '<', cursor!))
    .orderBy('o.id', 'desc')
    .limit(limit + 1)
    .execute();
  const more = orders.length > limit;
  return { orders: orders.slice(0, limit), next: more ? orders[limit - 1]!.id : null };
}

export async function getOrder(db: Db, caller: Caller, id: string): Promise<OrderRow> {
  const order = await ordersOf(db, caller).where('o.id', '=', id).executeTakeFirst();
  if (!order) throw new Problem('order_not_found');
  return order;
}

/** Cancels an order that is still `placed`. */
export async function cancelOrder(db: Db, caller: Caller, id: string): Promise<OrderRow> {
  return transact(db, async tx => {
    const { organization_id } = await getOrder(tx, caller, id);
    await revise(tx, caller, { id: organization_id }, async ({ at, record }) => {
      const { numUpdatedRows } = await tx
        .updateTable('orders')
        .set({ status: 'cancelled', finished_at: at, modified_at: at, next_at: null })
        .set(eb => ({ version: eb('version', '+', 1) }))
        .where('tenant_id', '=', caller.tenantId)
        .where('id', '=', id)
        .where('status', '=', 'placed')
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw await cancelRefusal(tx, caller, id);
      record('order.cancelled', { id });
    });
    return getOrder(tx, caller, id);
  });
}

async function cancelRefusal(db: Db, caller: Caller, id: string): Promise<Problem> {
  const { status } = await getOrder(db, caller, id);
  return isOpen({ status })
    ? new Problem('order_under_way')
    : new Problem('order_finished', `The order is ${status}`);
}

/** Counts the orders of a bulk request by status. */
export async function countBulk(
  db: Db,
  caller: Caller,
  bulkId: string,
): Promise<Record<OrderStatus, number>> {
  const { rows } = await sql<{ status: OrderStatus; count: number }>`
    select status, count(*) as count from orders
    where tenant_id = ${caller.tenantId} and bulk_id = ${bulkId}
      and (${caller.organizationId}::uuid is null or organization_id = ${caller.organizationId})
    group by status`.execute(db);
  const counts = { placed: 0, buying: 0, settling: 0, bought: 0, failed: 0, cancelled: 0 };
  for (const { status, count } of rows) counts[status] = count;
  return counts;
}

const ordersOf = (db: Db, caller: Caller) =>
  db
    .selectFrom('orders as o')
    .innerJoin('organizations as g', join =>
      join.onRef('g.tenant_id', '=', 'o.tenant_id').onRef('g.id', '=', 'o.organization_id'),
    )
    .leftJoin('users as u', join =>
      join
        .onRef('u.tenant_id', '=', 'o.tenant_id')
        .onRef('u.organization_id', '=', 'o.organization_id')
        .onRef('u.id', '=', 'o.user_id'),
    )
    .selectAll('o')
    .select(['g.unique_id as organization_unique_id', 'u.unique_id as user_unique_id'])
    .where('o.tenant_id', '=', caller.tenantId)
    .$if(caller.organizationId !== null, query =>
      query.where('o.organization_id', '=', caller.organizationId),
    );
