import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import { type Caller, maySet } from '../access/caller.ts';
import { kindOf } from '../accounts/open.ts';
import { addAmounts, spending } from '../charges/charges.ts';
import type { Db, Tx } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { takeRoom } from '../limits/numbers.ts';
import { valueTaken } from '../numbers/life/unique.ts';
import { type Editable, eventValues, uniqueNames } from '../numbers/state.ts';
import { assertActive, type Revision, revise } from '../revisions/revise.ts';
import { findAssignee, type ReferencedUser } from '../users/references.ts';
import type { Wanted } from './wanted.ts';

/** A request to buy one number. */
export type NumberRequest = Wanted & {
  user_id: string | null;
  /** Initial values of the editable fields. */
  values: Partial<Editable>;
};

/** The cost of a purchase, and the organization's position before it. Amounts are US dollars. */
export type Quote = {
  account_id: string;
  purchase_fee: number;
  weekly_price: number;
  /** The fee and the first week of every number. */
  due_now: number;
  /** Charges of this calendar month, plus the cost of open orders. */
  spent: number;
  spending_cap: number | null;
  /** Live numbers plus open orders. Compared with `max_per_org`. */
  numbers: number;
  max_per_org: number;
};

/**
 * Inserts the orders. The same transaction checks number limit and spending cap under the organization's lock. Open
 * orders count towards both, so concurrent purchases cannot exceed them. Does not call the carrier.
 * @param input.leaseMs how long the orders are leased to the caller
 * @returns the ids of the orders, in the order of the requests
 */
export function placeOrders(
  db: Db,
  caller: Caller,
  input: { organization_id: string; requests: NumberRequest[]; bulk_id: string | null; leaseMs: number },
): Promise<string[]> {
  return revise(db, caller, { unique_id: input.organization_id }, async revision => {
    const { tx, organization, at, record } = revision;
    const quote = await quoteFor(revision, caller, input.requests.length);
    const users = new Map<string, ReferencedUser>();
    for (const id of new Set(input.requests.map(requested => requested.user_id))) {
      if (id !== null) users.set(id, await findAssignee(tx, caller, organization.id, id));
    }
    await assertValuesFree(tx, caller, input.requests);
    await takeRoom(tx, caller, input.requests.length);
    const rows = input.requests.map(({ values, user_id, ...wanted }) => ({
      ...wanted,
      tenant_id: caller.tenantId,
      organization_id: organization.id,
      id: randomUUIDv7(),
      bulk_id: input.bulk_id,
      carrier_account_id: quote.account_id,
      user_id: users.get(user_id ?? '')?.id ?? null,
      fields: JSON.stringify(values),
      purchase_fee: quote.purchase_fee,
      weekly_price: quote.weekly_price,
      next_at: sql<Date>`clock_timestamp() + make_interval(secs => ${input.leaseMs / 1000})`,
      actor_type: caller.actor.type,
      actor_id: caller.actor.id,
      request_id: caller.requestId,
      created_at: at,
      modified_at: at,
    }));
    await tx.insertInto('orders').values(rows).execute();
    record('orders.placed', {
      ...(input.bulk_id && { bulk_id: input.bulk_id }),
      orders: rows.map(({ id }, index) => {
        const { values, ...requested } = input.requests[index]!;
        const user_id = users.get(requested.user_id ?? '')?.unique_id ?? null;
        return { id, ...requested, user_id, ...eventValues(values) };
      }),
    });
    return rows.map(({ id }) => id);
  });
}

/** Checks that live numbers, open orders and the other requests leave the unique values free. */
async function assertValuesFree(tx: Tx, caller: Caller, requests: NumberRequest[]): Promise<void> {
  for (const name of uniqueNames) {
    const values = requests.flatMap(requested => requested.values[name] ?? []);
    for (const [index, value] of values.entries())
      if (values.indexOf(value) !== index) throw valueTaken(name, value);
    if (values.length === 0) continue;
    const { rows } = await sql<{ value: string }>`
      select ${sql.ref(name)} as value from phone_numbers
      where tenant_id = ${caller.tenantId} and ${sql.ref(name)} = any(${values}::text[]) and released_at is null
      union all
      select fields->>${name} from orders
      where tenant_id = ${caller.tenantId} and fields->>${name} = any(${values}::text[])
        and status in ('placed', 'buying', 'settling')`.execute(tx);
    if (rows[0]) throw valueTaken(name, rows[0].value);
  }
}

