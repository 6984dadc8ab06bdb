import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import { arrivalOf, insertNumbers } from '../numbers/life/arrivals.ts';
import { applyChanges, loadStates } from '../numbers/life/changes.ts';
import { transferNumber } from '../numbers/life/moves.ts';
import { endRelease } from '../numbers/life/rules.ts';
import { createOrganization, findOrganization } from '../organizations/organizations.ts';
import { revise } from '../revisions/revise.ts';
import { createTenant, editTenant } from '../tenants/tenants.ts';
import type { WeeklyFeeFor } from '../tenants/weekly-fee.ts';
import { newCarrierAccount } from '../testing/carrier-numbers.ts';
import { charge, type NewCharge, spending } from './charges.ts';

/** A tenant with two organizations and a carrier account, and the changes that tests make there at a given time. */
export async function newBook(db: Db) {
  const { caller, secret: key } = await createTenant(db, 'Test', 'test');
  const tenant_id = caller.tenantId;
  const [north, south] = [`north.${tenant_id}`, `south.${tenant_id}`] as const;
  for (const unique_id of [north, south]) await createOrganization(db, caller, { name: 'Acme', unique_id });
  const account = await newCarrierAccount(db, caller);
  const on = (time: number): Caller => ({ ...caller, at: new Date(time) });
  const idOf = async (number: string) => {
    const its = db.selectFrom('phone_numbers').select('id').where('tenant_id', '=', tenant_id);
    return (await its.where('phone_number', '=', number).executeTakeFirstOrThrow()).id;
  };

  return {
    caller,
    key,
    north,
    south,
    setPrice: (weekly_price: number) =>
      db.updateTable('tenants').set({ weekly_price }).where('id', '=', tenant_id).execute(),

    chargeFor: (time: number, weekly_fee_for: WeeklyFeeFor) => editTenant(db, on(time), { weekly_fee_for }),

    /** Adds numbers as a purchase or an adoption does, or without an account. */
    bring: (time: number, organization: string, numbers: string[], fromAccount = true) =>
      revise(db, on(time), { unique_id: organization }, async revision => {
        const arrivals = numbers.map(e164 => ({
          id: randomUUIDv7(),
          number: { e164, pretty: e164, country: 'US' },
          values: {},
          user: undefined,
          carrier: fromAccount ? { account_id: account, number_id: e164 } : null,
        }));
        await insertNumbers(revision, caller, arrivals);
        revision.record('numbers.added', { numbers: arrivals.map(arrivalOf) });
      }),

    async release(time: number, organization: string, number: string) {
      const id = await idOf(number);
      await revise(db, on(time), { unique_id: organization }, async revision => {
        const [state] = await loadStates(revision, caller, [id]);
        const step = endRelease();
        await applyChanges(revision, caller, [{ number: state!, step }]);
      });
    },

    transfer: (time: number, number: string, to_organization_id: string) =>
      transferNumber(
        db,
        on(time),
        { phone_number: number, default_country: 'US' },
        { to_organization_id, end_assignment: true },
      ),

    /** Charges for a number in a revision of its own. */
    async charge(
      time: number,
      organization: string,
      number: string,
      type: NewCharge['type'],
      amount: number,
    ) {
      const charged = { type, phone_number_id: await idOf(number), phone_number: number, amount };
      await revise(db, on(time), { unique_id: organization }, revision =>
        charge(revision, caller, { ...charged, period_start: new Date(time) }),
      );
    },

    async spent(time: number, organization: string): Promise<number> {
      const { id } = await findOrganization(db, caller, organization);
      return db.transaction().execute(tx => spending(tx, caller, id, new Date(time)));
    },

    /** Every weekly fee, as `feeOf` writes it, sorted. */
    async fees(): Promise<string[]> {
      const { rows } = await sql<{ number: string; begin: Date; organization: string; amount: number }>`
        select c.phone_number as number, c.period_start as begin, o.unique_id as organization, c.amount
        from charges c join organizations o on o.tenant_id = c.tenant_id and o.id = c.organization_id
        where c.tenant_id = ${tenant_id} and c.type = 'number.weekly_fee'`.execute(db);
      return rows
        .map(({ number, begin, organization, amount }) =>
          feeOf(number, begin.getTime(), organization, amount),
        )
        .sort();
    },
  };
}

export const feeOf = (number: string, begin: number, organization: string, amount: number): string =>
  [number, new Date(begin).toISOString(), organization, amount].join(' ');
