import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Difference, Pile, Resolution } from '../../db/carrier-tables.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { getRun } from '../runs.ts';

/** Drift of one number. Organizations are given by `unique_id`. */
export type Drift = {
  phone_number: string;
  pile: Pile;
  organization_id: string | null;
  wanted_organization_id: string | null;
  carrier_number_id: string;
  name: string | null;
  tags: string[];
  reference: string | null;
  subaccount: string | null;
  differences: Difference[];
  resolution: Resolution | null;
  resolved_at: Date | null;
};

export type DriftQuery = {
  pile?: Pile | undefined;
  include_resolved: boolean;
  limit: number;
  /** The last number on the previous page. */
  cursor?: string | undefined;
};

/** Lists the drift of a run, sorted by number. */
export async function listDrift(
  db: Db,
  caller: Caller,
  runId: string,
  { pile, include_resolved, limit, cursor }: DriftQuery,
): Promise<{ drift: Drift[]; next_cursor: string | null }> {
  const run = await getRun(db, caller, runId);
  const rows = await driftOf(db, caller, run.id)
    .$if(pile !== undefined, query => query.where('d.pile', '=', pile!))
    .$if(!include_resolved, query => query.where('d.resolved_at', 'is', null))
    .$if(cursor !== undefined, query => query.where('d.phone_number', '>', cursor!))
    .orderBy('d.phone_number')
    .limit(limit + 1)
    .execute();
  const drift = rows.slice(0, limit);
  return { drift, next_cursor: rows.length > limit ? drift.at(-1)!.phone_number : null };
}

export async function getDrift(db: Db, caller: Caller, runId: string, phoneNumber: string): Promise<Drift> {
  const found = await driftOf(db, caller, runId).where('d.phone_number', '=', phoneNumber).executeTakeFirst();
  if (!found) throw new Problem('drift_not_found');
  return found;
}

const driftOf = (db: Db, caller: Caller, runId: string) =>
  db
    .selectFrom('carrier_drift as d')
    .leftJoin('organizations as o', join =>
      join.onRef('o.tenant_id', '=', 'd.tenant_id').onRef('o.id', '=', 'd.organization_id'),
    )
    .leftJoin('organizations as w', join =>
      join.onRef('w.tenant_id', '=', 'd.tenant_id').onRef('w.id', '=', 'd.wanted_organization_id'),
    )
    .select(['d.phone_number', 'd.pile', 'd.carrier_number_id', 'd.name', 'd.tags', 'd.reference'])
    .select(['d.subaccount', 'd.differences', 'd.resolution', 'd.resolved_at'])
    .select(['o.unique_id as organization_id', 'w.unique_id as wanted_organization_id'])
    .where('d.tenant_id', '=', caller.tenantId)
    .where('d.run_id', '=', runId);

/** Records the resolution. @throws Problem `drift_resolved` if there is one already */
export async function markResolved(
  db: Db,
  caller: Caller,
  { run_id, phone_number }: { run_id: string; phone_number: string },
  resolution: Resolution,
): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('carrier_drift')
    .set({
      resolution,
      resolved_at: sql<Date>`clock_timestamp()`,
      resolved_by_type: caller.actor.type,
      resolved_by_id: caller.actor.id,
    })
    .where('tenant_id', '=', caller.tenantId)
    .where('run_id', '=', run_id)
    .where('phone_number', '=', phone_number)
    .where('resolved_at', 'is', null)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new Problem('drift_resolved');
}
