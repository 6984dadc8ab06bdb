import { type Selectable, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem } from '../errors.ts';
import { findOrganization } from '../organizations/organizations.ts';

export type Event = Selectable<Tables['events']>;

/** A place in the log: after a revision. Its moment tells that revision from another one with the same number. */
export type Place = { revision: number; moment?: number };

/** The log in one answer ends after the revision with which it has so many bytes of JSON. */
const bytesMax = 1_048_576;

/** Those of the revisions before the row's own. */
const bytes = sql`octet_length(data::text)`;
const bytesBefore = sql<number>`sum(${bytes}) over (order by revision) - sum(${bytes}) over (partition by revision)`;

const columns = [
  ...(['tenant_id', 'organization_id', 'revision', 'ordinal', 'type', 'at'] as const),
  ...(['actor_type', 'actor_id', 'request_id', 'data'] as const),
];

/**
 * Reads the log of an organization after a place, whole revisions only, and fewer of them if they are large.
 * @throws Problem organization_not_found; log_restarted if the log has no such place
 */
export async function readEvents(
  db: Db,
  caller: Caller,
  organizationId: string,
  after: Place,
  revisionsMax: number,
): Promise<{ events: Event[]; revision: number; id: string; cursor: string }> {
  const { id, revision, revised_at } = await findOrganization(db, caller, organizationId);
  if (after.revision > revision) throw restarted(`The organization is at revision ${revision}`);
  const now = revision === 0 ? 0 : revised_at.getTime();
  const at = after.revision === revision ? now : await momentOf(db, caller, id, after.revision);
  if (after.moment !== undefined && after.moment !== at)
    throw restarted(`Revision ${after.revision} is of another moment here`);
  const events = await db
    .selectFrom(
      db
        .selectFrom('events')
        .select([...columns, bytesBefore.as('bytes_before')])
        .where('tenant_id', '=', caller.tenantId)
        .where('organization_id', '=', id)
        .where('revision', '>', after.revision)
        // Revisions have no gaps, so this range has no more of them than requested.
        .where('revision', '<=', after.revision + revisionsMax)
        .as('sized'),
    )
    .select(columns)
    .where('bytes_before', '<', bytesMax)
    .orderBy('revision')
    .orderBy('ordinal')
    .execute();
  const last = events.at(-1);
  const cursor = last ? `${last.revision}-${last.at.getTime()}` : `${after.revision}-${at}`;
  return { events, revision, id, cursor };
}

/** The moment of a revision, in milliseconds; 0 for the beginning of the log. */
async function momentOf(db: Db, caller: Caller, organizationId: string, revision: number): Promise<number> {
  if (revision === 0) return 0;
  const { at } = await db
    .selectFrom('events')
    .select('at')
    .where('tenant_id', '=', caller.tenantId)
    .where('organization_id', '=', organizationId)
    .where('revision', '=', revision)
    .limit(1)
    .executeTakeFirstOrThrow();
  return at.getTime();
}

/** A caller knows of a place only from a log that had it. */
const restarted = (reason: string): Problem =>
  new Problem(
    'log_restarted',
    undefined,
    `${reason}. If you have that place from here, the database has gone back to an earlier state. Read the list and the log again from the beginning.`,
  );

/**
 * Reads one piece of the items that a bulk event stands for, as JSON. Pieces are counted from 0.
 * @throws Problem batch_not_found
 */
export async function readBatch(db: Db, caller: Caller, batchId: string, piece: number) {
  const rows = await db
    .selectFrom('batch_items')
    .select(['piece', sql<string | null>`case when piece = ${piece} then items::text end`.as('json')])
    .where('tenant_id', '=', caller.tenantId)
    .where('batch_id', '=', batchId)
    .where('piece', 'in', [piece, piece + 1])
    .$if(caller.organizationId !== null, query => query.where('organization_id', '=', caller.organizationId!))
    .orderBy('piece')
    .execute();
  const requested = rows.find(row => row.piece === piece);
  if (!requested) throw new Problem('batch_not_found');
  return { json: requested.json!, has_more: rows.length === 2 };
}
