import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { type Carriers, carrierDefaults, createCarriers } from '../accounts/open.ts';
import { check } from '../check/check.ts';
import { editOrganization } from '../organizations/organizations.ts';
import { editTenant } from '../tenants/tenants.ts';
import { newCarrierAccount } from '../testing/carrier-numbers.ts';
import { newScheduleTenant, type Tenant } from '../testing/carrier-schedules.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { requestFor } from '../testing/shop.ts';
import { countBulk } from './orders.ts';
import { placeOrders } from './place.ts';
import { startOrders } from './work.ts';

const log = pino({ level: 'silent' });

let database: TestDatabase;
let carriers: Carriers;
before(async () => {
  database = await createTestDatabase();
  carriers = createCarriers(database.db, { ...carrierDefaults, pollMs: 4, timeoutMs: 60_000 });
});
after(async () => {
  assert.deepEqual((await check(database)).findings, []);
  await database.drop();
});

test('a carrier that hangs keeps the orders of one account waiting, and no others', async () => {
  const [slow, quick] = [await newBuyer(), await newBuyer()];
  const hanging = hang(carriers, slow.account);
  const work = startOrders({ db: database.db, carriers: hanging.carriers, log });
  const orders = 300;
  const stuck = await order(slow, orders);
  while (hanging.calls === 0) await sleep(5);
  const bought = await order(quick, 20);
  const statusOf = ({ caller }: Tenant, bulk: string) => countBulk(database.db, caller, bulk);
  while ((await statusOf(quick, bought)).bought < 20) await sleep(20);
  assert.equal((await statusOf(slow, stuck)).placed, orders, 'the carrier hung all the time');
  hanging.end();
  while ((await statusOf(slow, stuck)).bought === 0) await sleep(20);
  await work.stop();
});

type Buyer = Tenant & { account: string };

/** Creates a tenant whose organization has its own sandbox account. */
async function newBuyer(): Promise<Buyer> {
  const { db } = database;
  const tenant = await newScheduleTenant(db, 0);
  await editOrganization(db, tenant.caller, tenant.organization, { sms_active: true });
  const account = await newCarrierAccount(db, tenant.caller);
  await editTenant(db, tenant.caller, {
    purchases_enabled: true,
    max_numbers_per_organization: 1000,
    carrier_account_id: account,
  });
  return { ...tenant, account };
}

/** @returns the id of the bulk */
async function order({ caller, organization }: Buyer, count: number): Promise<string> {
  const bulk_id = randomUUIDv7();
  const wish = requestFor({ area_code: '415' });
  const requests = Array.from({ length: count }, () => wish);
  await placeOrders(database.db, caller, { organization_id: organization, requests, bulk_id, leaseMs: 0 });
  return bulk_id;
}

/** One account answers no search until the test ends. */
function hang(carriers: Carriers, account: string) {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    end: () => resolve(),
    carriers: {
      ...carriers,
      async open(...args: Parameters<Carriers['open']>) {
        const carrier = await carriers.open(...args);
        if (args[2] !== account) return carrier;
        return {
          ...carrier,
          async search(wanted: Parameters<typeof carrier.search>[0]) {
            calls++;
            await ended;
            return carrier.search(wanted);
          },
        };
      },
    },
  };
}
