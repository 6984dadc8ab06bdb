import { type Selectable, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem } from '../errors.ts';
import { findOrganization } from '../organizations/organizations.ts';

export type Event = Selectable<Tables['events']>;

/** The log of an organization after a revision, whole revisions only. */
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
    // The log has no gap, so this is at most as many revisions as asked for.
    .where('revision', '<=', afterRevision + revisionsMax)
    .orderBy('revision')
    .orderBy('ordinal')
    .execute();
  return { events, revision, id };
}

/** One piece of what a bulk event stands for; pieces are counted from 0. */
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
  const found = rows.find(row => row.piece === piece);
  if (!found) throw new Problem('batch_not_found');
  return { items: found.items, has_more: rows.length === 2 };
}

/**
 * Every tenure of a number in the tenant, the newest first: where it was, and who had it. A key that is bound to an
 * organization sees the part that passed there, and of a number that has left it not what became of it.
 */
export async function readHistory(db: Db, caller: Caller, phoneNumber: string) {
  const { rows: tenures } = await sql<Tenure>`
    select n.id, coalesce(past.status, n.status) as status, n.created_at,
           case when past.status is null then n.released_at end as released_at, o.unique_id as organization_id
    from phone_numbers n
    left join lateral (
      select v.organization_id, v.status from number_versions v
      where v.tenant_id = n.tenant_id and v.phone_number_id = n.id and v.organization_id = ${caller.organizationId}
        and v.organization_id <> n.organization_id
      order by v.to_revision desc limit 1
    ) past on true
    join organizations o on o.tenant_id = n.tenant_id and o.id = coalesce(past.organization_id, n.organization_id)
    where n.tenant_id = ${caller.tenantId} and n.phone_number = ${phoneNumber}
      and (${caller.organizationId}::uuid is null or o.id = ${caller.organizationId})
    order by n.created_at desc, n.id desc`.execute(db);
  if (tenures.length === 0) throw new Problem('number_not_found');
  const ids = tenures.map(tenure => tenure.id);
  const { rows: assignments } = await sql<Held>`
    select a.phone_number_id, a.assigned_at, a.ended_at, u.unique_id as user_id, u.email, u.name, o.unique_id as organization_id
    from assignments a
    join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
    join organizations o on o.tenant_id = a.tenant_id and o.id = a.organization_id
    where a.tenant_id = ${caller.tenantId} and a.phone_number_id = any(${ids}::uuid[])
      and (${caller.organizationId}::uuid is null or a.organization_id = ${caller.organizationId})
    order by a.assigned_at desc, a.from_revision desc`.execute(db);
  const { rows: states } = await sql<State>`
    select s.*, o.unique_id as organization_id, h.user_id, e.type, e.actor_type, e.actor_id, e.request_id
    from (
      select tenant_id, organization_id as o_id, id as phone_number_id, since_revision as revision, modified_at as at, null::timestamptz as ended_at,
             status, nickname, until, reservation_id, reservation_note
      from phone_numbers where tenant_id = ${caller.tenantId} and id = any(${ids}::uuid[])
      union all
      select tenant_id, organization_id, phone_number_id, from_revision, from_at, to_at, status, nickname, until, reservation_id, reservation_note
      from number_versions where tenant_id = ${caller.tenantId} and phone_number_id = any(${ids}::uuid[])
    ) s
    join organizations o on o.tenant_id = s.tenant_id and o.id = s.o_id
    left join lateral (
      select type, actor_type, actor_id, request_id from events e
      where e.tenant_id = s.tenant_id and e.organization_id = s.o_id and e.revision = s.revision
      order by (e.data->>'id' = s.phone_number_id::text) desc nulls last, e.ordinal limit 1
    ) e on true
    left join lateral (
      select u.unique_id as user_id from assignments a
      join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
      where a.tenant_id = s.tenant_id and a.phone_number_id = s.phone_number_id and a.organization_id = s.o_id
        and a.from_revision <= s.revision and (a.to_revision is null or a.to_revision > s.revision)
    ) h on true
    where ${caller.organizationId}::uuid is null or s.o_id = ${caller.organizationId}
    order by s.at desc, s.revision desc`.execute(db);
  return tenures.map(({ id, ...tenure }) => ({
    id,
    ...tenure,
    assignments: assignments.filter(row => row.phone_number_id === id),
    states: states.filter(row => row.phone_number_id === id),
  }));
}

type Tenure = {
  id: string;
  status: string;
  created_at: Date;
  released_at: Date | null;
  organization_id: string;
};

type Held = {
  phone_number_id: string;
  assigned_at: Date;
  ended_at: Date | null;
  user_id: string;
  email: string;
  name: string;
  organization_id: string;
};

type State = {
  phone_number_id: string;
  revision: number;
  at: Date;
  ended_at: Date | null;
  status: string;
  nickname: string | null;
  until: Date | null;
  reservation_id: string | null;
  reservation_note: string | null;
  organization_id: string;
  user_id: string | null;
  type: string | null;
  actor_type: string | null;
  actor_id: string | null;
  request_id: string | null;
};
