import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { historyNames, type State } from '../numbers/state.ts';

/** One stay of a number in the tenant, with who had it and what it was. */
export type Tenure = TenureRow & { assignments: AssignmentRow[]; states: StateRow[] };

/**
 * Reads every tenure of a number in the tenant, the newest first. A bound key sees the part that passed in its
 * organization. Of a number that has left, it sees nothing later.
 * @throws Problem number_not_found
 */
export async function readHistory(db: Db, caller: Caller, phoneNumber: string): Promise<Tenure[]> {
  const tenures = await readTenures(db, caller, phoneNumber);
  if (tenures.length === 0) throw new Problem('number_not_found');
  const ids = tenures.map(tenure => tenure.id);
  const assignments = await readAssignments(db, caller, ids);
  const states = await readStates(db, caller, ids);
  return tenures.map(tenure => ({
    ...tenure,
    assignments: assignments.filter(row => row.phone_number_id === tenure.id),
    states: states.filter(row => row.phone_number_id === tenure.id),
  }));
}

type TenureRow = {
  id: string;
  status: string;
  created_at: Date;
  released_at: Date | null;
  organization_id: string;
};

async function readTenures(db: Db, caller: Caller, phoneNumber: string): Promise<TenureRow[]> {
  const { rows } = await sql<TenureRow>`
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
  return rows;
}

type AssignmentRow = {
  phone_number_id: string;
  assigned_at: Date;
  ended_at: Date | null;
  user_id: string;
  email: string;
  name: string;
  organization_id: string;
};

async function readAssignments(db: Db, caller: Caller, ids: string[]): Promise<AssignmentRow[]> {
  const { rows } = await sql<AssignmentRow>`
    select a.phone_number_id, a.assigned_at, a.ended_at, u.unique_id as user_id, u.email, u.name, o.unique_id as organization_id
    from assignments a
    join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
    join organizations o on o.tenant_id = a.tenant_id and o.id = a.organization_id
    where a.tenant_id = ${caller.tenantId} and a.phone_number_id = any(${ids}::uuid[])
      and (${caller.organizationId}::uuid is null or a.organization_id = ${caller.organizationId})
    order by a.assigned_at desc, a.from_revision desc`.execute(db);
  return rows;
}

export type HistoryName = (typeof historyNames)[number];

type StateRow = Pick<State, HistoryName> & {
  phone_number_id: string;
  revision: number;
  at: Date;
  ended_at: Date | null;
  organization_id: string;
  user_id: string | null;
  type: string | null;
  actor_type: 'key' | 'user' | 'system' | null;
  actor_id: string | null;
  request_id: string | null;
};

const columns = sql.raw(historyNames.join(', '));

/** The present state is in phone_numbers, earlier ones are in number_versions. Each is joined with its event. */
async function readStates(db: Db, caller: Caller, ids: string[]): Promise<StateRow[]> {
  const { rows } = await sql<StateRow>`
    select s.*, o.unique_id as organization_id, h.user_id, e.type, e.actor_type, e.actor_id, e.request_id
    from (
      select tenant_id, organization_id as o_id, id as phone_number_id, since_revision as revision, modified_at as at, null::timestamptz as ended_at, ${columns}
      from phone_numbers where tenant_id = ${caller.tenantId} and id = any(${ids}::uuid[])
      union all
      select tenant_id, organization_id, phone_number_id, from_revision, from_at, to_at, ${columns}
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
  return rows;
}
