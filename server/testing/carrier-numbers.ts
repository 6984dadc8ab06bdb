import { randomUUIDv7 } from 'node:crypto';
import type { Book, BookedNumber, Fault } from '../../carriers/sandbox/store.ts';
import type { Caller } from '../access/caller.ts';
import { associatedData } from '../accounts/open.ts';
import { sandboxStore } from '../accounts/sandbox-store.ts';
import { createVault } from '../accounts/vault.ts';
import type { Db } from '../db/database.ts';
import { type Arrival, arrivalOf, insertNumbers } from '../numbers/life/arrivals.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';
import { revise } from '../revisions/revise.ts';
import { secretKey } from './server.ts';

/*
 * Numbers that an organization has at the sandbox, as a purchase leaves them there and here, made without one. The
 * organization goes by its unique_id.
 */

const vault = createVault([secretKey]);

/** @returns the id of a new account of the tenant; the sandbox's have no credentials */
export async function newCarrierAccount(
  db: Db,
  { tenantId }: Pick<Caller, 'tenantId'>,
  carrier = 'sandbox',
  given?: Record<string, string>,
): Promise<string> {
  const id = randomUUIDv7();
  const credentials = given
    ? vault.seal(JSON.stringify(given), associatedData(tenantId, id))
    : Buffer.alloc(0);
  const account = { tenant_id: tenantId, id, carrier, name: id, credentials };
  await db.insertInto('carrier_accounts').values(account).execute();
  return id;
}

/** On whose behalf things are made for the tenant of this organization. */
export async function runCaller(db: Db, organization: string): Promise<Caller> {
  const { tenant_id } = await db
    .selectFrom('organizations')
    .select('tenant_id')
    .where('unique_id', '=', organization)
    .executeTakeFirstOrThrow();
  const actor = { type: 'key', id: 'test' } as const;
  return { tenantId: tenant_id, organizationId: null, permission: 'admin', actor, requestId: null };
}

type Bought = { pending?: boolean; user?: { id: string; unique_id: string } | undefined };

/** Numbers that the account has at the carrier and the organization has here. */
export async function newCarrierNumbers(
  db: Db,
  caller: Caller,
  organization: string,
  account: string,
  numbers: string[],
  { pending = false, user }: Bought = {},
): Promise<string[]> {
  const ids = await own(
    db,
    account,
    numbers.map(phone_number => ({ phone_number })),
  );
  const arrivals = numbers.map((phone_number, index): Arrival => {
    const number = readPhoneNumber(phone_number, 'US');
    if (typeof number === 'string') throw new Error(`${phone_number} ${number}`);
    const carrier = { account_id: account, number_id: ids[index]! };
    return { id: randomUUIDv7(), number, values: {}, user: pending ? undefined : user, carrier, pending };
  });
  await revise(db, caller, { unique_id: organization }, async revision => {
    await insertNumbers(revision, caller, arrivals);
    revision.record('numbers.added', { numbers: arrivals.map(arrivalOf) });
  });
  return arrivals.map(({ id }) => id);
}

/** The carrier's side of the organization's registration. */
export async function registerOrganization(
  db: Db,
  caller: Caller,
  organization: string,
  campaign_id: string | null,
): Promise<void> {
  await revise(db, caller, { unique_id: organization }, async ({ tx, organization, record }) => {
    await tx
      .updateTable('organizations')
      .set({ campaign_id })
      .where('tenant_id', '=', caller.tenantId)
      .where('id', '=', organization.id)
      .execute();
    const changes = { campaign_id: { from: organization.campaign_id, to: campaign_id } };
    record('organization.edited', { changes });
  });
}

export const changeBook = <T>(db: Db, account: string, work: (book: Book) => T): Promise<T> =>
  sandboxStore(db).change(account, work);

export const readBook = (db: Db, account: string): Promise<Book> => changeBook(db, account, book => book);

/** What goes wrong at the carrier from now on, in turn. */
export const setFaults = (db: Db, account: string, faults: Fault[]): Promise<unknown> =>
  changeBook(db, account, book => {
    book.faults = faults;
  });

/** Puts numbers into the sandbox's book of an account. @returns their ids there */
export const own = (
  db: Db,
  account: string,
  numbers: (Partial<BookedNumber> & { phone_number: string })[],
): Promise<string[]> =>
  changeBook(db, account, book =>
    numbers.map(number => {
      const id = `sandbox-number-${++book.sequence}`;
      const rest = { name: null, tags: [], reference: null, charges: [], ordering: false };
      book.numbers.push({ id, ...rest, released: false, attachment: null, ...number });
      return id;
    }),
  );

/** Lets the account lose numbers without anybody having asked for it. */
export const lose = (db: Db, account: string, lost: string[]): Promise<void> =>
  changeBook(db, account, book => {
    for (const number of book.numbers) if (lost.includes(number.phone_number)) number.released = true;
  });

/** What the account owns at the sandbox. */
export const owned = (db: Db, account: string): Promise<string[]> =>
  changeBook(db, account, book =>
    book.numbers.filter(number => !number.released).map(number => number.phone_number),
  );
