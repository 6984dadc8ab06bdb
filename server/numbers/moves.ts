import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import type { Who } from '../keys/who.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { assertActive, type Revision, reviseMany } from '../revisions/revise.ts';
import { changeNumber, type Target, withNumber } from './change-number.ts';
import { type Change, eventOf, loadStates, writeStates } from './changes.ts';
import { type Edit, edit, endCoolDown, release, restore, transfer } from './life.ts';
import { getNumber } from './numbers.ts';

export function editNumber(db: Db, who: Who, target: Target, given: Edit) {
  return changeNumber(db, who, target, number => edit(number, given));
}

/** Makes a resting number available before its time. */
export async function endNumberCoolDown(db: Db, who: Who, target: Target): Promise<void> {
  await changeNumber(db, who, target, endCoolDown);
}

export type Released = {
  phone_number: string;
  released_at: Date;
  can_be_undone: boolean;
  already_released: boolean;
};

/**
 * Gives a number up: for good at once, or after the time in which the tenant may take it back. Releasing what is
 * released already changes nothing.
 */
export async function releaseNumber(db: Db, who: Who, target: Target): Promise<Released> {
  const before = await lastTenure(db, who, target);
  if (before.released_at) {
    if (target.organization_id !== undefined && before.organization_unique_id !== target.organization_id) {
      throw new Problem('number_not_found');
    }
    const { phone_number, released_at } = before;
    return { phone_number, released_at, can_be_undone: false, already_released: true };
  }
  let already = false;
  const { number, at } = await changeNumber(db, who, target, (number, { policy, now }) => {
    already = number.status === 'releasing';
    return release(number, policy, now);
  });
  const can_be_undone = number.status === 'releasing';
  return {
    phone_number: number.phone_number,
    released_at: number.until ?? at,
    can_be_undone,
    already_released: already,
  };
}

/** The tenure that a repeated release means: the newest one, if it has ended. */
async function lastTenure(db: Db, who: Who, target: Target) {
  const live = await getNumber(db, who, target.phone_number, target.default_country).catch(error => {
    if (error instanceof Problem && error.code === 'number_not_found') return undefined;
    throw error;
  });
  if (live) return live;
  return getNumber(db, who, target.phone_number, target.default_country, 'last');
}

/** Takes a release back; a user who had the number has it again, if they are still active. */
export async function restoreNumber(db: Db, who: Who, target: Target): Promise<void> {
  await changeNumber(db, who, target, async (number, revision) => {
    assertActive(revision);
    const { rows } = await sql<{ id: string; unique_id: string }>`
      select u.id, u.unique_id from phone_numbers n
      join assignments a on a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.organization_id = n.organization_id
      join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
      where n.tenant_id = ${who.tenantId} and n.id = ${number.id} and u.status = 'active'
        -- The one that the release ended, though the number may have been edited since.
        and a.to_revision = (
          select min(r.from_revision)
          from (
            select n.since_revision as from_revision
            union all
            select v.from_revision from number_versions v
            where v.tenant_id = n.tenant_id and v.phone_number_id = n.id and v.organization_id = n.organization_id
              and v.status = 'releasing' and v.from_revision >= (
                select coalesce(max(w.to_revision), 0) from number_versions w
                where w.tenant_id = n.tenant_id and w.phone_number_id = n.id and w.organization_id = n.organization_id
                  and w.status <> 'releasing')) r)`.execute(revision.tx);
    return restore(number, rows[0], revision.now);
  });
}

/**
 * Moves a number to another organization of the tenant: one revision of each. It rests there for as long as the
 * tenant has set. An assignment is ended only with `end_assignment`.
 */
export async function transferNumber(
  db: Db,
  who: Who,
  target: Target,
  to: { to_organization_id: string; end_assignment: boolean },
): Promise<void> {
  await withNumber(db, who, target, async found => {
    const destination = await findOrganization(db, who, to.to_organization_id);
    if (destination.id === found.organization_id) throw new Problem('already_there');
    return reviseMany(db, who, [found.organization_id, destination.id], async revisions => {
      const leaving = revisions.get(found.organization_id)!;
      const arriving = revisions.get(destination.id)!;
      assertActive(arriving);
      const [number] = await loadStates(leaving, who, [found.id]);
      if (!number) return undefined;
      const step = transfer(number, arriving.policy, arriving.now, to.end_assignment);
      await writeStates(leaving, arriving, who, [{ before: number, after: { ...number, ...step.set } }]);
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
  const { status, until, nickname, tags, locked, metadata } = { ...number, ...step.set };
  const arrived = { status, until, nickname, tags, locked, metadata };
  return [
    { type: 'number.transferred_out', data: { id, phone_number, ...to, changes: {} } },
    { type: 'number.transferred_in', data: { id, phone_number, ...from, changes, number: arrived } },
  ] as const;
}
