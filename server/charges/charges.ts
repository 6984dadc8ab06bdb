import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { ChargeType } from '../db/carrier-tables.ts';
import type { Tx } from '../db/database.ts';
import type { Revision } from '../revisions/revise.ts';

/** One thing that an organization is charged for. */
export type NewCharge = {
  type: ChargeType;
  phone_number_id: string;
  /** E.164. */
  phone_number: string;
  /** The order that bought the number. */
  order_id?: string | null;
  /** US dollars, four decimals. A fee of 0 is no charge; `number.released` is always 0. */
  amount: number;
  /** When what is charged for begins; a weekly fee is for the seven days from here. */
  period_start: Date;
};

/** Not `7 days`, which is an hour more or less where the session's time zone has summer time. */
const weekHours = 168;
export const week = sql`make_interval(hours => ${sql.lit(weekHours)})`;

/** When the week that begins then ends. */
export const weekEnd = (begin: Date): Date => new Date(begin.getTime() + weekHours * 3_600_000);

/**
 * Writes what the organization of a revision is charged, in the transaction of what it is charged for, and dated like
 * it. A number is charged once for each of its weeks, and once in its life for anything else: a second time is a
 * mistake of the caller, and undoes the revision.
 */
export async function charge(
  { tx, organization, at }: Revision,
  caller: Caller,
  given: NewCharge | NewCharge[],
): Promise<void> {
  const charges = [given].flat().filter(({ type, amount }) => amount > 0 || type === 'number.released');
  if (charges.length === 0) return;
  const whose = { tenant_id: caller.tenantId, organization_id: organization.id, at };
  await tx
    .insertInto('charges')
    .values(charges.map(one => ({ ...whose, id: randomUUIDv7(), ...one })))
    .execute();
}

/**
 * What an organization is charged in the calendar month (UTC) of `at`, in US dollars: what is written, and the weeks
 * that have begun by then and only wait for the job that writes them (weekly.ts).
 * @param organizationId its own id
 */
export async function spending(tx: Tx, caller: Caller, organizationId: string, at: Date): Promise<number> {
  const { from, to } = monthOf(at);
  const { rows } = await sql<{ amount: number }>`
    select (
      select coalesce(sum(amount), 0) from charges
      where tenant_id = ${caller.tenantId} and organization_id = ${organizationId} and at >= ${from} and at < ${to}
    ) + (
      select count(*) from phone_numbers n, generate_series(n.next_fee_at, ${at}, ${week}) as begin
      where n.tenant_id = ${caller.tenantId} and n.organization_id = ${organizationId} and n.next_fee_at <= ${at}
        and ${isOwed(sql.ref('begin'))}
    ) * (select weekly_price from tenants where id = ${caller.tenantId}) as amount`.execute(tx);
  return rows[0]!.amount;
}

/** Whether number `n` is charged for the week that begins then: it came from a carrier, and is not released by then. */
export const isOwed = (begin: ReturnType<typeof sql>) =>
  sql`(n.carrier_account_id is not null and ${begin} < coalesce(n.released_at, 'infinity'))`;

/** The calendar month (UTC) that a moment is in: `from` inclusive, `to` exclusive. */
export function monthOf(at: Date): { from: Date; to: Date } {
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  return { from: new Date(Date.UTC(year, month)), to: new Date(Date.UTC(year, month + 1)) };
}

/** Adds amounts of money exactly, to their four decimals: 0.1 and 0.2 are 0.3. */
export const addAmounts = (...amounts: number[]): number =>
  Math.round(amounts.reduce((sum, amount) => sum + amount * 10_000, 0)) / 10_000;
