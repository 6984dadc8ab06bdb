import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { findOrganization } from '../../organizations/organizations.ts';
import { assertActive, type Revision, reviseMany } from '../../revisions/revise.ts';
import { type Edit, type State, stateNames } from '../state.ts';
import { changeNumber, type Target, withNumber } from './change-number.ts';
import { type Change, eventOf, loadStates, writeStates } from './changes.ts';
import { changesRegistration } from './registration.ts';
import { edit, endCoolDown, restore, transfer } from './rules.ts';

export function editNumber(db: Db, caller: Caller, target: Target, given: Edit) {
  return changeNumber(db, caller, target, number => edit(number, given));
}

/** Ends a cool-down early. */
export async function endNumberCoolDown(db: Db, caller: Caller, target: Target): Promise<void> {
  await changeNumber(db, caller, target, endCoolDown);
}

/**
 * Undoes a release. The user who had the number gets it back if they are still active. A number that was not attached
 * yet is pending again.
 */
export async function restoreNumber(db: Db, caller: Caller, target: Target): Promise<void> {
  await changeNumber(db, caller, target, async (number, revision) => {
    assertActive(revision);
    const { rows } = await sql<{ pending: boolean; id: string | null; unique_id: string | null }>`
      with this as (
        select * from phone_numbers where tenant_id = ${caller.tenantId} and id = ${number.id}
      ), past as (
        select v.* from number_versions v join this n
          on v.tenant_id = n.tenant_id and v.phone_number_id = n.id and v.organization_id = n.organization_id
      ), release as (
        -- The revision that began the release. The number may have been edited since.
        select min(from_revision) as revision
        from (
          select since_revision as from_revision from this
          union all
          select from_revision from past where status = 'releasing'
            and from_revision >= (select coalesce(max(to_revision), 0) from past where status <> 'releasing')) r
      )
      select exists (select from past where to_revision = release.revision and status = 'pending') as pending,
        u.id, u.unique_id
      from release
      left join assignments a on a.tenant_id = ${caller.tenantId} and a.phone_number_id = ${number.id}
        and a.organization_id = ${revision.organization.id} and a.to_revision = release.revision
      left join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
        and u.status = 'active'`.execute(revision.tx);
    const { pending, id, unique_id } = rows[0]!;
    const holder = id === null ? undefined : { id, unique_id: unique_id! };
    return restore(number, { pending, holder }, revision.now);
  });
}

/**
 * Moves a number to another organization of the tenant, in one revision of each. It rests there for the time that the
 * tenant has set. An assignment is ended only if `end_assignment` is set.
 */
export async function transferNumber(
  db: Db,
  caller: Caller,
  target: Target,
  to: { to_organization_id: string; end_assignment: boolean },
): Promise<void> {
  await withNumber(db, caller, target, async ({ id, organization_id }) => {
    const destination = await findOrganization(db, caller, to.to_organization_id);
    if (destination.id === organization_id) throw new Problem('already_there');
    return reviseMany(db, caller, [organization_id, destination.id], async revisions => {
      const leaving = revisions.get(organization_id)!;
      const arriving = revisions.get(destination.id)!;
      assertActive(arriving);
      const [number] = await loadStates(leaving, caller, [id]);
      if (!number) return undefined;
      const reattach = changesRegistration(number, leaving.organization, arriving.organization);
      const options = { endAssignment: to.end_assignment, reattach };
      const step = transfer(number, arriving.policy, arriving.now, options);
      await writeStates(leaving, arriving, caller, [{ before: number, after: { ...number, ...step.set } }]);
      const [out, into] = transferEvents(leaving, arriving, { number, step });
      leaving.record(out.type, out.data);
      arriving.record(into.type, into.data);
      return true;
    });
  });
}

/**
 * The events of a transfer. The log of the organization that the number leaves says where it went. The log of the other
 * says where it came from, and has its new state.
 */
export function transferEvents(leaving: Revision, arriving: Revision, { number, step }: Change) {
  const { id, phone_number } = number;
  const changes = eventOf({ number, step })?.data.changes ?? {};
  const from = { from_organization_id: leaving.organization.unique_id };
  const to = { to_organization_id: arriving.organization.unique_id };
  const after: State = { ...number, ...step.set };
  const arrived = Object.fromEntries(stateNames.map(name => [name, after[name]]));
  return [
    { type: 'number.transferred_out', data: { id, phone_number, ...to, changes: {} } },
    { type: 'number.transferred_in', data: { id, phone_number, ...from, changes, number: arrived } },
  ] as const;
}
