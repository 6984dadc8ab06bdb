import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { addAccount } from '../accounts/accounts.ts';
import { sandboxStore } from '../accounts/sandbox-store.ts';
import { type Db, transact } from '../db/database.ts';
import { addNumbers, type NewNumber } from '../numbers/life/arrivals.ts';
import { assignNumber } from '../numbers/life/assignments.ts';
import { defaultCountry } from '../numbers/phone-number.ts';
import { createOrganization, editOrganization } from '../organizations/organizations.ts';
import { createTenant, editTenant } from '../tenants/tenants.ts';
import { createUser } from '../users/users.ts';

/**
 * Creates the demonstration tenant in a database without tenants, in one transaction. It has the organization of the
 * published example, with its ids and dates, and a second one of a realistic size.
 *
 * @param keep stores the tenant's admin key. It runs before the commit: a demonstration without its key is useless
 * @returns whether the tenant was created
 */
export function createDemo(db: Db, keep: (secret: string) => Promise<void>): Promise<boolean> {
  return transact(db, async tx => {
    const hasTenants = async () =>
      (await tx.selectFrom('tenants').select('id').limit(1).executeTakeFirst()) !== undefined;
    if (await hasTenants()) return false;
    // Several first servers may come here at once.
    await sql`lock table tenants in share row exclusive mode`.execute(tx);
    if (await hasTenants()) return false;
    const { secret, caller } = await createTenant(
      tx,
      'Demonstration',
      'demonstration',
      new Date('2024-01-02T08:00:00Z'),
    );
    await createExample(tx, caller);
    const taken = await createAgency(tx, caller);
    await createCarrier(tx, caller, taken);
    await keep(secret);
    return true;
  });
}

const on = (caller: Caller, moment: string | Date): Caller => ({ ...caller, at: new Date(moment) });
const registered = { sms_active: true, sms_registration_status: 'approved' } as const;

/** The organization of the published example response. */
async function createExample(db: Db, caller: Caller): Promise<void> {
  const organization_id = 'org_abc123';
  const add = (moment: string, number: NewNumber) =>
    addNumbers(db, on(caller, moment), {
      organization_id,
      phone_numbers: [number],
      default_country: defaultCountry,
    });
  const opened = on(caller, '2024-01-10T08:30:00Z');
  const contact = { name: 'The Company', contact_email: 'ops@company.com' };
  await createOrganization(db, opened, { unique_id: organization_id, ...contact });
  await editOrganization(db, opened, organization_id, registered);
  const john = { unique_id: 'user_xyz789', email: 'john@company.com', name: 'John Smith' };
  await createUser(db, on(caller, '2024-01-10T08:45:00Z'), organization_id, john);
  const first = {
    id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
    phone_number: '+14155551234',
    nickname: 'Sales Line',
  };
  await add('2024-01-10T09:00:00Z', first);
  await add('2024-01-12T14:00:00Z', {
    id: '8a2b3c4d-5e6f-7890-abcd-ef1234567890',
    phone_number: '+14155555678',
  });
  const target = { phone_number: first.phone_number, default_country: defaultCountry };
  await assignNumber(db, on(caller, '2024-01-15T10:30:00Z'), target, john.unique_id);
}

const areaCodes = [
  206, 212, 213, 214, 253, 303, 305, 312, 313, 404, 408, 415, 480, 503, 512, 602, 612, 617, 702, 713,
];
const campaigns = [
  'Spring open house',
  'Review requests',
  'Appointment reminders',
  'Lead follow-up',
  'Recall list',
];
const people = [
  'Maria Alvarez',
  'Dwayne Carter',
  'Priya Natarajan',
  'Tom Lindqvist',
  'Aisha Bello',
  'Kenji Watanabe',
  'Sofia Rossi',
  'Grace O’Connor',
  'Marcus Webb',
  'Hannah Klein',
  'Luis Ortega',
  'Emily Tran',
];

/**
 * An agency with a year of history: 320 numbers, bought month by month, of which two thirds are assigned. The numbers
 * are in the range 555-0100 to 555-0199, which is reserved for fiction.
 * @returns the numbers
 */
async function createAgency(db: Db, caller: Caller): Promise<string[]> {
  const organization_id = 'org_brightpath';
  const opened = on(caller, '2024-01-08T15:00:00Z');
  const contact = { name: 'Bright Path Marketing', contact_email: 'numbers@brightpath.example' };
  await createOrganization(db, opened, { unique_id: organization_id, ...contact });
  await editOrganization(db, opened, organization_id, registered);
  const users: string[] = [];
  for (const [index, name] of people.entries()) {
    const given = name.split(' ')[0]!.toLowerCase();
    const unique_id = `user_brightpath_${given}`;
    const permission = index === 0 ? ('admin' as const) : ('user' as const);
    await createUser(db, opened, organization_id, {
      unique_id,
      name,
      email: `${given}@brightpath.example`,
      permission,
    });
    users.push(unique_id);
  }
  const perMonth = 32;
  const all: string[] = [];
  for (let month = 0; month < 10; month++) {
    const bought = Date.UTC(2024, month, 9 + month, 14, 5 * month);
    const phone_numbers = Array.from({ length: perMonth }, (_, index): NewNumber => {
      const place = month * perMonth + index;
      const line = 100 + Math.floor(place / areaCodes.length);
      const nickname =
        place % 3 === 0
          ? `${campaigns[place % campaigns.length]} ${areaCodes[place % areaCodes.length]}`
          : null;
      return { phone_number: `+1${areaCodes[place % areaCodes.length]}5550${line}`, nickname };
    });
    await addNumbers(db, on(caller, new Date(bought)), {
      organization_id,
      phone_numbers,
      default_country: defaultCountry,
    });
    for (const [index, { phone_number }] of phone_numbers.entries()) {
      all.push(phone_number);
      if (index % 3 === 2) continue;
      const given = new Date(bought + (index + 1) * 6.5 * 3_600_000);
      const user = users[(month * 7 + index * 5) % users.length]!;
      await assignNumber(db, on(caller, given), { phone_number, default_country: defaultCountry }, user);
    }
  }
  return all;
}

/**
 * A sandbox account, so that numbers can be bought at once and without real money.
 * @param taken numbers that the sandbox must not sell
 */
async function createCarrier(db: Db, caller: Caller, taken: string[]): Promise<void> {
  const account = { id: randomUUIDv7(), carrier: 'sandbox', name: 'Sandbox', credentials: Buffer.alloc(0) };
  const { id } = await addAccount(db, caller, { tenant_id: caller.tenantId, ...account });
  await sandboxStore(db).change(id, book => {
    book.taken = taken;
  });
  await editTenant(db, caller, {
    purchases_enabled: true,
    max_numbers_per_organization: 500,
    purchase_fee: 1,
    weekly_price: 0.5,
    carrier_account_id: id,
  });
}
