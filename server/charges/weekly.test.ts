import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { pino } from 'pino';
import { check } from '../check/check.ts';
import { openDatabase } from '../db/database.ts';
import { revise } from '../revisions/revise.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { uniqueNumber } from '../testing/factories.ts';
import { beginBatch } from './begin.ts';
import { feeOf, newBook } from './testing.ts';
import { chargeWeeks, startWeeklyFees } from './weekly.ts';

const hour = 3_600_000;
const week = 168 * hour;
// Summer time begins in New York on the 10th.
const start = Date.UTC(2024, 2, 1, 12);

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

const run = (time: number) => chargeWeeks(database.db, new Date(time));

async function newPricedBook(price = 1.25) {
  const book = await newBook(database.db);
  await book.setPrice(price);
  const number = uniqueNumber();
  const weeks = (of: number[], organization: string = book.north, amount = price) =>
    of.map(one => feeOf(number, start + one * week, organization, amount)).sort();
  return { ...book, number, weeks };
}

test('a week is charged when it begins, the first at once, and every one that was missed', async () => {
  const { bring, fees, north, number, weeks } = await newPricedBook();
  await bring(start, north, [number]);
  await bring(start, north, [uniqueNumber()], false);
  await run(start - 1);
  assert.deepEqual(await fees(), []);
  await run(start);
  await run(start + week - 1);
  assert.deepEqual(await fees(), weeks([0]));
  const connection = { ...database.connection, options: '-c timezone=America/New_York' };
  const inNewYork = openDatabase(connection);
  await chargeWeeks(inNewYork.db, new Date(start + 4 * week - 1));
  await inNewYork.close();
  assert.deepEqual(await fees(), weeks([0, 1, 2, 3]));
  await run(start + 4 * week);
  assert.deepEqual(await fees(), weeks([0, 1, 2, 3, 4]));
});

test('a number is charged for the weeks that began before its release, and for none after', async () => {
  const { bring, release, fees, north, number, weeks } = await newPricedBook();
  await bring(start, north, [number]);
  // At the very beginning of the fourth week.
  await release(start + 3 * week, north, number);
  await run(start + 9 * week);
  assert.deepEqual(await fees(), weeks([0, 1, 2]));
  const left = database.db
    .selectFrom('phone_numbers')
    .select('next_fee_at')
    .where('phone_number', '=', number);
  assert.deepEqual(await left.execute(), [{ next_fee_at: null }]);
});

test('who has a number when its week begins is charged, however late that is done', async () => {
  const { bring, transfer, fees, north, south, number, weeks } = await newPricedBook();
  await bring(start, north, [number]);
  await transfer(start + 2 * week, number, south);
  await transfer(start + 3 * week - 1, number, north);
  await run(start + 4 * week);
  assert.deepEqual(await fees(), [...weeks([0, 1, 3, 4]), ...weeks([2], south)].sort());
});

test('the price is that of the moment of charging, and nothing is no charge', async () => {
  const { bring, setPrice, fees, north, number, weeks } = await newPricedBook(0);
  await bring(start, north, [number]);
  await run(start);
  await setPrice(0.3333);
  await run(start + week);
  await setPrice(0);
  await run(start + 2 * week);
  await setPrice(2);
  await run(start + 3 * week);
  assert.deepEqual(await fees(), [...weeks([1], north, 0.3333), ...weeks([3], north, 2)]);
});

test('numbers without an account are charged for while the tenant says so, from then on', async () => {
  const { bring, chargeFor, fees, north, number, weeks } = await newPricedBook();
  await bring(start - 9 * week, north, [number], false);
  await run(start - hour);
  await chargeFor(start, 'all');
  assert.deepEqual(await fees(), [], 'nothing is charged for the past');
  await run(start + week);
  // To say it again changes nothing.
  await chargeFor(start + week + hour, 'all');
  await run(start + week + hour);
  assert.deepEqual(await fees(), weeks([0, 1]));
  // The week that has begun stays charged, and the next one is not, however late the job comes.
  await chargeFor(start + 3 * week, 'carrier');
  await run(start + 9 * week);
  assert.deepEqual(await fees(), weeks([0, 1, 2]));
  await chargeFor(start + 10 * week, 'all');
  await run(start + 11 * week - 1);
  assert.deepEqual(await fees(), weeks([0, 1, 2, 10]));
});