/** Prices a purchase. Writes nothing. */
export const quote = (db: Db, caller: Caller, organizationId: string, count: number): Promise<Quote> =>
  revise(db, caller, { unique_id: organizationId }, revision => quoteFor(revision, caller, count));

/** For a caller who is the support that the error speaks of. */
const enabling = (caller: Caller): string | undefined =>
  maySet(caller)
    ? 'Set `purchases_enabled` to true and `max_numbers_per_organization` above 0: PATCH /v1/tenant'
    : undefined;

/** @throws Problem if the organization may not buy `count` more numbers now */
async function quoteFor(revision: Revision, caller: Caller, count: number): Promise<Quote> {
  const { tx, organization } = revision;
  assertActive(revision);
  const tenant = await tx
    .selectFrom('tenants')
    .select(['purchases_enabled', 'max_numbers_per_organization', 'purchase_fee', 'weekly_price'])
    .select(['monthly_spending_cap', 'carrier_account_id'])
    .where('id', '=', caller.tenantId)
    .executeTakeFirstOrThrow();
  if (!tenant.purchases_enabled) throw new Problem('purchases_not_enabled', undefined, enabling(caller));
  if (!organization.sms_active) throw new Problem('sms_not_active');
  const open = await countOpen(tx, caller, organization.id);
  const numbers = open.live + open.orders;
  const max = tenant.max_numbers_per_organization;
  if (numbers + count > max) {
    const detail = `${open.live} numbers, ${open.orders} open orders, ${count} more requested`;
    throw new Problem(
      'number_limit_reached',
      `Organization already has ${numbers}/${max} SMS numbers`,
      detail,
    );
  }
  const spent = addAmounts(await spending(tx, caller, organization.id, revision.at), open.cost);
  const due_now = addAmounts(count * tenant.purchase_fee, count * tenant.weekly_price);
  const cap = organization.monthly_spending_cap ?? tenant.monthly_spending_cap;
  if (cap !== null && addAmounts(spent, due_now) > cap) {
    const detail = `${spent} of ${cap} USD are spent or ordered; this purchase costs ${due_now} USD`;
    throw new Problem('spending_cap_reached', undefined, detail);
  }
  return {
    account_id: await chooseAccount(tx, caller, organization.carrier_account_id ?? tenant.carrier_account_id),
    purchase_fee: tenant.purchase_fee,
    weekly_price: tenant.weekly_price,
    due_now,
    spent,
    spending_cap: cap,
    numbers,
    max_per_org: max,
  };
}

async function countOpen(tx: Tx, caller: Caller, organizationId: string) {
  const { rows } = await sql<{ live: number; orders: number; cost: number }>`
    select (select count(*) from phone_numbers
            where tenant_id = ${caller.tenantId} and organization_id = ${organizationId} and released_at is null) as live,
           count(*) as orders, coalesce(sum(purchase_fee + weekly_price), 0) as cost
    from orders where tenant_id = ${caller.tenantId} and organization_id = ${organizationId}
      and status in ('placed', 'buying', 'settling')`.execute(tx);
  return rows[0]!;
}

/** Checks that the account can buy. @param accountId the organization's account, or else the tenant's */
export async function chooseAccount(db: Db, caller: Caller, accountId: string | null): Promise<string> {
  if (accountId === null) throw new Problem('carrier_account_missing');
  const account = await db
    .selectFrom('carrier_accounts')
    .select(['carrier', 'status'])
    .where('tenant_id', '=', caller.tenantId)
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  if (account.status !== 'active') throw new Problem('carrier_account_disabled');
  const { can, title } = kindOf(account.carrier);
  if (!can.buy) throw new Problem('carrier_incapable', `${title} accounts cannot buy numbers`);
  return accountId;
}
