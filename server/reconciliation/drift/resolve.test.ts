import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { check } from '../../check/check.ts';
import type { Db } from '../../db/database.ts';
import { lose, own, owned, setFaults } from '../../testing/carrier-numbers.ts';
import { newOrganization, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { newAccount, pilesOf, reconcile } from '../testing.ts';

let server: TestServer;
let db: Db;
let account: string;
let acme: string;
before(async () => {
  server = await startTestServer();
  db = server.database.db;
});
beforeEach(async () => {
  account = await newAccount(server);
  acme = await newOrganization(server);
});
after(() => server.stop());

const unique = (count: number) => Array.from({ length: count }, uniqueNumber).sort();
const compare = (query = '') => reconcile(server, account, `compare${query}`);
const none = { not_here: [], not_there: [], different: [] };

/** Creates numbers that are the same at the carrier and in the organization. */
async function adopted(count: number): Promise<string[]> {
  const numbers = unique(count);
  await own(
    db,
    account,
    numbers.map(phone_number => ({ phone_number })),
  );
  const body = { rules: [{ organization_id: acme, everything: true }], dry_run: false };
  assert.equal((await reconcile(server, account, 'adopt', body)).counts.adopted, count);
  return numbers;
}

const drift = async (run: string, query = '') =>
  (await server.call('GET', `/v1/carrier-runs/${run}/drift${query}`)).body;

test('each difference is resolved with one call, in a revision that names who did it', async () => {
  const [lost, renumbered] = (await adopted(2)) as [string, string];
  const [extra, given, left] = unique(3) as [string, string, string];
  await own(
    db,
    account,
    [extra, given, left].map(phone_number => ({ phone_number })),
  );
  await lose(db, account, [lost, renumbered]);
  const [newId] = await own(db, account, [{ phone_number: renumbered }]);
  const run = await compare();
  const resolve = (number: string, body: object) =>
    server.call('POST', `/v1/carrier-runs/${run.id}/drift/${number}/resolve`, { body });
  const refused: [string, object, string][] = [
    [extra, { action: 'link' }, 'invalid_request'],
    [lost, { action: 'adopt', organization_id: acme }, 'invalid_request'],
    [renumbered, { action: 'forget' }, 'invalid_request'],
    [given, { action: 'release_at_carrier' }, 'invalid_request'],
    [extra, { action: 'adopt', organization_id: 'org_none' }, 'organization_not_found'],
    [uniqueNumber(), { action: 'ignore' }, 'drift_not_found'],
  ];
  for (const [number, body, code] of refused)
    assert.equal((await resolve(number, body)).body.code, code, JSON.stringify(body));

  const done: [string, object, string][] = [
    [extra, { action: 'adopt', organization_id: acme }, 'adopted'],
    [renumbered, { action: 'link' }, 'linked'],
    [lost, { action: 'forget' }, 'forgotten'],
    [given, { action: 'release_at_carrier', confirm: true }, 'released_at_carrier'],
    [left, { action: 'ignore' }, 'ignored'],
  ];
  for (const [number, body, resolution] of done) {
    const reply = await resolve(number, body);
    assert.deepEqual([reply.status, reply.body.drift?.resolution], [200, resolution], reply.text);
    assert.equal((await resolve(number, body)).body.code, 'drift_resolved');
  }
  assert.deepEqual(await pilesOf(server, run.id), none);
  const all = await drift(run.id, '?include_resolved=true');
  assert.equal(all.count, 5);
  const { events } = (await server.call('GET', `/v1/events?organization_id=${acme}`)).body;
  assert.deepEqual(
    events
      .slice(-3)
      .map((event: { type: string; actor: { type: string } }) => [event.type, event.actor.type]),
    [
      ['numbers.adopted', 'key'],
      ['number.linked', 'key'],
      ['number.released', 'key'],
    ],
  );
  assert.equal(events.at(-2).data.changes.carrier_number_id.to, newId);
  assert.equal((await server.call('GET', `/v1/sms/phone-numbers/${lost}`)).status, 404);

  const again = await compare();
  assert.deepEqual(await pilesOf(server, again.id), none);
  assert.deepEqual(
    (await drift(again.id, '?include_resolved=true')).drift.map(
      (one: { phone_number: string; resolution: string }) => [one.phone_number, one.resolution],
    ),
    [[left, 'ignored']],
  );
});

test('the carrier is asked again before anything is resolved', async () => {
  const [back] = (await adopted(1)) as [string];
  const [gone] = unique(1) as [string];
  await own(db, account, [{ phone_number: gone }]);
  await lose(db, account, [back]);
  // If all of our numbers were missing, the list would be doubtful.
  const run = await compare('?may_be_missing=1');
  assert.deepEqual(await pilesOf(server, run.id), { ...none, not_here: [gone], not_there: [back] });
  await lose(db, account, [gone]);
  await own(db, account, [{ phone_number: back }]);
  const resolve = (number: string, body: object, headers = {}) =>
    server.call('POST', `/v1/carrier-runs/${run.id}/drift/${number}/resolve`, { body, headers });
  const forget = await resolve(back, { action: 'forget' });
  assert.deepEqual([forget.status, forget.body.error], [409, 'The carrier has the number']);
  const adopt = await resolve(gone, { action: 'adopt', organization_id: acme });
  assert.deepEqual([adopt.status, adopt.body.code], [409, 'drift_resolved']);
  await setFaults(db, account, [{ call: 'find', kind: 'transient', times: 1 }]);
  const failed = await resolve(back, { action: 'forget' });
  assert.deepEqual([failed.status, failed.body.code], [502, 'carrier_failed']);
  assert.equal((await pilesOf(server, run.id)).not_there!.length, 1);

  const headers = { 'idempotency-key': 'once' };
  await lose(db, account, [back]);
  const first = await resolve(back, { action: 'forget' }, headers);
  const second = await resolve(back, { action: 'forget' }, headers);
  assert.deepEqual(
    [first.status, second.status, second.headers.get('idempotency-replayed')],
    [200, 200, 'true'],
  );

  await own(db, account, [{ phone_number: gone }]);
  const release = { action: 'release_at_carrier', confirm: true };
  const reused = await resolve(gone, release, headers);
  const conditional = await resolve(gone, release, { 'if-match': '1' });
  assert.deepEqual([reused.status, conditional.status], [422, 400]);
  assert.deepEqual(await owned(db, account), [gone]);
  assert.equal((await resolve(gone, release)).status, 200);
  assert.deepEqual(await owned(db, account), []);
});

test('after all that the log says the same as the tables', async () => {
  assert.deepEqual((await check(server.database)).findings, []);
});
