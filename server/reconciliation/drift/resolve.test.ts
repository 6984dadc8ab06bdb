import assert from 'node:assert/strict';
import { after, beforeEach, before as first, test } from 'node:test';
import { unhurried } from '../../../carriers/testing/time-outs.ts';
import { type Carriers, carrierDefaults, createCarriers } from '../../accounts/open.ts';
import { check } from '../../check/check.ts';
import type { Db } from '../../db/database.ts';
import { lose, own, owned, runCaller, setFaults } from '../../testing/carrier-numbers.ts';
import { newOrganization, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { newAccount, pilesOf, reconcile } from '../testing.ts';
import { type Action, type Case, openCase, resolveDrift } from './resolve.ts';

let server: TestServer;
let db: Db;
let account: string;
let acme: string;
first(async () => {
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

const released = { action: 'release_at_carrier', confirm: true } as const;

/** A caller, and the case as a request of it would open it. */
async function twoOf(run: string, phone_number: string) {
  const caller = await runCaller(db, acme);
  const carriers = createCarriers(db, { ...carrierDefaults, ...unhurried });
  const key = { run_id: run, phone_number };
  return {
    carriers,
    open: (action: Action, by = carriers) => openCase(db, by, caller, key, action),
    resolve: (found: Case, action: Action) => resolveDrift(db, caller, found, action),
  };
}

test('a number that is on its way back to the carrier is neither adopted nor ignored meanwhile', async () => {
  const [number] = unique(1) as [string];
  await own(db, account, [{ phone_number: number }]);
  const run = await compare();
  const two = await twoOf(run.id, number);
  const adopt = { action: 'adopt', organization_id: acme } as const;
  const refusals: string[] = [];
  /** Both begin before the carrier has released the number. */
  const meanwhile = async () => {
    for (const action of [adopt, { action: 'ignore' } as const]) {
      const refused = await two
        .open(action)
        .then(found => two.resolve(found, action))
        .catch(error => error);
      refusals.push(refused.code ?? 'done');
    }
    const rules = { rules: [{ organization_id: acme, everything: true }], dry_run: false };
    assert.equal((await reconcile(server, account, 'adopt', rules)).counts.adopted, 0);
  };
  const found = await two.open(released, before(two.carriers, 'release', meanwhile));
  assert.deepEqual(refusals, ['number_leaving', 'number_leaving']);
  assert.equal((await two.resolve(found, released)).resolution, 'released_at_carrier');
  assert.deepEqual(await owned(db, account), []);
  assert.equal((await server.call('GET', `/v1/sms/phone-numbers/${number}`)).status, 404);
});

test('a number that was adopted meanwhile is not given back', async () => {
  const [number] = unique(1) as [string];
  await own(db, account, [{ phone_number: number }]);
  const run = await compare();
  const two = await twoOf(run.id, number);
  const adopt = { action: 'adopt', organization_id: acme } as const;
  const meanwhile = async () => void (await two.resolve(await two.open(adopt), adopt));
  await assert.rejects(two.open(released, before(two.carriers, 'open', meanwhile)), {
    code: 'drift_resolved',
  });
  assert.deepEqual(await owned(db, account), [number]);
  assert.equal((await server.call('GET', `/v1/sms/phone-numbers/${number}`)).status, 200);
});

test('a number whose release the carrier refuses can be adopted at once; after an unclear one it is released again', async () => {
  const [refused, unclear] = unique(2) as [string, string];
  await own(db, account, [{ phone_number: refused }, { phone_number: unclear }]);
  const run = await compare();
  const resolve = (number: string, body: object) =>
    server.call('POST', `/v1/carrier-runs/${run.id}/drift/${number}/resolve`, { body });
  const adopt = { action: 'adopt', organization_id: acme };
  await setFaults(db, account, [{ call: 'release', kind: 'rate_limited', times: 1 }]);
  assert.equal((await resolve(refused, released)).body.code, 'carrier_failed');
  assert.equal((await resolve(refused, adopt)).status, 200);
  await setFaults(db, account, [{ call: 'release', kind: 'timeout_after', times: 1 }]);
  assert.equal((await resolve(unclear, released)).body.code, 'carrier_failed');
  assert.equal((await resolve(unclear, adopt)).body.code, 'number_leaving');
  assert.equal((await resolve(unclear, released)).status, 200);
});

test('a process that wakes up when its release was given up gives nothing back', async t => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const [number] = unique(1) as [string];
  await own(db, account, [{ phone_number: number }]);
  const run = await compare();
  const two = await twoOf(run.id, number);
  const adopt = { action: 'adopt', organization_id: acme } as const;
  const meanwhile = async () => {
    await db
      .updateTable('carrier_drift')
      .set({ releasing_until: new Date() })
      .where('run_id', '=', run.id)
      .execute();
    await two.resolve(await two.open(adopt), adopt);
    t.mock.timers.tick(two.carriers.settings.settleMs);
  };
  await assert.rejects(two.open(released, before(two.carriers, 'findNumber', meanwhile)), {
    code: 'carrier_failed',
  });
  assert.deepEqual(await owned(db, account), [number]);
});

/** The carriers, with something that happens once before such a call, or before they are opened. */
function before(
  carriers: Carriers,
  call: 'open' | 'release' | 'findNumber',
  happen: () => Promise<void>,
): Carriers {
  let happened = false;
  const once = async () => {
    if (happened) return;
    happened = true;
    await happen();
  };
  return {
    ...carriers,
    async open(...args) {
      if (call === 'open') await once();
      const carrier = await carriers.open(...args);
      if (call === 'open') return carrier;
      const original = carrier[call] as (id: string) => Promise<never>;
      return {
        ...carrier,
        [call]: async (id: string) => {
          await once();
          return original(id);
        },
      };
    },
  };
}

test('after all that the log says the same as the tables', async () => {
  assert.deepEqual((await check(server.database)).findings, []);
});
