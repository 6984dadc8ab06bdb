import { type Selectable, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { type Db, type Tx, transact } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem } from '../errors.ts';

export type Organization = Selectable<Tables['organizations']>;

/** Settings of the tenant. */
export type Policy = {
  cool_down_seconds: number;
  transfer_cool_down_seconds: number;
  release_undo_seconds: number;
  /** The numbers that the weekly price is charged for. */
  weekly_fee_for: 'carrier' | 'all';
};

/** Names an organization by the id of its row, or by its id in the API. */
export type OrganizationRef = { id: string } | { unique_id: string };

/** One change to one organization, while it is being made. */
export type Revision = {
  tx: Tx;
  /** The organization before the change. Its row is locked, so no other change to it runs meanwhile. */
  organization: Organization;
  policy: Policy;
  /** The number of this revision. It stays unused if the change records nothing. */
  number: number;
  /** The date of the change, by the clock of the database, and never before the previous revision. */
  at: Date;
  /** The clock of the database itself. Deadlines are compared with it, even if it was set back. */
  now: Date;
  /** Adds an event to the log. A change that records nothing makes no revision. */
  record(type: string, data: Record<string, unknown>): void;
};

/**
 * The one way to change an organization or anything in it. One transaction locks the organization's row, makes the
 * change, writes its events and raises the revision. So revisions have no gaps and never overlap, and data that was read
 * at one revision is right until the next.
 */
export function revise<T>(
  db: Db,
  caller: Caller,
  ref: OrganizationRef,
  change: (revision: Revision) => Promise<T>,
): Promise<T> {
  return transact(db, async tx => {
    const open = await openRevision(tx, caller, ref);
    const result = await change(open.revision);
    await open.write();
    return result;
  });
}

/** The same where nobody else is changing the organization; otherwise nothing is done, and undefined returned. */
export function reviseIfFree<T>(
  db: Db,
  caller: Caller,
  ref: { id: string },
  change: (revision: Revision) => Promise<T>,
): Promise<T | undefined> {
  return transact(db, async tx => {
    const free = await tx
      .selectFrom('organizations')
      .select('id')
      .where('tenant_id', '=', caller.tenantId)
      .where('id', '=', ref.id)
      .forNoKeyUpdate()
      .skipLocked()
      .executeTakeFirst();
    return free && revise(tx, caller, ref, change);
  });
}

/**
 * Revises several organizations in one transaction. They are locked in the order of their ids, so that two such changes
 * wait for each other instead of deadlocking. `If-Match` applies to the first.
 * @param ids the ids of their rows
 * @throws Problem organization_not_found for one that does not exist or is not visible to the caller
 */
export function reviseMany<T>(
  db: Db,
  caller: Caller,
  ids: string[],
  change: (revisions: Map<string, Revision>) => Promise<T>,
): Promise<T> {
  return transact(db, async tx => {
    const opened = new Map<string, OpenRevision>();
    const { ifMatch, ...others } = caller;
    for (const id of [...new Set(ids)].sort()) {
      opened.set(id, await openRevision(tx, id === ids[0] ? caller : others, { id }));
    }
    const result = await change(new Map([...opened].map(([id, open]) => [id, open.revision])));
    for (const open of opened.values()) await open.write();
    return result;
  });
}

/** @throws Problem organization_not_active: a suspended or inactive organization hands no numbers out */
export function assertActive({ organization }: Revision): void {
  if (organization.status !== 'active') {
    throw new Problem('organization_not_active', `Organization is ${organization.status}`);
  }
}

type OpenRevision = { revision: Revision; write(): Promise<void> };

