import { randomUUIDv7 } from 'node:crypto';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { invalidFields, Problem, translateViolations, type WrongField } from '../../errors.ts';
import { mapInPieces } from '../../http/pieces/turns.ts';
import { takeRoom } from '../../limits/numbers.ts';
import { assertActive, type Revision, revise } from '../../revisions/revise.ts';
import { chargesAll } from '../../tenants/weekly-fee.ts';
import { resolveUsers } from '../../users/references.ts';
import { type Detail, detailsById } from '../list/details.ts';
import { type PhoneNumber, readPhoneNumber } from '../phone-number.ts';
import { type Edit, type Editable, type EditableName, eventValues, field, readEdit } from '../state.ts';
import { openAssignments } from './changes.ts';
import type { User } from './rules.ts';
import { takenValueProblems } from './unique.ts';

export type NewNumber = Edit & {
  phone_number: string;
  user_id?: string | null;
  /** Not in the API. The demo gives its numbers the ids of the published example. */
  id?: string;
};

const constraintProblems = {
  ...takenValueProblems,
  phone_numbers_live_key: (detail: string) => {
    const number = /\+\d+/.exec(detail)?.[0] ?? '';
    return new Problem('number_taken', `Phone number ${number} already exists`);
  },
};

/** Adds numbers to an organization, all or none. A number with a user is assigned. @returns them in the order given */
export async function addNumbers(
  db: Db,
  caller: Caller,
  input: { organization_id: string; phone_numbers: NewNumber[]; default_country: string },
): Promise<Detail[]> {
  const numbers = await readNumbers(input.phone_numbers, input.default_country);
  const userReferences = input.phone_numbers.flatMap(({ user_id: user }, index) =>
    user == null ? [] : [{ user, field: `phone_numbers[${index}].user_id` }],
  );
  const ids = await revise(db, caller, { unique_id: input.organization_id }, async revision => {
    assertActive(revision);
    const { tx, organization, record } = revision;
    const users = await resolveUsers(tx, caller, organization.id, userReferences);
    const added = numbers.map((number, index) => {
      const { id, user_id, phone_number: _, ...given } = input.phone_numbers[index]!;
      return {
        id: id ?? randomUUIDv7(),
        number,
        user: user_id == null ? undefined : users.get(user_id),
        carrier: null,
        values: readEdit(given),
      };
    });
    await insertNumbers(revision, caller, added);
    record('numbers.added', { numbers: added.map(arrivalOf) });
    return added.map(({ id }) => id);
  });
  return detailsById(db, caller, ids);
}

/** A number as it comes into an organization. */
export type Arrival = {
  id: string;
  number: PhoneNumber;
  /** The user it is assigned to from the beginning. */
  user: User | undefined;
  /** The carrier account it comes from, if any. */
  carrier: { account_id: string; number_id: string } | null;
  /** The fields that are given. All others are empty. */
  values: Partial<Editable>;
  /** Bought, but not usable until the carrier has attached it to the registration. */
  pending?: boolean;
};

/**
 * Inserts numbers and their assignments. The calling function records the event, with arrivalOf() of each number. The
 * weekly fees of numbers from a carrier account begin now, and so do those of others if the tenant charges for all.
 * @param options.hasRoom an order has taken the room for them in the tenant's limit
 */
export async function insertNumbers(
  revision: Revision,
  caller: Caller,
  arrivals: Arrival[],
  options: { hasRoom?: boolean } = {},
): Promise<void> {
  const { tx, organization, number: since_revision, at } = revision;
  if (!options.hasRoom) await takeRoom(tx, caller, arrivals.length);
  const feesForAll = arrivals.some(({ carrier }) => !carrier) && (await chargesAll(tx, caller));
  const rows = arrivals.map(arrival => {
    const { id, number, carrier, values } = arrival;
    const status = statusOf(arrival);
    return {
      tenant_id: caller.tenantId,
      organization_id: organization.id,
      id,
      phone_number: number.e164,
      pretty_phone_number: number.pretty,
      country: number.country,
      ...columnsOf(values),
      status,
      available_since: status === 'available' ? at : null,
      carrier_account_id: carrier?.account_id ?? null,
      carrier_number_id: carrier?.number_id ?? null,
      next_fee_at: carrier || feesForAll ? at : null,
      attach_due_at: status === 'pending' ? at : null,
      since_revision,
      created_at: at,
      modified_at: at,
    };
  });
  await translateViolations(constraintProblems, tx.insertInto('phone_numbers').values(rows).execute());
  const held = arrivals.flatMap(arrival =>
    statusOf(arrival) === 'assigned' ? [{ phone_number_id: arrival.id, user_id: arrival.user!.id }] : [],
  );
  await openAssignments(revision, caller, held);
}

/** The values as their columns need them: JSON as text. */
const columnsOf = (values: Partial<Editable>) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      field(name as EditableName).column === 'jsonb' ? JSON.stringify(value) : value,
    ]),
  );

const statusOf = ({ pending, user }: Arrival): 'pending' | 'assigned' | 'available' =>
  pending ? 'pending' : user ? 'assigned' : 'available';

/** A new number as its event shows it. */
export function arrivalOf(arrival: Arrival): Record<string, unknown> {
  const { id, number, user, carrier, values } = arrival;
  const status = statusOf(arrival);
  return {
    id,
    phone_number: number.e164,
    ...eventValues(values),
    user_id: status === 'assigned' ? user!.unique_id : null,
    ...(carrier && { carrier_account_id: carrier.account_id, carrier_number_id: carrier.number_id }),
    ...(status === 'pending' && { status }),
  };
}

async function readNumbers(entries: NewNumber[], country: string): Promise<PhoneNumber[]> {
  const places = new Map<string, number>();
  const wrong: WrongField[] = [];
  const read = await mapInPieces(entries, ({ phone_number }, index) => {
    const field = `phone_numbers[${index}].phone_number`;
    const number = readPhoneNumber(phone_number, country);
    if (typeof number === 'string') {
      wrong.push({ field, error: `${field} ${number}` });
      return [];
    }
    const earlier = places.get(number.e164);
    if (earlier === undefined) places.set(number.e164, index);
    else wrong.push({ field, error: `${field} is the same number as phone_numbers[${earlier}]` });
    return [number];
  });
  if (wrong.length > 0) throw invalidFields(wrong);
  return read.flat();
}
