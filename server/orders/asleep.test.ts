import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { unhurried } from '../../carriers/testing/time-outs.ts';
import { carrierDefaults, createCarriers } from '../accounts/open.ts';
import { check } from '../check/check.ts';
import { editOrganization } from '../organizations/organizations.ts';
import { editTenant } from '../tenants/tenants.ts';
import { newCarrierAccount, readBook } from '../testing/carrier-numbers.ts';
import { letTimePass, newScheduleTenant } from '../testing/carrier-schedules.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { pursueDueOrders } from '../testing/due-work.ts';
import { sleepy } from '../testing/killing.ts';
import { requestFor } from '../testing/shop.ts';
import { readPlaced, type Shop } from './hold.ts';
import { placeOrders } from './place.ts';
import { orderLeaseMs, pursue } from './pursue.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(async () => {
  assert.deepEqual((await check(database)).findings, []);
  await database.drop();
});

type Falling = (awake: Shop, meanwhile: () => Promise<void>) => Shop;

/** The order has committed its candidate and has not called the carrier yet. */
const beforeTheCall: Falling = (awake, meanwhile) => ({
  ...awake,
  db: sleepy(awake.db, row => row.status === 'buying', meanwhile),
});

/** The carrier is asked whether it has the number, and is not asked for it yet. */
const withinTheCall: Falling = (awake, meanwhile) => ({
  ...awake,
  carriers: {
    ...awake.carriers,
    async open(...args) {
      const carrier = await awake.carriers.open(...args);
      return {
        ...carrier,
        async buy(...asked) {
          await meanwhile();
          return carrier.buy(...asked);
        },
      };
    },
  },
});

for (const [where, fall] of [
  ['before it calls the carrier', beforeTheCall],
  ['after it has called, and before it asks for the number', withinTheCall],
] as const)
  test(`a process that falls asleep ${where}, and wakes up when its order was given up, buys nothing`, async t => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const { db } = database;
    const carriers = createCarriers(db, { ...carrierDefaults, ...unhurried, settleMs: 0 });
    const { caller, organization } = await newScheduleTenant(db, 0);
    const account = await newCarrierAccount(db, caller);
    await editOrganization(db, caller, organization, { sms_active: true });
    await editTenant(db, caller, {
      purchases_enabled: true,
      max_numbers_per_organization: 10,
      carrier_account_id: account,
    });
    const awake: Shop = { db, carriers, log: pino({ level: 'silent' }) };
    const wish = requestFor({ area_code: '415' });
    const input = {
      organization_id: organization,
      requests: [wish],
      bulk_id: null,
      leaseMs: orderLeaseMs(carriers),
    };
    const [id] = await placeOrders(db, caller, input);

    const asleep = fall(awake, async () => {
      while ((await statusOf(id!)) !== 'bought') {
        await letTimePass(db);
        await pursueDueOrders(awake);
      }
      t.mock.timers.tick(orderLeaseMs(carriers));
    });
    await pursue(asleep, (await readPlaced(db, caller.tenantId, id!))!);

    const { tried, phone_number } = await orderOf(id!);
    assert.equal(tried.length, 1, 'the number that was not asked for was given up');
    const { numbers } = await readBook(db, account);
    assert.deepEqual(
      numbers.map(number => number.phone_number),
      [phone_number],
    );
  });

const orderOf = (id: string) =>
  database.db.selectFrom('orders').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const statusOf = async (id: string) => (await orderOf(id)).status;
