import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { check } from '../../check/check.ts';
import type { Db } from '../../db/database.ts';
import { own, setFaults } from '../../testing/carrier-numbers.ts';
import { newNumbers, newOrganization, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { ended, newAccount, pilesOf, reconcile } from '../testing.ts';

let server: TestServer;
let db: Db;
let account: string;
let acme: string;
let other: string;
before(async () => {
  server = await startTestServer();
  db = server.database.db;
});
beforeEach(async () => {
  account = await newAccount(server);
  acme = await newOrganization(server);
  other = await newOrganization(server);
});
after(() => server.stop());

const unique = (count: number) => Array.from({ length: count }, uniqueNumber);
const adopt = (body: object) => reconcile(server, account, 'adopt', body);
const get = async (number: string) =>
  (await server.call('GET', `/v1/sms/phone-numbers/${number}`)).body.phone_number;
const listOf = async (organization: string): Promise<string[]> => {
  const { body } = await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  return body.phone_numbers.map((number: { phone_number: string }) => number.phone_number);
};
const eventsOf = async (organization: string) =>
  (await server.call('GET', `/v1/events?organization_id=${organization}`)).body.events;
const records = () =>
  db
    .selectFrom('phone_numbers')
    .select(['phone_number', 'carrier_number_id', 'next_fee_at', 'released_at'])
    .where('carrier_account_id', '=', account)
    .orderBy('phone_number')
    .execute();

test('rules say where numbers go, the first that fits; the map goes before them', async () => {
  const [tagged, named, both, mapped, nobodys] = unique(5) as [string, string, string, string, string];
  await own(db, account, [
    { phone_number: tagged, tags: ['vip', 'acme'] },
    { phone_number: named, name: 'Other: front desk' },
    { phone_number: both, tags: ['acme'], name: 'Other: back office' },
    { phone_number: mapped, tags: ['acme'] },
    { phone_number: nobodys, name: 'another', tags: ['acm'] },
  ]);
  const rules = [
    { organization_id: other, name_starts_with: 'Other: ', tag: 'none' },
    { organization_id: acme, tag: 'acme' },
    { organization_id: other, name_starts_with: 'Other: ' },
  ];
  const map = [{ phone_number: mapped.replace('+1', '1 '), organization_id: other }];

  const rehearsal = await adopt({ rules, map });
  assert.deepEqual(
    [rehearsal.status, rehearsal.dry_run, rehearsal.problem, rehearsal.counts.adopted],
    ['done', true, null, 0],
  );
  const expected = { listed: 5, total: 5, not_here: 5, to_adopt: 4, unmatched: 1, conflicts: 0, unlisted: 0 };
  for (const [name, count] of Object.entries(expected)) assert.equal(rehearsal.counts[name], count, name);
  const byOrganization = Object.fromEntries(
    rehearsal.plan.map((part: { organization_id: string }) => [part.organization_id, part]),
  );
  assert.deepEqual(byOrganization, {
    [acme]: { organization_id: acme, adopt: 2, link: 0, sample: [tagged, both].sort() },
    [other]: { organization_id: other, adopt: 2, link: 0, sample: [named, mapped].sort() },
  });
  assert.deepEqual([await listOf(acme), await listOf(other), await records()], [[], [], []]);

  const { status, counts, plan } = await adopt({ rules, map, dry_run: false });
  assert.deepEqual([status, counts.adopted, counts.unmatched, plan], ['done', 4, 1, rehearsal.plan]);
  assert.deepEqual(await listOf(acme), [tagged, both].sort());
  assert.deepEqual(await listOf(other), [named, mapped].sort());
  const { nickname, tags, is_available } = await get(named);
  assert.deepEqual([nickname, tags, is_available], ['Other: front desk', [], true]);
  assert.deepEqual((await get(tagged)).tags, ['acme', 'vip']);
  for (const record of await records()) assert.ok(record.next_fee_at);
});

test('it is a revision of each organization, in whose log it names who did it and what came', async () => {
  const numbers = unique(2).sort();
  await own(
    db,
    account,
    numbers.map(phone_number => ({ phone_number })),
  );
  await adopt({ rules: [{ organization_id: acme, everything: true }], dry_run: false });
  const event = (await eventsOf(acme)).at(-1);
  assert.deepEqual([event.type, event.revision, event.ordinal], ['numbers.adopted', 2, 0]);
  assert.deepEqual([event.actor.type, event.data.count, event.data.carrier_account_id], ['key', 2, account]);
  assert.ok(event.request_id);
  const { body } = await server.call('GET', `/v1/batches/${event.data.batch_id}`);
  assert.deepEqual(
    body.items.map((item: Record<string, unknown>) => [item.phone_number, item.carrier_account_id]),
    numbers.map(number => [number, account]),
  );
  const history = await server.call('GET', `/v1/sms/phone-numbers/${numbers[0]}/history`);
  assert.equal(history.body.tenures[0].states[0].event, 'numbers.adopted');
});

test('a number that is in the organization already is linked, one that is elsewhere is reported', async () => {
  const [here, elsewhere, unasked] = unique(3) as [string, string, string];
  await newNumbers(server, acme, [{ phone_number: here }, { phone_number: unasked }]);
  await newNumbers(server, other, [{ phone_number: elsewhere }]);
  await own(db, account, [
    { phone_number: here, tags: ['acme'] },
    { phone_number: elsewhere, tags: ['acme'] },
    { phone_number: unasked },
  ]);
  const rules = [{ organization_id: acme, tag: 'acme' }];
  const { counts } = await adopt({ rules, dry_run: false });
  assert.deepEqual([counts.different, counts.linked, counts.adopted, counts.conflicts], [3, 1, 0, 1]);
  assert.deepEqual(
    (await records()).map(record => record.phone_number),
    [here],
  );
  assert.ok((await records())[0]!.next_fee_at);
  assert.deepEqual(await listOf(other), [elsewhere]);
  const { body } = await server.call('GET', `/v1/batches/${(await eventsOf(acme)).at(-1).data.batch_id}`);
  assert.deepEqual([body.items[0].type, body.items[0].phone_number], ['number.linked', here]);
  assert.equal(body.items[0].changes.carrier_account_id.to, account);
});

test('to repeat it changes nothing, and takes what came since', async () => {
  const numbers = unique(3).sort();
  await own(
    db,
    account,
    numbers.slice(1).map(phone_number => ({ phone_number })),
  );
  const body = { rules: [{ organization_id: acme, everything: true }], dry_run: false };
  await adopt(body);
  const before = await records();
  const events = await eventsOf(acme);
  const again = await adopt(body);
  assert.deepEqual([again.counts.already_here, again.counts.not_here, again.counts.adopted], [2, 0, 0]);
  assert.deepEqual([await records(), await eventsOf(acme)], [before, events]);
  await own(db, account, [{ phone_number: numbers[0]! }]);
  assert.equal((await adopt(body)).counts.adopted, 1);
  assert.deepEqual(await listOf(acme), numbers);
});

test('names and tags come along as far as ours can be so', async () => {
  const [plain, odd] = unique(2) as [string, string];
  await own(db, account, [
    { phone_number: plain, name: `(${plain.slice(2, 5)}) ${plain.slice(5, 8)}-${plain.slice(8)}` },
    { phone_number: odd, name: ` ${'x'.repeat(300)}`, tags: ['a,b', 'b', 'a\n', 'a'.repeat(61)] },
  ]);
  await adopt({ rules: [{ organization_id: acme, everything: true }], dry_run: false });
  assert.equal((await get(plain)).nickname, null);
  const { nickname, tags } = await get(odd);
  assert.deepEqual([nickname.length, tags], [200, ['b']]);
});

test('what cannot be read, and what says nothing, is refused by name', async () => {
  const number = uniqueNumber();
  const everything = { organization_id: acme, everything: true };
  const wrong: [object, string][] = [
    [{}, 'rules or map must have at least one entry'],
    [{ rules: [everything, { organization_id: acme }] }, 'rules[1] must have at least one condition: '],
    [{ rules: [{ organization_id: 'org_none', tag: 'a' }] }, 'rules[0].organization_id does not exist'],
    [
      { map: [{ phone_number: number, organization_id: 'org_none' }] },
      'map[0].organization_id does not exist',
    ],
    [{ map: [{ phone_number: '12', organization_id: acme }] }, 'map[0].phone_number '],
    [
      { map: [number, number.slice(2)].map(phone_number => ({ phone_number, organization_id: acme })) },
      'map[1].phone_number repeats map[0]',
    ],
    [{ rules: [{ ...everything, everything: false }] }, 'rules[0].everything '],
  ];
  const path = `/v1/carrier-accounts/${account}/adopt`;
  for (const [body, error] of wrong) {
    const reply = await server.call('POST', path, { body });
    assert.deepEqual([reply.status, reply.body.code], [400, 'invalid_request'], reply.text);
    assert.ok(reply.body.error.startsWith(error), reply.text);
  }
  assert.deepEqual((await server.call('GET', `/v1/carrier-accounts/${account}/runs`)).body.runs, []);
});

test('an account that cannot be gone through, and a second run beside the first', async () => {
  const manual = await newAccount(server, { carrier: 'manual' });
  const compare = (id: string, key = server.key) =>
    server.call('POST', `/v1/carrier-accounts/${id}/compare`, { key });
  assert.equal((await compare(manual)).body.code, 'carrier_incapable');
  assert.equal((await compare(account, await server.newTenant())).body.code, 'carrier_account_not_found');
  assert.equal(
    (await compare(account, await server.newKey({ organization_id: acme }))).body.code,
    'key_bound',
  );
  // The first run must not have ended when the last request comes.
  await setFaults(db, account, [{ call: 'list', kind: 'transient', times: 1000 }]);
  const replies = await Promise.all([compare(account), compare(account), compare(account)]);
  const codes = replies.map(reply => reply.body.code ?? 'begun');
  assert.deepEqual(codes.sort(), ['begun', 'run_running', 'run_running']);
});

test('a number that changes while the run is under way is left to the next one', async () => {
  const [taken, ordered, mine] = unique(3) as [string, string, string];
  await own(
    db,
    account,
    [taken, ordered, mine].map(phone_number => ({ phone_number })),
  );
  const run = await adopt({ rules: [{ organization_id: acme, everything: true }] });
  // The steps of a rehearsal, as they stand when somebody has come in between.
  await newNumbers(server, other, [{ phone_number: taken }]);
  await db
    .updateTable('carrier_runs')
    .set({ dry_run: false, status: 'adopting', finished_at: null, next_at: new Date() })
    .where('id', '=', run.id)
    .execute();
  const { counts } = await ended(server, run.id);
  assert.deepEqual([counts.adopted, counts.passed_over], [2, 1]);
  assert.deepEqual((await pilesOf(server, run.id)).not_here, [taken]);
});

test('after all that the log says the same as the tables', async () => {
  assert.deepEqual((await check(server.database)).findings, []);
});
