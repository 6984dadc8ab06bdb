import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import { fits } from '../../carriers/answers.ts';
import { CarrierError } from '../../carriers/errors.ts';
import type { Fault } from '../../carriers/sandbox/store.ts';
import { holdTimeOuts, runOutOfTime, unhurried } from '../../carriers/testing/time-outs.ts';
import { geographicAreaCodes, regionsOf } from '../../phone-numbers/regions.ts';
import type { Caller } from '../access/caller.ts';
import { type Carriers, carrierDefaults, createCarriers } from '../accounts/open.ts';
import { check } from '../check/check.ts';
import type { Database } from '../db/database.ts';
import { createOrganization, editOrganization } from '../organizations/organizations.ts';
import { createTenant } from '../tenants/tenants.ts';
import { changeBook, newCarrierAccount, setFaults } from '../testing/carrier-numbers.ts';
import { letTimePass } from '../testing/carrier-schedules.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { pursueDueOrders } from '../testing/due-work.ts';
import { killable, type Life, liveFor, mortal } from '../testing/killing.ts';
import { fuzzing } from '../testing/runs.ts';
import { requestFor } from '../testing/shop.ts';
import { readPlaced, type Shop } from './hold.ts';
import { type NumberRequest, placeOrders } from './place.ts';
import { orderLeaseMs, pursue } from './pursue.ts';
import { type GivenWishes, wishesOf } from './wanted.ts';

/*
 * Kills a purchase before and after every statement and carrier call, while the carrier fails in every possible way.
 * Further servers, which may die too, continue the order. The last one survives.
 */

const log = pino({ level: 'silent' });
const organization = 'org_schedules';
const limit = 3;

let database: TestDatabase;
let prompt: Carriers;
let ticking: NodeJS.Timeout;
let caller: Caller;
before(async () => {
  database = await createTestDatabase();
  prompt = createCarriers(database.db, { ...carrierDefaults, ...unhurried, settleMs: 0 });
  // A call that hangs is given up soon, and nothing else is.
  holdTimeOuts();
  ticking = setInterval(runOutOfTime, 1);
  ({ caller } = await createTenant(database.db, 'Test', 'test'));
  await createOrganization(database.db, caller, { unique_id: organization, name: 'Schedules' });
  await editOrganization(database.db, caller, organization, { sms_active: true });
});
after(async () => {
  clearInterval(ticking);
  assert.deepEqual((await check(database)).findings, []);
  await database.drop();
});

type Schedule = {
  /** Orders that the first process places and carries out concurrently. */
  orders: number;
  /** The number of steps after which each process dies. A last process survives. */
  lives: number[];
  faults: Fault[];
  /** If set, the first purchase times out, and takes effect after this many look-ups. */
  late: number | undefined;
  wish: keyof typeof wishes;
};

/** What the orders want: numbers of the first area code, or of the second if the first one has none. */
const wishes = {
  'an area code': first => ({ area_code: first }),
  'an area code that has none, then another': (_, second) => ({ area_code: ['999', second] }),
  'an area code that has one, then another': (first, second) => ({ area_code: [first, second] }),
  'digits in one of two area codes': (first, second) => ({
    area_code: [first, second],
    contains: '5*01',
    ends_with: '7',
  }),
  'toll-free': () => ({ toll_free: true }),
} satisfies Record<string, (first: string, second: string) => Partial<GivenWishes>>;

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    call: fc.constant('buy' as const),
    kind: fc.constantFrom(
      ...([
        'unavailable',
        'rate_limited',
        'out_of_funds',
        'transient',
        'error_before',
        'error_after',
      ] as const),
      ...(['timeout_before', 'timeout_after', 'hang', 'torn', 'other_number', 'pending'] as const),
    ),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    call: fc.constant('find' as const),
    kind: fc.constantFrom(
      'transient',
      'timeout_after',
      'error_before',
      'other_number',
      'torn',
      'rate_limited',
    ),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    call: fc.constant('search' as const),
    kind: fc.constantFrom('transient', 'other_number', 'timeout_before'),
    times: fc.constant(1),
  }),
);

const schedule: fc.Arbitrary<Schedule> = fc.record({
  orders: fc.integer({ min: 1, max: 4 }),
  lives: fc.array(fc.oneof(fc.integer({ min: 0, max: 45 }), fc.constant(1000)), {
    minLength: 1,
    maxLength: 3,
  }),
  faults: fc.array(fault, { maxLength: 4 }),
  late: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
  wish: fc.constantFrom(...(Object.keys(wishes) as (keyof typeof wishes)[])),
});

test('whenever it dies and whatever the carrier does, nothing is lost and nothing bought twice', () =>
  fc.assert(fc.asyncProperty(schedule, live), fuzzing('orders')));

let made = 0;