async function openRevision(tx: Tx, caller: Caller, ref: OrganizationRef): Promise<OpenRevision> {
  const {
    clock,
    dated,
    cool_down_seconds,
    transfer_cool_down_seconds,
    release_undo_seconds,
    weekly_fee_for,
    ...organization
  } = await lockOrganization(tx, caller, ref);
  const { ifMatch } = caller;
  const same =
    ifMatch?.revision === organization.revision &&
    (ifMatch.moment === undefined || ifMatch.moment === Number(organization.revised_at));
  if (ifMatch && !same)
    throw new Problem('revision_mismatch', `The organization is at revision ${organization.revision}`);
  const number = organization.revision + 1;
  const at = caller.at ?? dated;
  const now = caller.at ?? clock;
  const policy = { cool_down_seconds, transfer_cool_down_seconds, release_undo_seconds, weekly_fee_for };
  const events: NewEvent[] = [];
  const record: Revision['record'] = (type, data) => events.push({ type, data });
  return {
    revision: { tx, organization, policy, number, at, now, record },
    write: async () => {
      if (events.length > 0) await writeEvents(tx, caller, organization.id, number, at, events);
    },
  };
}

type NewEvent = { type: string; data: Record<string, unknown> };

async function writeEvents(
  tx: Tx,
  caller: Caller,
  organizationId: string,
  number: number,
  at: Date,
  events: NewEvent[],
) {
  const { actor, requestId } = caller;
  const rows = JSON.stringify(events.map((event, ordinal) => ({ ordinal, ...event })));
  await sql`
    with revised as (
      update organizations set revision = ${number}, revised_at = ${at}
      where tenant_id = ${caller.tenantId} and id = ${organizationId}
    )
    insert into events (tenant_id, organization_id, revision, ordinal, type, at, actor_type, actor_id, request_id, data)
    select ${caller.tenantId}, ${organizationId}, ${number}, e.ordinal, e.type, ${at}, ${actor.type}, ${actor.id}, ${requestId}, e.data
    from jsonb_to_recordset(${rows}::jsonb) as e(ordinal integer, type text, data jsonb)`.execute(tx);
}

/** By name instead of `*`, so that the statement can be prepared: see db/prepared.ts. */
const columns: Record<keyof Organization, true> = {
  ...{ tenant_id: true, id: true, unique_id: true, name: true, contact_email: true, status: true },
  ...{ sms_active: true, sms_registration_status: true },
  ...{ registration_submitted_at: true, registration_approved_at: true },
  ...{ carrier_account_id: true, monthly_spending_cap: true, messaging_service_id: true, campaign_id: true },
  ...{ revision: true, revised_at: true, created_at: true, modified_at: true },
};
const policies = [
  'cool_down_seconds',
  'transfer_cool_down_seconds',
  'release_undo_seconds',
  'weekly_fee_for',
];
const listed = (names: string[], table: string) => names.map(name => `${table}.${name}`).join(', ');
const selected = sql.raw(`${listed(Object.keys(columns), 'o')}, ${listed(policies, 't')}`);
const locked = sql.raw(listed([...Object.keys(columns), ...policies], 'l'));

type LockedOrganization = Organization & Policy & { dated: Date; clock: Date };

async function lockOrganization(tx: Tx, caller: Caller, ref: OrganizationRef): Promise<LockedOrganization> {
  const named = 'id' in ref ? sql`o.id = ${ref.id}` : sql`o.unique_id = ${ref.unique_id}`;
  const visible = caller.organizationId === null ? sql`` : sql`and o.id = ${caller.organizationId}`;
  // `for no key update`: `for update` would also wait for transactions that only refer to the row by a foreign key.
  // The clock is read outside of `locked`, so after the lock is taken. Inside, a change that waited for a lock would be
  // dated with the moment at which it began to wait. Each revision is dated at least a millisecond after the previous
  // one, even by a clock that was set back: an organization never has two revisions of one moment. But a clock that was
  // days ahead once must not date all later revisions: as_of would not see them for as long.
  const { rows } = await sql<LockedOrganization>`
    with locked as materialized (
      select ${selected} from organizations o join tenants t on t.id = o.tenant_id
      where o.tenant_id = ${caller.tenantId} and ${named} ${visible}
      for no key update of o)
    select ${locked}, clock.now as clock,
      case when l.revised_at > clock.now + interval '1 day' then date_trunc('milliseconds', clock.now)
           else greatest(date_trunc('milliseconds', clock.now), l.revised_at + interval '1 millisecond') end as dated
    from locked l cross join lateral (select clock_timestamp() as now where l.id is not null) clock`.execute(
    tx,
  );
  if (!rows[0]) throw new Problem('organization_not_found');
  return rows[0];
}
