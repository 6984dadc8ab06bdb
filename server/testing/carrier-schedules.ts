import fc from 'fast-check';
import type { Fault } from '../../carriers/sandbox/store.ts';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { createTenant, editTenant } from '../tenants/tenants.ts';
import { createUser } from '../users/users.ts';

/** A process: what is asked of it, all at the same time, and after how many steps it is gone. */
export type Process<Ask> = { asks: Ask[]; steps: number };

/** Everything that can go wrong but a lie, that the number is not known: that only a comparison finds out. */
const kinds: Fault['kind'][] = [
  ...(['unavailable', 'rate_limited', 'out_of_funds', 'needs_compliance', 'authentication_failed'] as const),
  ...(['transient', 'error_before', 'error_after', 'timeout_before', 'timeout_after'] as const),
  ...(['hang', 'torn', 'other_number'] as const),
];

/** @param calls that it may befall, the likelier the more often they are named */
export const faultsOf = (...calls: Fault['call'][]): fc.Arbitrary<Fault[]> =>
  fc.array(
    fc.record({
      call: fc.constantFrom(...calls),
      kind: fc.constantFrom(...kinds),
      times: fc.integer({ min: 1, max: 2 }),
    }),
    { maxLength: 4 },
  );

/**
 * One process after the other, most of which end early.
 * @param steps that the longest of the asks takes
 */
export const processesOf = <Ask>(steps: number, ...asks: Ask[]): fc.Arbitrary<Process<Ask>[]> =>
  fc.array(
    fc.record({
      asks: fc.array(fc.constantFrom(...asks), { minLength: 1, maxLength: 2 }),
      steps: fc.oneof(fc.integer({ min: 0, max: steps }), fc.constant(Number.POSITIVE_INFINITY)),
    }),
    { minLength: 1, maxLength: 4 },
  );

export type Tenant = { caller: Caller; organization: string; user: { id: string; unique_id: string } };

/** A tenant with an organization and a user, by the ids that the API knows them by. */
export async function newScheduleTenant(db: Db, release_undo_seconds: number): Promise<Tenant> {
  const { caller } = await createTenant(db, 'Test', 'test');
  await editTenant(db, caller, { release_undo_seconds });
  const { unique_id: organization } = await createOrganization(db, caller, { name: 'Acme' });
  const input = { name: 'Ann', email: 'ann@example.com' };
  const user = await createUser(db, caller, organization, input);
  return { caller, organization, user };
}

/** As much as any lease, pause or undo window lasts. */
export async function letTimePass(db: Db): Promise<void> {
  await db.updateTable('orders').set({ next_at: new Date() }).where('next_at', '>', new Date()).execute();
  for (const moment of ['release_due_at', 'attach_due_at', 'until'] as const)
    await db
      .updateTable('phone_numbers')
      .set({ [moment]: new Date() })
      .where(moment, '>', new Date())
      .execute();
}