async function live({ orders, lives, faults, late, wish }: Schedule): Promise<void> {
  const account = await openAccount(faults);
  const tardier = tardy(prompt, late ?? 0);
  const carriers = late === undefined ? prompt : tardier;
  const process = (life: Life) => ({
    db: killable(database, life).db,
    carriers: mortal(carriers, life),
    log,
  });
  const [first, second] = [areaCodes[made++ % areaCodes.length]!, areaCodes[made % areaCodes.length]!];
  const requested = requestFor(wishes[wish](first, second));
  if (wish === 'an area code that has one, then another') await sellOut(account, first);
  for (const [index, steps] of lives.entries()) {
    const life = liveFor(steps);
    if (index === 0)
      await Promise.allSettled(Array.from({ length: orders }, () => purchase(process(life), requested)));
    else await settleAll(process(life)).catch(() => {});
    await life.end();
  }
  await settleAll({ db: database.db, carriers, log });
  await tardier.end();
  await compareBooks(account);
  const bought = (await numbersOf(database, account)).map(number => number.phone_number);
  for (const number of bought)
    assert.ok(
      wishesOf(requested).some(one => fits(number, one)),
      `${number} is none of ${wish}`,
    );
  const nothingWrong = faults.length === 0 && late === undefined && lives[0]! >= 1000;
  if (nothingWrong && wish === 'digits in one of two area codes')
    for (const number of bought) assert.equal(number.slice(2, 5), first);
}

const areaCodes = geographicAreaCodes.filter(code => regionsOf(code)[0]!.startsWith('US-'));

/** Leaves one number of an area code for sale. */
const sellOut = (account: string, areaCode: string) =>
  changeBook(database.db, account, ({ taken }) => {
    for (let line = 101; line < 200; line++) taken.push(`+1${areaCode}5550${line}`);
  });

/** Carriers that complete the first purchase long after its time-out, and at the latest at the end of the test. */
function tardy(carriers: Carriers, looks: number): Carriers & { end(): Promise<void> } {
  let late: (() => Promise<unknown>) | undefined;
  let lateReference: string | undefined;
  let left = looks;
  async function end() {
    const buy = late;
    late = undefined;
    await buy?.();
  }
  return {
    ...carriers,
    end,
    async open(...args) {
      const carrier = await carriers.open(...args);
      return {
        ...carrier,
        async buy(phoneNumber, reference) {
          if (lateReference !== undefined) return carrier.buy(phoneNumber, reference);
          lateReference = reference;
          // The sandbox may fail once more here. Its answer no longer matters.
          late = () => carrier.buy(phoneNumber, reference).catch(() => {});
          throw new CarrierError('outcome_unknown', 'No answer');
        },
        async findPurchase(phoneNumber, reference) {
          if (lateReference === reference && left-- === 0) await end();
          return carrier.findPurchase(phoneNumber, reference);
        },
      };
    },
  };
}

async function purchase(shop: Shop, requested: NumberRequest): Promise<void> {
  const input = {
    organization_id: organization,
    requests: [requested],
    bulk_id: null,
    leaseMs: orderLeaseMs(shop.carriers),
  };
  const [id] = await placeOrders(shop.db, caller, input);
  const held = await readPlaced(shop.db, caller.tenantId, id!);
  if (held) await pursue(shop, held);
}

/** Carries out due orders until none is left. */
async function settleAll(shop: Shop): Promise<void> {
  for (;;) {
    await letTimePass(database.db);
    await pursueDueOrders(shop);
    const { open } = await shop.db
      .selectFrom('orders')
      .select(eb => eb.fn.countAll<number>().as('open'))
      .where('next_at', 'is not', null)
      .executeTakeFirstOrThrow();
    if (open === 0) return;
  }
}

/** Creates a sandbox account and an organization with a limited number of free places. */
async function openAccount(faults: Fault[]): Promise<string> {
  const account = await newCarrierAccount(database.db, caller);
  const { live } = await database.db
    .selectFrom('phone_numbers')
    .select(eb => eb.fn.countAll<number>().as('live'))
    .executeTakeFirstOrThrow();
  const max = live + limit;
  await database.db
    .updateTable('tenants')
    .set({
      purchases_enabled: true,
      max_numbers_per_organization: max,
      purchase_fee: 1,
      carrier_account_id: account,
    })
    .execute();
  await setFaults(database.db, account, faults);
  return account;
}

async function compareBooks(account: string): Promise<void> {
  const sold = await changeBook(database.db, account, ({ numbers }) =>
    numbers.map(({ id, phone_number, charges, released }) => ({
      id,
      phone_number,
      charges: charges.length,
      released,
    })),
  );
  const ours = await numbersOf(database, account);
  assert.deepEqual(
    ours,
    sold
      .map(({ id, phone_number }) => ({ id, phone_number, orders: 1, fees: 1 }))
      .sort((a, b) => (a.phone_number < b.phone_number ? -1 : 1)),
  );
  for (const { charges, released, phone_number } of sold) {
    assert.equal(charges, 1, `${phone_number} was charged ${charges} times`);
    assert.equal(released, false);
  }
  assert.ok(ours.length <= limit, `${ours.length} numbers at a limit of ${limit}`);
}

async function numbersOf({ db }: Database, account: string) {
  return db
    .selectFrom('phone_numbers as n')
    .select(['n.carrier_number_id as id', 'n.phone_number'])
    .select(eb => [
      eb
        .selectFrom('orders as o')
        .select(eb => eb.fn.countAll<number>().as('count'))
        .whereRef('o.phone_number_id', '=', 'n.id')
        .where('o.status', '=', 'bought')
        .as('orders'),
      eb
        .selectFrom('charges as c')
        .select(eb => eb.fn.countAll<number>().as('count'))
        .whereRef('c.phone_number_id', '=', 'n.id')
        .where('c.type', '=', 'number.purchase_fee')
        .as('fees'),
    ])
    .where('n.carrier_account_id', '=', account)
    .orderBy('n.phone_number')
    .execute();
}
