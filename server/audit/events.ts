import type { Selectable } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem } from '../errors.ts';
import { findOrganization } from '../organizations/organizations.ts';

export type Event = Selectable<Tables['events']>;

/** Reads the log of an organization after a revision, whole revisions only. */
export async function readEvents(
  db: Db,
  caller: Caller,
  organizationId: string,
  afterRevision: number,
  revisionsMax: number,
): Promise<{ events: Event[]; revision: number; id: string }> {
  const { id, revision } = await findOrganization(db, caller, organizationId);
  const events = await db
    .selectFrom('events')
    .selectAll()
    .where('tenant_id', '=', caller.tenantId)
    .where('organization_id', '=', id)
    .where('revision', '>', afterRevision)
    // Revisions have no gaps, so this range has no more of them than requested.
    .where('revision', '<=', afterRevision + revisionsMax)
    .orderBy('revision')
    .orderBy('ordinal')
    .execute();
  return { events, revision, id };
}

/**
 * Reads one piece of the items that a bulk event stands for. Pieces are counted from 0.
 * @throws Problem batch_not_found
 */
export async function readBatch(db: Db, caller: Caller, batchId: string, piece: number) {
  const rows = await db
    .selectFrom('batch_items')
    .select(['piece', 'items'])
    .where('tenant_id', '=', caller.tenantId)
    .where('batch_id', '=', batchId)
    .where('piece', 'in', [piece, piece + 1])
    .$if(caller.organizationId !== null, query => query.where('organization_id', '=', caller.organizationId!))
    .orderBy('piece')
    .execute();
  const requested = rows.find(row => row.piece === piece);
  if (!requested) throw new Problem('batch_not_found');
  return { items: requested.items, has_more: rows.length === 2 };
}
