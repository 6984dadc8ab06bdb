import { randomUUIDv7 } from 'node:crypto';
import { type Insertable, type Selectable, sql } from 'kysely';
import type { AccountFacts } from '../../carriers/carrier.ts';
import { assertTenantKey, type Caller } from '../access/caller.ts';
import { type Db, transact } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { invalid, Problem, translateViolations } from '../errors.ts';
import {
  type Credentials,
  hasOneOf,
  readCredentials,
  verifyCredentials,
  withoutSecrets,
} from './credentials.ts';
import { assertOffered, associatedData, type Carriers, kindOf } from './open.ts';
import type { Vault } from './vault.ts';

export type Account = Selectable<Tables['carrier_accounts']>;

export type NewAccount = {
  carrier: string;
  name: string;
  credentials?: object;
  compare_every_seconds?: number | null;
  verify?: boolean;
};

export type AccountEdit = {
  name?: string;
  status?: 'active' | 'disabled';
  compare_every_seconds?: number | null;
  credentials?: object;
};

// No carrier is called inside a transaction. So a change that needs a carrier has two parts: `check…` validates the input
// and asks the carrier, and its result is what the other part writes.

/** An account that is ready to be inserted. */
type CheckedAccount = Omit<Insertable<Tables['carrier_accounts']>, keyof Verified> & Partial<Verified>;

/** @throws Problem `secret_key_missing` before the carrier is asked, `carrier_rejected`, `carrier_failed` */
export async function checkNewAccount(
  carriers: Carriers,
  caller: Caller,
  { carrier, name, credentials: given = {}, compare_every_seconds = null, verify: tests = true }: NewAccount,
): Promise<CheckedAccount> {
  assertTenantKey(caller);
  assertOffered(carriers.settings, carrier);
  assertComparable(carrier, compare_every_seconds);
  const id = randomUUIDv7();
  const credentials = readCredentials(carrier, given);
  const sealed = carriers.vault.seal(JSON.stringify(credentials), associatedData(caller.tenantId, id));
  const account = {
    tenant_id: caller.tenantId,
    id,
    carrier,
    name,
    credentials: sealed,
    compare_every_seconds,
  };
  if (!tests) return account;
  return { ...account, ...verified(await verifyCredentials(carriers, account, credentials)) };
}

export function addAccount(db: Db, caller: Caller, account: CheckedAccount): Promise<Account> {
  return transact(db, async tx => {
    await translateViolations(
      constraintProblems,
      tx.insertInto('carrier_accounts').values(account).execute(),
    );
    await planComparison(tx, caller, account.id);
    return getAccount(tx, caller, account.id);
  });
}

/** The columns that an edit sets, with tested credentials. */
type CheckedEdit = Omit<AccountEdit, 'credentials'> & Partial<Verified> & { credentials?: Buffer };

/** @throws Problem like `checkNewAccount`, and `invalid_request` for the credentials of another account */
export async function checkEdit(
  db: Db,
  carriers: Carriers,
  caller: Caller,
  id: string,
  { credentials: given, ...edit }: AccountEdit,
): Promise<CheckedEdit> {
  const account = await getAccount(db, caller, id);
  assertComparable(account.carrier, edit.compare_every_seconds);
  if (given === undefined) return edit;
  const credentials = readCredentials(account.carrier, given);
  const sealed = carriers.vault.seal(JSON.stringify(credentials), associatedData(caller.tenantId, id));
  const facts = await verifyCredentials(carriers, account, credentials);
  // In another account a purchase under way would not be found, and would be made again.
  if (account.owner !== null && facts.account !== account.owner)
    throw invalid(
      `credentials must be those of ${account.owner}, which has this account's numbers: add another account instead`,
    );
  await assertSameAccount(db, carriers, account, credentials);
  return { ...edit, credentials: sealed, ...verified(facts) };
}

/**
 * Not every carrier says whose credentials they are. But another account has none of our numbers, and would take them for
 * released.
 */
async function assertSameAccount(
  db: Db,
  carriers: Carriers,
  account: Account,
  credentials: Credentials,
): Promise<void> {
  if (!kindOf(account.carrier).can.buy) return;
  const numbers = await db
    .selectFrom('phone_numbers')
    .select(['carrier_number_id', 'phone_number'])
    .where('tenant_id', '=', account.tenant_id)
    .where('carrier_account_id', '=', account.id)
    .where('carrier_number_id', 'is not', null)
    .where('released_at', 'is', null)
    .limit(3)
    .execute();
  const ids = numbers.map(({ carrier_number_id }) => carrier_number_id!);
  if (ids.length === 0 || (await hasOneOf(carriers, account, credentials, ids))) return;
  const named = numbers.map(({ phone_number }) => phone_number).join(', ');
  throw invalid(
    `credentials must be those of the account that has this account's numbers, and they show none of ${named}: add another account instead`,
  );
}

export function editAccount(db: Db, caller: Caller, id: string, edit: CheckedEdit): Promise<Account> {
  return transact(db, async tx => {
    const update = tx
      .updateTable('carrier_accounts')
      .set({ ...edit, modified_at: now })
      .where('tenant_id', '=', caller.tenantId)
      .where('id', '=', id);
    await translateViolations(constraintProblems, update.execute());
    await planComparison(tx, caller, id);
    return getAccount(tx, caller, id);
  });
}

