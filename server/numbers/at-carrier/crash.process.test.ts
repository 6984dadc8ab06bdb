import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { check } from '../../check/check.ts';
import { openDatabase } from '../../db/database.ts';
import {
  newCarrierAccount,
  newCarrierNumbers,
  readBook,
  registerOrganization,
  runCaller,
  setFaults,
} from '../../testing/carrier-numbers.ts';
import { letTimePass } from '../../testing/carrier-schedules.ts';
import { newHome, startServer } from '../../testing/process.ts';

const organization = 'org_abc123';
const [released, attached] = ['+12125550123', '+12125550124'];
const pathOf = (number: string) => `/v1/sms/phone-numbers/${number}`;

test('a server that is killed while it asks a carrier leaves what the next one goes on with', async t => {
  const home = await newHome(t);
  const first = await startServer(home);
  const connection = { host: join(home, 'run'), user: 'linekeeper', database: 'linekeeper' };
  const database = openDatabase(connection);
  const { db } = database;
  const caller = await runCaller(db, organization);
  const [releases, attaches] = [await newCarrierAccount(db, caller), await newCarrierAccount(db, caller)];
  await setFaults(db, releases, [{ call: 'release', kind: 'hang', times: 1 }]);
  await setFaults(db, attaches, [{ call: 'attach', kind: 'hang', times: 1 }]);
  await registerOrganization(db, caller, organization, 'campaign');
  await newCarrierNumbers(db, caller, organization, releases, [released]);
  await newCarrierNumbers(db, caller, organization, attaches, [attached], { pending: true });

  const unanswered = first.call('DELETE', pathOf(released)).catch(() => undefined);
  // The call that hangs has used up its fault.
  for (const account of [releases, attaches])
    while ((await readBook(db, account)).faults.length > 0) await sleep(20);
  await first.kill();
  assert.equal(await unanswered, undefined);

  const second = await startServer(home);
  const leaving = await second.call('GET', pathOf(released));
  assert.deepEqual(
    [leaving.body.phone_number.leaving, leaving.body.phone_number.status],
    [true, 'available'],
  );
  await letTimePass(db);
  while ((await second.call('GET', pathOf(released))).status !== 404) await sleep(50);
  while ((await second.call('GET', pathOf(attached))).body.phone_number.status === 'pending') await sleep(50);
  assert.equal((await readBook(db, releases)).numbers[0]!.released, true);
  assert.equal((await readBook(db, attaches)).numbers[0]!.attachment?.state, 'attached');
  const again = await second.call('DELETE', pathOf(released));
  assert.equal(again.body.already_released, true);
  assert.deepEqual((await check(database)).findings, []);
  await database.close();
  await second.stop();
});
