import { randomUUIDv7 } from 'node:crypto';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { assertActive } from '../../revisions/revise.ts';
import { findAssignee } from '../../users/references.ts';
import { defaultCountry } from '../phone-number.ts';
import { changeNumber, type Target } from './change-number.ts';
import { assignReserved, releaseReservation, renew, reserve } from './rules.ts';

export type Reservation = {
  reservation_id: string;
  phone_number: string;
  expires_at: Date;
  note: string | null;
};

const after = (at: Date, seconds: number) => new Date(at.getTime() + seconds * 1000);

/** Reserves an available number. Until the reservation ends, the number can only be assigned through it. */
export async function reserveNumber(
  db: Db,
  caller: Caller,
  target: Target,
  input: { expires_in: number; note?: string | null | undefined },
): Promise<Reservation> {
  const { number } = await changeNumber(db, caller, target, (number, revision) => {
    assertActive(revision);
    return reserve(number, randomUUIDv7(), after(revision.now, input.expires_in), input.note ?? null);
  });
  return { ...reservationOf(number), note: number.reservation_note };
}

/** Makes a reservation end after this many seconds from now. */
export async function renewReservation(
  db: Db,
  caller: Caller,
  id: string,
  expiresIn: number,
): Promise<Reservation> {
  const target = await reservedNumber(db, caller, id);
  const { number } = await changeNumber(db, caller, target, (number, revision) => {
    assertActive(revision);
    assertSame(number.reservation_id, id);
    return renew(number, after(revision.now, expiresIn), revision.now);
  });
  return { ...reservationOf(number), note: number.reservation_note };
}

/** Ends a reservation early. */
export async function cancelReservation(
  db: Db,
  caller: Caller,
  id: string,
): Promise<{ phone_number: string }> {
  const target = await reservedNumber(db, caller, id);
  const { number } = await changeNumber(db, caller, target, (number, { now }) => {
    assertSame(number.reservation_id, id);
    return releaseReservation(number, now);
  });
  return { phone_number: number.phone_number };
}

/** Turns a reservation into an assignment. */
export async function assignReservation(db: Db, caller: Caller, id: string, reference: string) {
  const target = await reservedNumber(db, caller, id);
  const { number, at } = await changeNumber(db, caller, target, async (number, revision) => {
    assertActive(revision);
    assertSame(number.reservation_id, id);
    const user = await findAssignee(revision.tx, caller, revision.organization.id, reference);
    return assignReserved(number, user, revision.now);
  });
  return { phone_number: number.phone_number, user_id: number.user_id!, assigned_at: at };
}

const reservationOf = (number: {
  reservation_id: string | null;
  phone_number: string;
  until: Date | null;
}) => ({
  reservation_id: number.reservation_id!,
  phone_number: number.phone_number,
  expires_at: number.until!,
});

function assertSame(actual: string | null, id: string): void {
  if (actual !== id) throw new Problem('reservation_not_found');
}

async function reservedNumber(db: Db, caller: Caller, id: string): Promise<Target> {
  const row = await db
    .selectFrom('phone_numbers')
    .select('phone_number')
    .where('tenant_id', '=', caller.tenantId)
    .where('reservation_id', '=', id)
    .$if(caller.organizationId !== null, query => query.where('organization_id', '=', caller.organizationId))
    .executeTakeFirst();
  if (!row) throw new Problem('reservation_not_found');
  return { phone_number: row.phone_number, default_country: defaultCountry };
}