/**
 * Asks the carrier whether the credentials work. If it rejects them, the account records the reason before this throws.
 * @throws Problem `carrier_account_not_found`, `secret_key_missing`, `carrier_rejected`, `carrier_failed`
 */
export async function checkAccount(
  db: Db,
  carriers: Carriers,
  caller: Caller,
  id: string,
): Promise<TestResult> {
  const account = await getAccount(db, caller, id);
  const credentials = openCredentials(account, carriers.vault);
  try {
    return { account, facts: await verifyCredentials(carriers, account, credentials) };
  } catch (error) {
    if (error instanceof Problem && error.code === 'carrier_rejected')
      await writeTest(db, account, { problem: error.detail ?? error.message });
    throw error;
  }
}

/** An account as it was when it was tested, and the carrier's answer. */
export type TestResult = { account: Account; facts: AccountFacts };

export async function recordTest(db: Db, caller: Caller, { account, facts }: TestResult): Promise<Account> {
  await writeTest(db, account, verified(facts));
  return getAccount(db, caller, account.id);
}

/** Records nothing if the credentials were replaced meanwhile: the test was not of these. */
const writeTest = (db: Db, account: Account, result: Verified | { problem: string }) =>
  db
    .updateTable('carrier_accounts')
    .set(result)
    .where('tenant_id', '=', account.tenant_id)
    .where('id', '=', account.id)
    .where('credentials', '=', account.credentials)
    .execute();

/** @throws Problem `carrier_account_used`, which names the use */
export function removeAccount(db: Db, caller: Caller, id: string): Promise<Account> {
  return transact(db, async tx => {
    const account = await getAccount(tx, caller, id);
    const deletion = tx
      .deleteFrom('carrier_accounts')
      .where('tenant_id', '=', caller.tenantId)
      .where('id', '=', id)
      .execute();
    await translateViolations(referenceProblems, deletion);
    await tx.deleteFrom('sandbox_books').where('account', '=', id).execute();
    return account;
  });
}

/** The accounts of the tenant, the oldest first. */
export function listAccounts(db: Db, caller: Caller): Promise<Account[]> {
  assertTenantKey(caller);
  return accountsOf(db, caller).orderBy('id').execute();
}

export async function getAccount(db: Db, caller: Caller, id: string): Promise<Account> {
  assertTenantKey(caller);
  const account = await accountsOf(db, caller).where('id', '=', id).executeTakeFirst();
  if (!account) throw new Problem('carrier_account_not_found');
  return account;
}

/** The fields of the credentials that may be shown. Null if the server lacks the key that sealed them. */
export function shownCredentials(account: Account, vault: Vault): Credentials | null {
  try {
    return withoutSecrets(account.carrier, openCredentials(account, vault));
  } catch (error) {
    if (error instanceof Problem && error.code === 'secret_key_missing') return null;
    throw error;
  }
}

const openCredentials = ({ tenant_id, id, credentials }: Account, vault: Vault): Credentials =>
  JSON.parse(vault.open(credentials, associatedData(tenant_id, id)));

const accountsOf = (db: Db, caller: Caller) =>
  db.selectFrom('carrier_accounts').selectAll().where('tenant_id', '=', caller.tenantId);

const now = sql<Date>`now()`;

/** The columns to set when the carrier has accepted the credentials. */
type Verified = { owner: string; verified_at: typeof now; problem: null };

const verified = ({ account }: AccountFacts): Verified => ({
  owner: account,
  verified_at: now,
  problem: null,
});

/** Plans the next comparison: the first is due in one interval, and a shorter interval brings the next one forward. */
async function planComparison(db: Db, caller: Caller, id: string): Promise<void> {
  await sql`
    update carrier_accounts
    set compare_due_at = case when status = 'active' and compare_every_seconds is not null
      then least(compare_due_at, now() + make_interval(secs => compare_every_seconds)) end
    where tenant_id = ${caller.tenantId} and id = ${id}`.execute(db);
}

function assertComparable(carrier: string, everySeconds: number | null | undefined): void {
  const { can, title } = kindOf(carrier);
  if (everySeconds !== null && everySeconds !== undefined && !can.buy)
    throw new Problem('carrier_incapable', `${title} has no list of numbers to compare`);
}

const constraintProblems = { carrier_accounts_name_key: () => new Problem('carrier_account_taken') };

const inUse = (by: string) => () =>
  new Problem('carrier_account_used', undefined, `${by}. You can disable it instead.`);

const referenceProblems = {
  tenants_carrier_account_fkey: inUse("It is the tenant's account for buying"),
  organizations_carrier_account_fkey: inUse("It is an organization's account for buying"),
  phone_numbers_carrier_account_fkey: inUse('It has phone numbers, or had some that are released'),
  orders_carrier_account_fkey: inUse('It has orders'),
  carrier_runs_account_fkey: inUse('It has reconciliation runs'),
};
