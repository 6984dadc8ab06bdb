import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { releases } from '../numbers/at-carrier/leased-numbers.ts';
import { newCarrierAccount, newCarrierNumbers } from '../testing/carrier-numbers.ts';
import { newScheduleTenant } from '../testing/carrier-schedules.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { uniqueNumber } from '../testing/factories.ts';
import { LeaseLost, overwrite } from './leases.ts';
import { startWorkers } from './workers.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

test('a row that fails is logged, a row that is lost is not, and neither keeps its slot', async () => {
  const { db } = database;
  const { caller, organization } = await newScheduleTenant(db, 0);
  const account = await newCarrierAccount(db, caller);
  const numbers = Array.from({ length: 6 }, uniqueNumber);
  const ids = await newCarrierNumbers(db, caller, organization, account, numbers);
  await db
    .updateTable('phone_numbers')
    .set({ release_due_at: new Date(0) })
    .execute();

  const logged: { err: { message: string }; id: string }[] = [];
  const log = pino({}, { write: line => void logged.push(JSON.parse(line)) });
  const worked: string[] = [];
  let together = 0;
  let most = 0;
  const job = startWorkers(db, log, {
    ...{ name: 'the work', lease: releases, atOnce: 3, share: 2 },
    ...{ everyMs: 2 ** 31 - 1, leaseMs: 3_600_000 },
    async work(number) {
      most = Math.max(most, ++together);
      worked.push(number.id);
      await overwrite(db, releases, number, { release_due_at: null });
      together--;
      if (number.id === ids[0]) throw new Error('a bug');
      if (number.id === ids[1]) throw new LeaseLost();
    },
  });
  // It looks by itself only in days: whatever comes after the first two is begun by a slot that came free.
  job.wake();
  while (worked.length < numbers.length) await sleep(5);
  await job.stop();
  assert.deepEqual(worked.toSorted(), ids.toSorted());
  assert.equal(most, 2);
  assert.deepEqual(
    logged.map(({ err, id }) => [err.message, id]),
    [['a bug', ids[0]]],
  );
});
