import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { findOrganization } from '../../organizations/organizations.ts';
import { assertActive, type Revision, reviseMany } from '../../revisions/revise.ts';
import { type Edit, type State, stateNames } from '../state.ts';
import { changeNumber, type Target, withNumber } from './change-number.ts';
import { type Change, eventOf, loadStates, writeStates } from './changes.ts';
import { edit, endCoolDown, restore, transfer } from './rules.ts';

export function editNumber(db: Db, caller: Caller, target: Target, given: Edit) {
  return changeNumber(db, caller, target, number => edit(number, given));
}

/** Makes a resting number available before its time. */
export async function endNumberCoolDown(db: Db, caller: Caller, target: Target): Promise<void> {
  await changeNumber(db, caller, target, endCoolDown);
}

/**
 * Takes a release back; a user who had the number has it again, if they are still active. What was not attached yet is
 * attached first.
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
        -- The revision that began it, though the number may have been edited since.
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
 * Moves a number to another organization of the tenant: one revision of each. It rests there for as long as the
 * tenant has set. An assignment is ended only with `end_assignment`.
 */
export async function transferNumber(
  db: Db,
  caller: Caller,
  target: Target,
  to: { to_organization_id: string; end_assignment: boolean },
): Promise<void> {
  await withNumber(db, caller, target, async found => {
    const destination = await findOrganization(db, caller, to.to_organization_id);
    if (destination.id === found.organization_id) throw new Problem('already_there');
    return reviseMany(db, caller, [found.organization_id, destination.id], async revisions => {
      const leaving = revisions.get(found.organization_id)!;
      const arriving = revisions.get(destination.id)!;
      assertActive(arriving);
      const [number] = await loadStates(leaving, caller, [found.id]);
      if (!number) return undefined;
      const step = transfer(number, arriving.policy, arriving.now, to.end_assignment);
      await writeStates(leaving, arriving, caller, [{ before: number, after: { ...number, ...step.set } }]);
      const [out, into] = transferEvents(leaving, arriving, { number, step });
      leaving.record(out.type, out.data);
      arriving.record(into.type, into.data);
      return true;
    });
  });
}

/** What the logs of the two organizations say of a transfer: one that it went and where, the other whence and what it now is. */
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
