import { type Selectable, sql } from 'kysely';
import { type Db, type Tx, transact } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem } from '../errors.ts';
import type { Who } from '../keys/who.ts';

export type Organization = Selectable<Tables['organizations']>;

/** Which organization: by its own id, or by the id that the API knows it by. */
export type OrganizationRef = { id: string } | { unique_id: string };

/** One change to one organization, while it is being made. */
export type Revision = {
  tx: Tx;
  /** As it was when the change began. Its row is locked: no other change to this organization runs meanwhile. */
  organization: Organization;
  /** The number that this change carries if it records anything. */
  number: number;
  /** The moment of the change, by the clock of the database. */
  at: Date;
  /** Writes what has changed into the log. A change that records nothing is no revision. */
  record(type: string, data: Record<string, unknown>): void;
};

/**
 * The one way to change an organization or anything in it: in a transaction that holds the organization's row, with
 * the events of the change, under the next revision number. So revisions have no gap and never meet, and whatever was
 * read at one revision is right until the next.
 */
export function revise<T>(
  db: Db,
  who: Who,
  ref: OrganizationRef,
  change: (revision: Revision) => Promise<T>,
): Promise<T> {
  return transact(db, tx => reviseIn(tx, who, ref, change));
}

async function reviseIn<T>(
  tx: Tx,
  who: Who,
  ref: OrganizationRef,
  change: (revision: Revision) => Promise<T>,
): Promise<T> {
  const { now, ...organization } = await lockOrganization(tx, who, ref);
  const number = organization.revision + 1;
  const at = who.at ?? now;
  const events: { type: string; data: Record<string, unknown> }[] = [];
  const record: Revision['record'] = (type, data) => events.push({ type, data });
  const result = await change({ tx, organization, number, at, record });
  if (events.length === 0) return result;
  const key = { tenant_id: who.tenantId, organization_id: organization.id };
  await tx
    .with('revised', db =>
      db
        .updateTable('organizations')
        .set({ revision: number })
        .where('tenant_id', '=', key.tenant_id)
        .where('id', '=', key.organization_id)
        .returning('revision'),
    )
    .insertInto('events')
    .values(
      events.map(({ type, data }, ordinal) => ({
        ...key,
        revision: number,
        ordinal,
        type,
        at,
        actor_type: who.actor.type,
        actor_id: who.actor.id,
        request_id: who.requestId,
        data: JSON.stringify(data),
      })),
    )
    .execute();
  return result;
}

async function lockOrganization(tx: Tx, who: Who, ref: OrganizationRef) {
  const row = await tx
    .selectFrom('organizations')
    .selectAll()
    .select(sql<Date>`clock_timestamp()`.as('now'))
    .where('tenant_id', '=', who.tenantId)
    .where(eb => ('id' in ref ? eb('id', '=', ref.id) : eb('unique_id', '=', ref.unique_id)))
    .$if(who.organizationId !== null, query => query.where('id', '=', who.organizationId))
    // Not `for update`: rows that refer to the organization may be added meanwhile by this very transaction's peers.
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!row) throw new Problem('organization_not_found');
  return row;
}
