import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import type { Carrier, CarrierNumber, Page } from '../../carriers/carrier.ts';
import { CarrierError } from '../../carriers/errors.ts';
import type { Caller } from '../access/caller.ts';
import { type Carriers, carrierDefaults, createCarriers } from '../accounts/open.ts';
import { check } from '../check/check.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { createTenant } from '../tenants/tenants.ts';
import { newCarrierAccount } from '../testing/carrier-numbers.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { stepDueRuns } from '../testing/due-work.ts';
import { uniqueNumber } from '../testing/factories.ts';
import { secretKey } from '../testing/server.ts';
import { readRules } from './adoption/rules.ts';
import { listDrift } from './drift/drift.ts';
import { getRun, type Run, startRun } from './runs.ts';

/* Faulty lists, served page by page. The supported carriers do not produce them on demand. */

const log = pino({ level: 'silent' });
let database: TestDatabase;
let carriers: Carriers;
let caller: Caller;
let account: string;
before(async () => {
  database = await createTestDatabase();
  carriers = createCarriers(database.db, { ...carrierDefaults, secretKeys: [secretKey], pollMs: 1 });
});
after(() => database.drop());
beforeEach(async () => {
  ({ caller } = await createTenant(database.db, 'Test', 'test'));
  await createOrganization(database.db, caller, { unique_id: 'acme', name: 'Acme' });
  account = await newCarrierAccount(database.db, caller);
});

type Asked = {
  /** The page, from 0, and the listing, from 1. */
  page: number;
  listing: number;
};

/** Adopts the numbers of an account with these pages. */
async function adopt(pageAt: (asked: Asked) => Page): Promise<Run> {
  let listing = 0;
  const list: Carrier['list'] = async next => {
    if (next === undefined) listing++;
    return pageAt({ page: next === undefined ? 0 : Number(next.split(' ')[0]), listing });
  };
  const findNumber = async () => undefined;
  const open = async () => ({ list, findNumber }) as unknown as Carrier;
  const rules = [{ organization_id: 'acme', everything: true as const }];
  const where = await readRules(database.db, caller, { rules, map: [], default_country: 'US' });
  const input = { type: 'adopt' as const, dry_run: false, may_be_missing: null, ...where };
  const { id } = await startRun(database.db, caller, account, input);
  for (;;) {
    await stepDueRuns(database.db, { ...carriers, open }, log);
    const run = await getRun(database.db, caller, id);
    if (run.finished_at !== null) return run;
  }
}

const numbered = (count: number): CarrierNumber[] =>
  Array.from({ length: count }, () => {
    const phone_number = uniqueNumber();
    return {
      id: `id of ${phone_number}`,
      phone_number,
      name: null,
      tags: [],
      reference: null,
      subaccount: null,
    };
  });

const first = numbered(30);
const second = numbered(30);
const pages = (totalAt: (asked: Asked) => number | null) => (asked: Asked) => ({
  numbers: asked.page === 0 ? first : second,
  next: asked.page === 0 ? '1' : null,
  total: totalAt(asked),
});
const outcome = ({ status, counts, problem }: Run) => [
  status,
  counts.listings ?? 1,
  counts.adopted ?? 0,
  problem,
];

test('a carrier that does not count is believed, and so is one that counts right', async () => {
  assert.deepEqual(outcome(await adopt(pages(() => null))), ['done', 1, 60, null]);
  assert.deepEqual(outcome(await adopt(pages(() => 60))), ['done', 1, 0, null]);
});

test('a total that changes while it is read means to read again; so does one that is not reached', async () => {
  const changed = await adopt(pages(({ page, listing }) => (listing === 1 && page === 0 ? 59 : 60)));
  assert.deepEqual(outcome(changed), ['done', 2, 60, null]);
  const short = await adopt(pages(({ listing }) => (listing === 1 ? 61 : 60)));
  assert.deepEqual(outcome(short), ['done', 2, 0, null]);
});

test('a busy account is believed in the end, with a remark; one that has lost a page is not', async () => {
  const busy = await adopt(pages(({ page }) => 60 + page));
  assert.deepEqual(outcome(busy), [
    'done',
    3,
    60,
    "The account changed during the run: its list differs by 1 from the carrier's count",
  ]);
  const lost = await adopt(pages(() => 90));
  assert.deepEqual(outcome(lost), [
    'doubtful',
    3,
    0,
    'The carrier counts 90 numbers and listed 60, so the run reports no drift',
  ]);
  const shrunk = await adopt(pages(({ page }) => (page === 0 ? 600 : 60)));
  assert.equal(
    shrunk.problem,
    'The carrier first counted 600 numbers and then 60, so the run reports no drift',
  );
});

test('a list without end is given up', async () => {
  const round = await adopt(() => ({ numbers: first, next: '0', total: null }));
  assert.deepEqual([round.status, round.counts.listings], ['doubtful', 3]);
  let places = 0;
  const repeating = await adopt(() => ({ numbers: first, next: `0 ${places++}`, total: null }));
  assert.deepEqual(
    [repeating.status, repeating.problem],
    ['doubtful', 'The carrier returned the same page twice, so the run reports no drift'],
  );
});

test('a page that its own carrier does not know any more means to read again', async () => {
  const run = await adopt(asked => {
    if (asked.page === 1 && asked.listing === 1)
      throw new CarrierError('unavailable', 'The token is too old');
    return pages(() => 60)(asked);
  });
  assert.deepEqual(outcome(run), ['done', 2, 60, null]);
});

test('what we could not keep as it is does no harm', async () => {
  const [odd, twin, other, unreadable] = numbered(4) as [
    CarrierNumber,
    CarrierNumber,
    CarrierNumber,
    CarrierNumber,
  ];
  Object.assign(odd, {
    id: 'a\0b',
    name: 'x\ud800\0y',
    tags: ['t\0'],
    reference: '\udc00',
    subaccount: '\0',
  });
  Object.assign(twin, { id: other.id });
  Object.assign(unreadable, { phone_number: '+12115550100' });
  const run = await adopt(() => ({ numbers: [odd, twin, other, unreadable], next: null, total: 4 }));
  const { adopted, passed_over, unmatched, unreadable: count } = run.counts;
  assert.deepEqual([run.status, adopted, passed_over, unmatched, count], ['done', 2, 1, 1, 1]);
  const { drift } = await listDrift(database.db, caller, run.id, { include_resolved: true, limit: 10 });
  const kept = drift.find(one => one.phone_number === odd.phone_number)!;
  assert.deepEqual([kept.carrier_number_id, kept.name, kept.tags], ['ab', 'x\ufffdy', ['t']]);
  assert.deepEqual((await check(database)).findings, []);
});
