import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { timeZoneOf } from '../access/time-zone.ts';
import type { ChargeType } from '../db/carrier-tables.ts';
import type { Tx } from '../db/database.ts';
import { monthOf } from '../http/moments.ts';
import type { Revision } from '../revisions/revise.ts';
import { week, weekHours } from '../tenants/weekly-fee.ts';

/** A charge before it is written. */
export type NewCharge = {
  type: ChargeType;
  phone_number_id: string;
  /** E.164. */
  phone_number: string;
  /** The order that bought the number. */
  order_id?: string | null;
  /** US dollars, four decimals. A fee of 0 is no charge; `number.released` is always 0. */
  amount: number;
  /** When the charged period begins. A weekly fee covers the seven days from here. */
  period_start: Date;
};

export const weekEnd = (begin: Date): Date => new Date(begin.getTime() + weekHours * 3_600_000);

/**
 * Charges the organization of a revision, in the transaction of the revision and with its timestamp. A number has one
 * charge for each week, and one of every other type in its life. A second one violates a constraint, which undoes the
 * revision.
 */
export async function charge(
  { tx, organization, at }: Revision,
  caller: Caller,
  newCharges: NewCharge | NewCharge[],
): Promise<void> {
  const charges = [newCharges].flat().filter(({ type, amount }) => amount > 0 || type === 'number.released');
  if (charges.length === 0) return;
  const common = { tenant_id: caller.tenantId, organization_id: organization.id, at };
  await tx
    .insertInto('charges')
    .values(charges.map(charge => ({ ...common, id: randomUUIDv7(), ...charge })))
    .execute();
}

/**
 * The charges of an organization in the calendar month of `at` in the tenant's time zone, in US dollars. They include the weeks that have
 * begun by then, but that the job in weekly.ts has not charged yet.
 * @param organizationId the internal id
 */
export async function spending(tx: Tx, caller: Caller, organizationId: string, at: Date): Promise<number> {
  const { from, to } = monthOf(at, await timeZoneOf(tx, caller));
  const { rows } = await sql<{ amount: number }>`
    select (
      select coalesce(sum(amount), 0) from charges
      where tenant_id = ${caller.tenantId} and organization_id = ${organizationId} and at >= ${from} and at < ${to}
    ) + (
      select count(*) from phone_numbers n join tenants t on t.id = n.tenant_id
        cross join lateral generate_series(n.next_fee_at, ${at}, ${week}) as begin
      where n.tenant_id = ${caller.tenantId} and n.organization_id = ${organizationId} and n.next_fee_at <= ${at}
        and ${isOwed(sql.ref('begin'))}
    ) * (select weekly_price from tenants where id = ${caller.tenantId}) as amount`.execute(tx);
  return rows[0]!.amount;
}

type Sql = ReturnType<typeof sql>;

/**
 * The SQL condition for number `n` of tenant `t` to be charged for a week: it is not released by then, and it came from a
 * carrier, or the tenant charges for all numbers then.
 */
export const isOwed = (begin: Sql) => sql`(${begin} < coalesce(n.released_at, 'infinity') and (
  n.carrier_account_id is not null
  or coalesce(${begin} >= t.fees_for_all_from and ${begin} < coalesce(t.fees_for_all_to, 'infinity'), false)))`;

/**
 * The SQL expression for the next week of number `n` of tenant `t` after one that is not owed: it begins when the tenant
 * began to charge for all numbers, if that was later. Null if no week is owed any more.
 */
export const nextOwed = (begin: Sql) => sql`(case
  when t.fees_for_all_from > ${begin} and t.fees_for_all_from < coalesce(n.released_at, 'infinity')
  then t.fees_for_all_from end)`;

/** Adds amounts of money exactly, to four decimals: 0.1 + 0.2 is 0.3. */
export const addAmounts = (...amounts: number[]): number =>
  Math.round(amounts.reduce((sum, amount) => sum + amount * 10_000, 0)) / 10_000;