test('a number that comes in while all are charged for is charged at once', async () => {
  const { bring, chargeFor, fees, north, number, weeks, release } = await newPricedBook();
  await chargeFor(start - 1, 'all');
  await bring(start, north, [number], false);
  await run(start);
  assert.deepEqual(await fees(), weeks([0]));
  await release(start + 2 * week, north, number);
  await run(start + 5 * week);
  assert.deepEqual(await fees(), weeks([0, 1]));
});

test('a week is not charged twice if the setting goes off and on within it', async () => {
  const { bring, chargeFor, fees, north, number, weeks } = await newPricedBook();
  await chargeFor(start - 1, 'all');
  await bring(start, north, [number], false);
  await run(start);
  await chargeFor(start + hour, 'carrier');
  await run(start + 2 * hour);
  await chargeFor(start + 3 * hour, 'all');
  await run(start + week);
  assert.deepEqual(await fees(), weeks([0, 1]));
  // A server whose clock is ahead ends the fee early.
  await chargeFor(start + week + hour, 'carrier');
  await run(start + 2 * week);
  await chargeFor(start + week + 2 * hour, 'all');
  await run(start + 2 * week);
  assert.deepEqual(await fees(), weeks([0, 1, 2]));
});

test('no job has come while the setting was off: those weeks are not charged', async () => {
  const { bring, chargeFor, fees, north, number, weeks } = await newPricedBook();
  await chargeFor(start - 1, 'all');
  await bring(start, north, [number], false);
  await run(start);
  await chargeFor(start + hour, 'carrier');
  await chargeFor(start + 5 * week, 'all');
  await run(start + 6 * week);
  assert.deepEqual(await fees(), weeks([0, 5, 6]));
});

test('thousands of numbers get their first week from several servers, one of which is killed', async () => {
  const { bring, chargeFor, fees, north, release } = await newPricedBook();
  const numbers = Array.from({ length: 2100 }, uniqueNumber);
  await bring(start - week, north, numbers, false);
  await chargeFor(start, 'all');
  const lost = database.db.transaction().execute(async tx => {
    await beginBatch(tx);
    throw new Error('killed');
  });
  await assert.rejects(lost, /killed/);
  await beginBatch(database.db);
  // It was there when its week began.
  await release(start + hour, north, numbers.at(-1)!);
  await Promise.all([run(start + 2 * hour), run(start + 2 * hour)]);
  await run(start + 2 * hour);
  assert.deepEqual(await fees(), numbers.map(number => feeOf(number, start, north, 1.25)).sort());
});

test('numbers that come in while the setting is changed are charged for, whichever was first', async () => {
  const { bring, chargeFor, fees, north } = await newPricedBook();
  const numbers = Array.from({ length: 40 }, uniqueNumber);
  const some = numbers.splice(0, 10);
  await bring(start - week, north, some, false);
  await Promise.all([
    ...numbers.map(number => bring(start, north, [number], false)),
    chargeFor(start + 1, 'all'),
    ...Array.from({ length: 4 }, () => run(start + 1)),
  ]);
  await run(start + 2);
  const charged = (await fees()).map(fee => fee.split(' ')[0]);
  assert.deepEqual(charged, [...some, ...numbers].sort());
});

test('what a revision holds is charged after it, and neither waits for the other', async () => {
  const { bring, fees, caller, north, number, weeks } = await newPricedBook();
  await bring(start, north, [number]);
  const rows = () =>
    sql`select to_jsonb(n) - 'next_fee_at' as number, to_jsonb(o) as organization
      from phone_numbers n join organizations o on o.id = n.organization_id
      where n.phone_number = ${number}`.execute(database.db);
  await revise(database.db, caller, { unique_id: north }, async ({ tx }) => {
    const its = tx.updateTable('phone_numbers').where('phone_number', '=', number);
    await its.set({ nickname: 'Desk' }).execute();
    await run(start);
    assert.deepEqual(await fees(), []);
  });
  const before = await rows();
  await run(start);
  assert.deepEqual(await fees(), weeks([0]));
  assert.deepEqual((await rows()).rows, before.rows, 'a fee is no change of the inventory');
});

