import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { type AllShares, inTurn, type Shares } from '../../http/shares.ts';
import { countedOptions, givesOnly, isCounted, type ListOptions } from './statement.ts';

/* What a list may cost is known before it is read. */

/**
 * Whether PostgreSQL may have to look at every number of the organization: no index finds those that the list has. An
 * option that is not known here is taken for one that does.
 */
function readsAll(caller: Caller, query: ListOptions): boolean {
  const indexed = givesOnly(query, [...countedOptions, 'starts_with', 'external_id']);
  const rare = query.status !== undefined && query.status !== 'available';
  return !indexed || rare || (query.total && !isCounted(caller, query));
}

/** To look at fewer numbers takes a few milliseconds. */
const manyNumbers = 20_000;

/** The share that a list is read in. A heavy one holds no place of its tenant's other requests while it waits. */
export async function shareOf(
  db: Db,
  shares: AllShares,
  caller: Caller,
  organizationId: string,
  query: ListOptions,
): Promise<Shares> {
  if (!readsAll(caller, query)) return shares.requests;
  const { rows } = await inTurn(shares.requests, caller.tenantId, () =>
    sql<{ numbers: number }>`
      select coalesce(sum(count), 0)::bigint as numbers from number_counts
      where tenant_id = ${caller.tenantId} and organization_id = ${organizationId}`.execute(db),
  );
  return rows[0]!.numbers < manyNumbers ? shares.requests : shares.heavy;
}
