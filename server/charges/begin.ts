import { sql } from 'kysely';
import { type Db, transact } from '../db/database.ts';
import { noNumber, noneComesIn, week } from '../tenants/weekly-fee.ts';

const numbersPerBatch = 1000;

/**
 * Gives some numbers of a tenant that has begun to charge for all of them their first week: from the moment when it began,
 * or after the last week that they were charged for. Goes through the tenant's numbers by id, in batches, so that no
 * change of a number waits long.
 *
 * Numbers that come in after the setting have their week already. So the first batch waits until none is coming in that
 * may not know of it.
 * @returns how many numbers it has gone through; 0 if there is nothing to do now
 */
export async function beginBatch(db: Db): Promise<number> {
  return transact(db, async tx => {
    const { rows: tenants } = await sql<{ id: string; after: string; began: Date }>`
      select id, fees_begun_after as after, fees_for_all_from as began from tenants where fees_begun_after is not null
      order by random() limit 1 for no key update skip locked`.execute(tx);
    const tenant = tenants[0];
    if (!tenant || (tenant.after === noNumber && !(await noneComesIn(tx, tenant.id)))) return 0;
    // A statement of its own: the next one then sees every change committed before the locks were taken.
    const { rows: numbers } = await sql<{ id: string }>`
      select id from phone_numbers where tenant_id = ${tenant.id} and id > ${tenant.after}
        and coalesce(released_at, 'infinity') > ${tenant.began}
      order by id limit ${numbersPerBatch} for no key update`.execute(tx);
    await sql`
      update phone_numbers n set next_fee_at = greatest(t.fees_for_all_from, n.created_at, (
        select max(c.period_start) + ${week} from charges c
        where c.tenant_id = n.tenant_id and c.phone_number_id = n.id and c.type = 'number.weekly_fee'))
      from tenants t
      where t.id = ${tenant.id} and n.tenant_id = t.id and n.id = any(${numbers.map(number => number.id)}::uuid[])
        and n.next_fee_at is null`.execute(tx);
    const after = numbers.length < numbersPerBatch ? null : numbers.at(-1)!.id;
    await tx.updateTable('tenants').set({ fees_begun_after: after }).where('id', '=', tenant.id).execute();
    return Math.max(numbers.length, 1);
  });
}