test('thousands of numbers that several servers find due: every week once', async () => {
  const { bring, fees, north } = await newPricedBook();
  const numbers = Array.from({ length: 1200 }, uniqueNumber);
  await bring(start, north, numbers);
  await Promise.all([2, 1, 2, 0].map(weeks => run(start + weeks * week)));
  // Another server may have held the rest of what was due when the last one looked.
  await run(start + 2 * week);
  const expected = numbers.flatMap(number =>
    [0, 1, 2].map(one => feeOf(number, start + one * week, north, 1.25)),
  );
  assert.deepEqual(await fees(), expected.sort());
});

test('a pointer that was set back charges nothing again', async () => {
  const { bring, fees, north, number, weeks } = await newPricedBook();
  await bring(start, north, [number]);
  await run(start + week);
  const its = database.db.updateTable('phone_numbers').where('phone_number', '=', number);
  await its.set({ next_fee_at: new Date(start) }).execute();
  await run(start + 2 * week);
  assert.deepEqual(await fees(), weeks([0, 1, 2]));
});

test('the job charges five weeks at once, and no more until an operator says that the clock is right', async () => {
  const { bring, fees, north, caller } = await newPricedBook();
  await database.db.updateTable('phone_numbers').set({ next_fee_at: null }).execute();
  const [down, ahead] = [uniqueNumber(), uniqueNumber()];
  const now = Date.now();
  // For the first number no server was running. The second one is as a clock sees it that is months ahead.
  const [missed, months] = [4, 11].map(weeks => now - weeks * week - hour) as [number, number];
  await bring(missed, north, [down]);
  await bring(months, north, [ahead]);
  const logged: string[] = [];
  const log = pino({}, { write: line => void logged.push(line) });
  const job = startWeeklyFees(database.db, log);
  job.wake();
  const told = () => logged.filter(line => /run linekeeper charge-weeks$/.test(JSON.parse(line).msg));
  while (told().length === 0) await sleep(10);
  await job.stop();
  const weeks = [0, 1, 2, 3, 4].map(one => feeOf(down, missed + one * week, north, 1.25));
  assert.deepEqual(await fees(), weeks.sort());
  assert.deepEqual(
    told().map(line => JSON.parse(line).since),
    [new Date(months).toISOString()],
  );
  const { findings } = await check(database, caller.tenantId);
  assert.deepEqual(findings, [
    {
      organization: north,
      problem: `weekly fees of 1 number are not charged, the first from ${new Date(months).toISOString().slice(0, 19)}Z: if the clock is right, run linekeeper charge-weeks`,
    },
  ]);
  assert.equal(await chargeWeeks(database.db), 12);
  assert.equal((await fees()).length, 17);
  assert.deepEqual((await check(database, caller.tenantId)).findings, []);
});

test('the job does so by itself, and says when it cannot', async () => {
  const { bring, fees, north, number } = await newPricedBook();
  // The numbers of the other tests have missed years by the clock that this one goes by.
  await database.db.updateTable('phone_numbers').set({ next_fee_at: null }).execute();
  const now = Date.now();
  await bring(now, north, [number]);
  const logged: string[] = [];
  const log = pino({}, { write: line => void logged.push(line) });
  const told = () => logged.some(line => JSON.parse(line).msg === 'weekly fees could not run');
  await sql`alter table charges rename to hidden`.execute(database.db);
  const first = startWeeklyFees(database.db, log);
  first.wake();
  while (!told()) await sleep(10);
  await first.stop();
  await sql`alter table hidden rename to charges`.execute(database.db);
  const second = startWeeklyFees(database.db, log);
  second.wake();
  while ((await fees()).length === 0) await sleep(10);
  await second.stop();
  assert.deepEqual(await fees(), [feeOf(number, now, north, 1.25)]);
});
