import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db, Tx } from '../db/database.ts';
import { Problem } from '../errors.ts';

/** Live numbers, and those that orders may still bring. */
const inUse = (tenantId: string) => sql<number>`
  (select count(*) from phone_numbers where tenant_id = ${tenantId} and released_at is null)
  + (select count(*) from orders where tenant_id = ${tenantId} and status in ('placed', 'buying', 'settling'))`;

/**
 * Takes room for numbers that are about to come into a tenant whose numbers are limited. It costs one statement, which
 * finds no row if they are not.
 *
 * `counted` rises with every arrival and does not fall with a release, so it is never too low. Only when it says that
 * the tenant is full are the numbers counted anew. The row is locked until the end of the transaction: arrivals of other
 * organizations of this tenant wait for it, so nobody else is in between.
 * @param count negative: the room is not needed after all
 * @throws Problem tenant_limit_reached
 */
export async function takeRoom(tx: Tx, { tenantId }: Caller, count: number): Promise<void> {
  if (count === 0) return;
  const limit = await tx
    .updateTable('number_limits')
    .set({ counted: sql`counted + ${count}::int8` })
    .where('tenant_id', '=', tenantId)
    .returning(['counted', 'numbers_max'])
    .executeTakeFirst();
  if (!limit || limit.counted <= limit.numbers_max) return;
  // A statement of its own, which sees all that was committed before the row was locked.
  const { counted } = await tx
    .updateTable('number_limits')
    .set({ counted: sql`${inUse(tenantId)} + ${count}::int8` })
    .where('tenant_id', '=', tenantId)
    .returning('counted')
    .executeTakeFirstOrThrow();
  if (counted <= limit.numbers_max) return;
  throw new Problem(
    'tenant_limit_reached',
    undefined,
    `numbers: the tenant may have ${limit.numbers_max}, has or is buying ${counted - count}, and ${count} more were to come. Release some, or ask the operator for more.`,
  );
}

/** Above every limit: the next arrival counts. */
const uncounted = 2 ** 52;

/**
 * Sets the limit of a tenant's numbers. Those that are there already stay, even if they are more. The next arrival
 * counts them; what an import brings that is under way at this moment may come on top.
 */
export async function limitNumbers(tx: Tx, tenantId: string, max: number | null): Promise<void> {
  if (max === null) {
    await tx.deleteFrom('number_limits').where('tenant_id', '=', tenantId).execute();
    return;
  }
  const row = { numbers_max: max, counted: uncounted };
  await tx
    .insertInto('number_limits')
    .values({ tenant_id: tenantId, ...row })
    .onConflict(conflict => conflict.column('tenant_id').doUpdateSet(row))
    .execute();
}

/** How many live numbers and open orders the tenant has now. */
export async function countNumbers(db: Db, { tenantId }: Caller): Promise<number> {
  const { rows } = await sql<{ count: number }>`select ${inUse(tenantId)} as count`.execute(db);
  return rows[0]!.count;
}
