import { randomUUIDv7 } from 'node:crypto';
import type { Db, Tx } from '../db/database.ts';
import { Problem } from '../errors.ts';
import type { Who } from '../keys/who.ts';
import { type Revision, revise } from '../revisions/revise.ts';
import { getNumber } from './numbers.ts';

export type Assigned = { phone_number: string; user_id: string; assigned_at: Date };

/** Gives an available number to an active user of its organization. */
export async function assignNumber(
  db: Db,
  who: Who,
  target: { phone_number: string; default_country: string; organization_id?: string | undefined },
  userId: string,
): Promise<Assigned> {
  const found = await locate(db, who, target);
  return revise(db, who, { id: found.organization_id }, async revision => {
    const { tx, organization, at, record } = revision;
    const number = await liveNumber(revision, who, found.id);
    if (number.status === 'assigned') throw new Problem('number_assigned');
    if (number.status !== 'available')
      throw new Problem('number_not_available', `Phone number is ${number.status}`);
    const user = await tx
      .selectFrom('users')
      .select(['id', 'unique_id'])
      .where('tenant_id', '=', who.tenantId)
      .where('organization_id', '=', organization.id)
      .where('unique_id', '=', userId)
      .where('status', '=', 'active')
      .executeTakeFirst();
    if (!user) throw new Problem('assignee_not_found');
    const key = { tenant_id: who.tenantId, organization_id: organization.id };
    await tx
      .insertInto('assignments')
      .values({ ...key, id: randomUUIDv7(), phone_number_id: number.id, user_id: user.id, assigned_at: at })
      .execute();
    await setStatus(tx, who, number.id, 'assigned', at);
    record('number.assigned', { id: number.id, phone_number: number.phone_number, user_id: user.unique_id });
    return { phone_number: number.phone_number, user_id: user.unique_id, assigned_at: at };
  });
}

/** Returns an assigned number to its organization's available pool. */
export async function unassignNumber(
  db: Db,
  who: Who,
  target: { phone_number: string; default_country: string; organization_id?: string | undefined },
): Promise<{ phone_number: string; user_id: string }> {
  const found = await locate(db, who, target);
  return revise(db, who, { id: found.organization_id }, async revision => {
    const { tx, at, record } = revision;
    const number = await liveNumber(revision, who, found.id);
    const open = await tx
      .selectFrom('assignments as a')
      .innerJoin('users as u', join =>
        join
          .onRef('u.tenant_id', '=', 'a.tenant_id')
          .onRef('u.organization_id', '=', 'a.organization_id')
          .onRef('u.id', '=', 'a.user_id'),
      )
      .select(['a.id', 'u.unique_id'])
      .where('a.tenant_id', '=', who.tenantId)
      .where('a.phone_number_id', '=', number.id)
      .where('a.ended_at', 'is', null)
      .executeTakeFirst();
    if (!open) throw new Problem('number_not_assigned');
    await tx
      .updateTable('assignments')
      .set({ ended_at: at })
      .where('tenant_id', '=', who.tenantId)
      .where('id', '=', open.id)
      .execute();
    await setStatus(tx, who, number.id, 'available', at);
    record('number.unassigned', {
      id: number.id,
      phone_number: number.phone_number,
      user_id: open.unique_id,
    });
    return { phone_number: number.phone_number, user_id: open.unique_id };
  });
}

/** The contract of these two calls: what is not there is a 400 here, and `organization_id` only narrows. */
async function locate(
  db: Db,
  who: Who,
  target: { phone_number: string; default_country: string; organization_id?: string | undefined },
) {
  const missing = () => new Problem('number_to_assign_not_found');
  const found = await getNumber(db, who, target.phone_number, target.default_country).catch(error => {
    throw error instanceof Problem && error.code === 'number_not_found' ? missing() : error;
  });
  if (target.organization_id !== undefined && found.organization_unique_id !== target.organization_id)
    throw missing();
  return found;
}

/** The number as it stands under the organization's lock; it may have moved on since it was looked up. */
async function liveNumber({ tx, organization }: Revision, who: Who, id: string) {
  const number = await tx
    .selectFrom('phone_numbers')
    .select(['id', 'phone_number', 'status'])
    .where('tenant_id', '=', who.tenantId)
    .where('organization_id', '=', organization.id)
    .where('id', '=', id)
    .where('released_at', 'is', null)
    .executeTakeFirst();
  if (!number) throw new Problem('number_to_assign_not_found');
  return number;
}

async function setStatus(
  tx: Tx,
  who: Who,
  id: string,
  status: 'available' | 'assigned',
  at: Date,
): Promise<void> {
  await tx
    .updateTable('phone_numbers')
    .set({ status, modified_at: at })
    .where('tenant_id', '=', who.tenantId)
    .where('id', '=', id)
    .execute();
}
