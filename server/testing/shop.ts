import { setTimeout as sleep } from 'node:timers/promises';
import type { Book } from '../../carriers/sandbox/store.ts';
import type { NumberRequest } from '../orders/place.ts';
import { type GivenWishes, readWanted } from '../orders/wanted.ts';
import { changeBook, newCarrierAccount } from './carrier-numbers.ts';
import { newOrganization } from './factories.ts';
import type { TestServer } from './server.ts';

/** An organization that may buy from a sandbox account of its tenant. */
export type TestShop = {
  /** An admin key of the tenant. */
  key: string;
  tenantId: string;
  organization: string;
  account: string;
  /** Looks into what the sandbox remembers, and may change it: for example, make something go wrong. */
  book<T>(look: (book: Book) => T): Promise<T>;
};

type ShopSettings = { max?: number; fee?: number; weekly?: number; cap?: number | null };

export async function newShop(server: TestServer, settings: ShopSettings = {}): Promise<TestShop> {
  const key = await server.newTenant();
  const organization = await newOrganization(server, key);
  return { key, organization, ...(await openShop(server, key, organization, settings)) };
}

/** Lets an organization buy from a new sandbox account of its tenant, which the tenant then buys with. */
export async function openShop(
  server: TestServer,
  key: string,
  organization: string,
  { max = 1000, fee = 1, weekly = 0.5, cap = null }: ShopSettings = {},
): Promise<Omit<TestShop, 'key' | 'organization'>> {
  const { db } = server.database;
  const path = `/v1/organizations/${organization}`;
  const { body } = await server.call('PATCH', path, { key, body: { sms_active: true } });
  const { tenant_id } = body.organization;
  const account = await newCarrierAccount(db, { tenantId: tenant_id });
  await db
    .updateTable('tenants')
    .set({
      purchases_enabled: true,
      max_numbers_per_organization: max,
      purchase_fee: fee,
      weekly_price: weekly,
      monthly_spending_cap: cap,
      carrier_account_id: account,
    })
    .where('id', '=', tenant_id)
    .execute();
  const book = <T>(look: (book: Book) => T) => changeBook(db, account, look);
  return { tenantId: tenant_id, account, book };
}

/** A request for one number of the United States, for nobody. */
export const requestFor = (given: Partial<GivenWishes>): NumberRequest => ({
  ...readWanted({ country: 'US', ...given }),
  user_id: null,
  values: {},
});

/** Orders a number as one of many, and waits for it. @returns the order */
export async function buyOne(server: TestServer, key: string, organization_id: string) {
  const items = [{ area_code: '415', quantity: 1 }];
  const placed = await server.call('POST', '/v1/sms/orders', { key, body: { organization_id, items } });
  for (;;) {
    const { body } = await server.call('GET', `/v1/sms/orders/${placed.body.orders[0].id}`, { key });
    if (body.order.status === 'bought') return body.order;
    if (body.order.status === 'failed') throw new Error(body.order.error);
    await sleep(20);
  }
}
