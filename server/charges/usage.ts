import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { timeZoneOf } from '../access/time-zone.ts';
import type { ChargeType } from '../db/carrier-tables.ts';
import type { Db } from '../db/database.ts';
import { invalid } from '../errors.ts';
import { monthOf, readMoment } from '../http/moments.ts';
import { findOrganization } from '../organizations/organizations.ts';

/** The charges of one organization, or of all that the caller may see, from `from` (inclusive) to `to` (exclusive). */
export type UsageQuery = { organization_id?: string; from?: string; to?: string };

/** A parsed query: the organization's internal id, or null for all organizations of the tenant. */
export type UsageScope = { organizationId: string | null; from: Date; to: Date };

export type ChargeRow = {
  id: string;
  type: ChargeType;
  /** The organization's unique_id. */
  organization_id: string;
  phone_number: string;
  phone_number_id: string;
  order_id: string | null;
  amount: number;
  period_start: Date;
  at: Date;
};

type Sum = { count: number; amount: number };

export type Totals = Sum & {
  by_type: (Sum & { type: ChargeType })[];
  by_organization: (Sum & { organization_id: string })[];
};

const limitDefault = 1000;

/** Finds the organization and parses the period. By default the period is the current calendar month in the tenant's time zone. */
export async function readScope(db: Db, caller: Caller, query: UsageQuery): Promise<UsageScope> {
  const organizationId =
    query.organization_id === undefined
      ? caller.organizationId
      : (await findOrganization(db, caller, query.organization_id)).id;
  const { rows } = await sql<{ now: Date }>`select now()`.execute(db);
  const zone = await timeZoneOf(db, caller);
  const month = monthOf(rows[0]!.now, zone);
  const from = query.from === undefined ? month.from : readMoment(query.from, 'from', zone);
  const to = query.to === undefined ? month.to : readMoment(query.to, 'to', zone);
  if (from >= to) throw invalid('from must be before to');
  return { organizationId, from, to };
}

/** A page of charges in chronological order, and the totals of the whole scope, in one snapshot. */
export async function readUsage(
  db: Db,
  caller: Caller,
  query: UsageQuery & { limit?: number; cursor?: string },
): Promise<{ scope: UsageScope; charges: ChargeRow[]; has_more: boolean; totals: Totals }> {
  const limit = query.limit ?? limitDefault;
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async tx => {
      const scope = await readScope(tx, caller, query);
      const rows = await pageOf(tx, caller, scope, query.cursor, limit + 1);
      const totals = await totalsOf(tx, caller, scope);
      return { scope, charges: rows.slice(0, limit), has_more: rows.length > limit, totals };
    });
}

/** All charges in a scope, the oldest first. */
export const chargesOf = (db: Db, caller: Caller, scope: UsageScope) =>
  inScope(db, caller, scope)
    .select(['c.id', 'c.type', 'o.unique_id as organization_id', 'c.phone_number', 'c.phone_number_id'])
    .select(['c.order_id', 'c.amount', 'c.period_start', 'c.at'])
    .orderBy('c.at')
    .orderBy('c.id');

const inScope = (db: Db, caller: Caller, { organizationId, from, to }: UsageScope) =>
  db
    .selectFrom('charges as c')
    .innerJoin('organizations as o', join =>
      join.onRef('o.tenant_id', '=', 'c.tenant_id').onRef('o.id', '=', 'c.organization_id'),
    )
    .where('c.tenant_id', '=', caller.tenantId)
    .$if(organizationId !== null, query => query.where('c.organization_id', '=', organizationId!))
    .where('c.at', '>=', from)
    .where('c.at', '<', to);

/** @param cursor the id of the previous page's last charge; charges are never deleted, so it stays valid */
async function pageOf(db: Db, caller: Caller, scope: UsageScope, cursor: string | undefined, limit: number) {
  if (cursor === undefined) return chargesOf(db, caller, scope).limit(limit).execute();
  const last = await inScope(db, caller, scope).where('c.id', '=', cursor).select('c.id').executeTakeFirst();
  if (!last) throw invalid('cursor must be the next_cursor of an earlier page of the same charges');
  return chargesOf(db, caller, scope)
    .where(
      sql<boolean>`(c.at, c.id) > (select p.at, p.id from charges p where p.tenant_id = ${caller.tenantId} and p.id = ${cursor})`,
    )
    .limit(limit)
    .execute();
}

/** Added up by the database, whose decimals are exact. */
async function totalsOf(db: Db, caller: Caller, scope: UsageScope): Promise<Totals> {
  const rows = await inScope(db, caller, scope)
    .select(['c.type', 'o.unique_id as organization_id'])
    .select(sql<number>`count(*)`.as('count'))
    .select(sql<number>`coalesce(sum(c.amount), 0)`.as('amount'))
    .groupBy(sql`grouping sets ((), (c.type), (o.unique_id))`)
    .orderBy('c.type')
    .orderBy('o.unique_id')
    .execute();
  const [all] = rows.filter(row => row.type === null && row.organization_id === null);
  const types = rows.filter(row => row.type !== null);
  const organizations = rows.filter(row => row.organization_id !== null);
  return {
    count: all!.count,
    amount: all!.amount,
    by_type: types.map(({ organization_id: _, ...sum }) => sum),
    by_organization: organizations.map(({ type: _, ...sum }) => sum),
  };
}
