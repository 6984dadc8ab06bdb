import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { check } from '../check/check.ts';
import type { Db } from '../db/database.ts';
import { lose, own, setFaults } from '../testing/carrier-numbers.ts';
import { newNumbers, newOrganization, uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { beginComparison } from './schedule.ts';
import { ended, newAccount, pilesOf, reconcile, tenantOf } from './testing.ts';

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

test('three piles, and only what nobody is at work on', async () => {
  const [lost, renumbered, same, leaving, undoing] = (await adopted(5)) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const [extra, unlinked, elsewhere, ordered] = unique(4) as [string, string, string, string];
  await newNumbers(server, acme, [{ phone_number: unlinked }, { phone_number: elsewhere }]);
  const [, , id] = await own(
    db,
    account,
    [extra, unlinked, elsewhere, ordered].map(phone_number => ({ phone_number })),
  );
  await lose(db, account, [lost, renumbered, leaving]);
  const [newId] = await own(db, account, [{ phone_number: renumbered }]);
  const other = await newAccount(server);
  const numbers = db.updateTable('phone_numbers');
  await numbers
    .set({ carrier_account_id: other, carrier_number_id: 'x' })
    .where('phone_number', '=', elsewhere)
    .execute();
  await numbers.set({ release_due_at: new Date() }).where('phone_number', '=', leaving).execute();
  await server.call('PATCH', '/v1/tenant', { body: { release_undo_seconds: 3600 } });
  await server.call('DELETE', `/v1/sms/phone-numbers/${undoing}`);
  await server.call('PATCH', '/v1/tenant', { body: { release_undo_seconds: 0 } });
  await placeOrder(ordered, 'settling');

  const run = await compare();
  assert.deepEqual(await pilesOf(server, run.id), {
    not_here: [extra],
    not_there: [lost],
    different: [renumbered, unlinked, elsewhere].sort(),
  });
  const { status, counts, problem } = run;
  assert.deepEqual(
    [status, problem, counts.not_here, counts.not_there, counts.different, counts.already_here],
    ['done', null, 1, 1, 3, 2],
  );
  const differences = Object.fromEntries(
    (await drift(run.id, '?pile=different')).drift.map(
      (one: { phone_number: string; differences: unknown }) => [one.phone_number, one.differences],
    ),
  );
  const field = (name: string, here: string | null, there: unknown) => ({ field: name, here, there });
  assert.equal(differences[renumbered].length, 1);
  assert.deepEqual(
    [differences[renumbered][0].field, differences[renumbered][0].there],
    ['carrier_number_id', newId],
  );
  assert.deepEqual(differences[elsewhere], [
    field('carrier_account_id', other, account),
    field('carrier_number_id', 'x', id),
  ]);
  assert.deepEqual(differences[unlinked][0], field('carrier_account_id', null, account));
  assert.ok((await server.call('GET', `/v1/sms/phone-numbers/${same}`)).body.phone_number.is_available);
  // The test has written to the tables directly.
  await numbers
    .set({ carrier_account_id: null, carrier_number_id: null })
    .where('phone_number', '=', elsewhere)
    .execute();
  await numbers.set({ release_due_at: null }).where('phone_number', '=', leaving).execute();
  await db.deleteFrom('orders').where('carrier_account_id', '=', account).execute();
});

async function placeOrder(phone_number: string, status: 'settling'): Promise<void> {
  const tenant_id = await tenantOf(server);
  await sql`
    insert into orders (tenant_id, organization_id, id, carrier_account_id, status, country, purchase_fee, weekly_price,
      phone_number, reference, attempted_at, actor_type, actor_id, created_at, modified_at)
    select ${tenant_id}, id, gen_random_uuid(), ${account}, ${status}, 'US', 0, 0, ${phone_number}, 'r', now(), 'system', 'test', now(), now()
    from organizations where unique_id = ${acme}`.execute(db);
}

test('an empty list and a cut one are read again, and do no harm if that is all there is', async () => {
  const numbers = await adopted(130);
  for (const kind of ['empty', 'cut'] as const) {
    await setFaults(db, account, [{ call: 'list', kind, times: 1 }]);
    const again = await compare();
    assert.deepEqual([again.status, again.counts.listings], ['done', 2], kind);
    assert.deepEqual(await pilesOf(server, again.id), none);

    await setFaults(db, account, [{ call: 'list', kind, times: 99 }]);
    const doubted = await compare();
    assert.equal(doubted.status, 'doubtful', kind);
    assert.match(
      doubted.problem,
      /^(130 of our 130 numbers|The carrier counts 130 numbers and listed 50).*so the run reports no drift$/,
    );
    assert.equal((await drift(doubted.id)).count, 0);
    assert.equal(doubted.counts.looked_up, 0);
  }
  await setFaults(db, account, []);
  assert.deepEqual((await compare()).counts.already_here, numbers.length);
});

test('a loss that is too large to be true is reported only when it was expected', async () => {
  const numbers = await adopted(40);
  await lose(db, account, numbers.slice(0, 21));
  const doubted = await compare();
  assert.deepEqual(
    [doubted.status, doubted.problem],
    [
      'doubtful',
      '21 of our 40 numbers at the carrier are missing from its list, so the run reports no drift',
    ],
  );
  const believed = await compare('?may_be_missing=21');
  assert.deepEqual([believed.status, believed.counts.looked_up], ['done', 21]);
  assert.deepEqual((await pilesOf(server, believed.id)).not_there, numbers.slice(0, 21));
});

test('what the list lacks and the carrier has all the same is not missing', async () => {
  const [hidden, lost] = (await adopted(30)) as [string, string];
  await lose(db, account, [lost]);
  // Delete one listed number before the comparison.
  const run = await compare();
  await db
    .updateTable('carrier_runs')
    .set({ status: 'comparing', finished_at: null, next_at: sql<Date>`'infinity'` })
    .where('id', '=', run.id)
    .execute();
  await db.deleteFrom('carrier_drift').where('run_id', '=', run.id).execute();
  await sql`
    insert into carrier_stock (tenant_id, run_id, phone_number, carrier_number_id)
    select tenant_id, ${run.id}, phone_number, carrier_number_id from phone_numbers
    where carrier_account_id = ${account} and phone_number not in (${hidden}, ${lost})`.execute(db);
  await setFaults(db, account, [{ call: 'find', kind: 'rate_limited', times: 1 }]);
  await db.updateTable('carrier_runs').set({ next_at: new Date() }).where('id', '=', run.id).execute();
  const { counts } = await ended(server, run.id);
  assert.deepEqual([counts.looked_up, counts.not_there], [2 + run.counts.looked_up, 1]);
  assert.deepEqual(await pilesOf(server, run.id), { ...none, not_there: [lost] });
});

test('a page that fails is asked for again, and an account that does not open ends the run', async () => {
  await adopted(230);
  await setFaults(db, account, [
    { call: 'list', kind: 'rate_limited', times: 2 },
    { call: 'list', kind: 'torn', times: 1 },
  ]);
  const { status, counts } = await compare();
  assert.deepEqual([status, counts.pages, counts.listed], ['done', 3, 230]);
  await setFaults(db, account, [{ call: 'list', kind: 'authentication_failed', times: 1 }]);
  const failed = await compare();
  assert.deepEqual(
    [failed.status, failed.problem],
    ['failed', 'The sandbox was told to say authentication_failed'],
  );
  await db
    .updateTable('carrier_accounts')
    .set({ credentials: Buffer.alloc(40) })
    .where('id', '=', account)
    .execute();
  assert.match((await compare()).problem, /^LINEKEEPER_SECRET_KEY/);
});

test('comparisons begin by themselves, once for all servers, and the next one is set', async t => {
  const second = await startTestServer(server.database);
  t.after(() => second.stop());
  const began = Date.now();
  const due = new Date(began - 7 * 86_400_000);
  await db
    .updateTable('carrier_accounts')
    .set({ compare_every_seconds: 86_400, compare_due_at: due })
    .where('id', '=', account)
    .execute();
  const runs = async () => (await server.call('GET', `/v1/carrier-accounts/${account}/runs`)).body.runs;
  while ((await runs())[0]?.status !== 'done') await sleep(20);
  await Promise.all(Array.from({ length: 5 }, () => beginComparison(db)));
  assert.equal((await runs()).length, 1);
  const { compare_due_at } = await db
    .selectFrom('carrier_accounts')
    .select('compare_due_at')
    .where('id', '=', account)
    .executeTakeFirstOrThrow();
  const nextMs = compare_due_at!.getTime() - 86_400_000;
  assert.ok(nextMs >= began - 1000 && nextMs <= Date.now() + 1000);
});

test('runs and piles come in pages, and what a run has found is kept for five of them', async () => {
  const numbers = unique(5);
  await own(
    db,
    account,
    numbers.map(phone_number => ({ phone_number })),
  );
  const begun: string[] = [];
  for (let i = 0; i < 6; i++) begun.unshift((await compare()).id);
  const listed: string[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await server.call('GET', `/v1/carrier-accounts/${account}/runs?limit=4${cursor}`);
    listed.push(...body.runs.map((run: { id: string }) => run.id));
    if (!body.has_more) break;
    cursor = `&cursor=${body.next_cursor}`;
  }
  assert.deepEqual(listed, begun);
  const [newest, oldest] = [begun[0]!, begun.at(-1)!];
  const first = await drift(newest, '?pile=not_here&limit=3');
  const rest = await drift(newest, `?pile=not_here&limit=3&cursor=${encodeURIComponent(first.next_cursor)}`);
  assert.deepEqual(
    [...first.drift, ...rest.drift].map((one: { phone_number: string }) => one.phone_number),
    numbers,
  );
  assert.deepEqual([first.has_more, rest.has_more, rest.next_cursor], [true, false, null]);
  assert.equal((await drift(newest, '?pile=not_there')).count, 0);
  assert.deepEqual([(await drift(begun[4]!)).count, (await drift(oldest)).count], [5, 0]);
  const stock = await db.selectFrom('carrier_stock').select('run_id').where('run_id', 'in', begun).execute();
  assert.deepEqual(stock, []);
});

test('after all that the log says the same as the tables', async () => {
  assert.deepEqual((await check(server.database)).findings, []);
});
