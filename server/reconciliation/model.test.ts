import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import type { Db } from '../db/database.ts';
import { own } from '../testing/carrier-numbers.ts';
import { newNumbers, newOrganization, uniqueNumber } from '../testing/factories.ts';
import { fuzzing } from '../testing/runs.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { newAccount, pilesOf, reconcile } from './testing.ts';

let server: TestServer;
let db: Db;
before(async () => {
  server = await startTestServer();
  db = server.database.db;
});
after(() => server.stop());

/** The state of one number at the carrier and here. Ids are `old` or `new`; ours are always `old`. */
type Standing = {
  there: { id: 'old' | 'new'; tag: 'acme' | 'other' | 'none' } | null;
  here: { organization: 'acme' | 'other'; account: 'this' | 'another' | 'none'; leaving: boolean } | null;
  ordered: boolean;
};

const standing: fc.Arbitrary<Standing> = fc.record({
  there: fc.option(
    fc.record({ id: fc.constantFrom('old', 'new'), tag: fc.constantFrom('acme', 'other', 'none') }),
  ),
  here: fc.option(
    fc.record({
      organization: fc.constantFrom('acme', 'other'),
      account: fc.constantFrom('this', 'this', 'another', 'none'),
      leaving: fc.boolean(),
    }),
  ),
  ordered: fc.boolean(),
});

type Verdict = { pile: 'not_here' | 'not_there' | 'different' | null; step: 'adopt' | 'link' | null };
const agreed: Verdict = { pile: null, step: null };

/** The expected drift. `ruled`: the run is an adoption whose rules map tags to organizations. */
function expectedVerdict({ there, here, ordered }: Standing, ruled: boolean): Verdict {
  const wanted = ruled && there && there.tag !== 'none' ? there.tag : null;
  if (here?.leaving && here.account !== 'none') return agreed;
  if (!there) return here?.account === 'this' ? { pile: 'not_there', step: null } : agreed;
  if (!here) return ordered ? agreed : { pile: 'not_here', step: wanted && 'adopt' };
  const same = here.account === 'this' && there.id === 'old' && (!wanted || wanted === here.organization);
  if (same) return agreed;
  return { pile: 'different', step: here.account === 'none' && wanted === here.organization ? 'link' : null };
}

test('the piles of generated books are those of a model, and an adoption does what it says', async () => {
  const property = fc.asyncProperty(fc.array(standing, { minLength: 1, maxLength: 25 }), async standings => {
    const account = await newAccount(server);
    const organizations = { acme: await newOrganization(server), other: await newOrganization(server) };
    const numbers = standings.map(uniqueNumber);
    await write(account, organizations, numbers, standings);
    const rules = (['acme', 'other'] as const).map(tag => ({ organization_id: organizations[tag], tag }));
    const pass = { may_be_missing: 100 };

    const compared = await reconcile(server, account, 'compare?may_be_missing=100');
    assert.deepEqual(await pilesOf(server, compared.id), expected(numbers, standings, false));
    const rehearsed = await reconcile(server, account, 'adopt', { rules, ...pass });
    assert.deepEqual(await pilesOf(server, rehearsed.id), expected(numbers, standings, true));
    const done = await reconcile(server, account, 'adopt', { rules, ...pass, dry_run: false });
    assert.deepEqual(done.plan, rehearsed.plan);

    const after = standings.map(take);
    assert.deepEqual(await pilesOf(server, done.id), expected(numbers, after, true));
    assert.deepEqual(await read(account, organizations, numbers), after.map(here));
    const again = await reconcile(server, account, 'adopt', { rules, ...pass, dry_run: false });
    assert.deepEqual([again.counts.adopted, again.counts.linked, again.plan], [0, 0, []]);
    assert.deepEqual(await read(account, organizations, numbers), after.map(here));
  });
  await fc.assert(property, fuzzing('books'));
});

/** The state after an adoption. */
function take(one: Standing): Standing {
  const { step } = expectedVerdict(one, true);
  if (step === null) return one;
  const organization = one.there!.tag as 'acme' | 'other';
  // Adopted numbers get the carrier's id.
  return {
    there: { ...one.there!, id: 'old' },
    here: { organization, account: 'this', leaving: false },
    ordered: one.ordered,
  };
}

function expected(numbers: string[], standings: Standing[], ruled: boolean): Record<string, string[]> {
  const piles: Record<string, string[]> = { not_here: [], not_there: [], different: [] };
  for (const [index, one] of standings.entries()) {
    const { pile } = expectedVerdict(one, ruled);
    if (pile) piles[pile]!.push(numbers[index]!);
  }
  for (const pile of Object.values(piles)) pile.sort();
  return piles;
}

type Organizations = { acme: string; other: string };

/** Writes both states. Ours go to the tables directly, because no API call produces all of them. */
async function write(
  account: string,
  organizations: Organizations,
  numbers: string[],
  standings: Standing[],
): Promise<void> {
  const another = await newAccount(server);
  const mine = { this: account, another, none: null };
  for (const [index, { there, here, ordered }] of standings.entries()) {
    const phone_number = numbers[index]!;
    if (there) await own(db, account, [{ phone_number, id: `${there.id}-${index + 1}`, tags: [there.tag] }]);
    if (ordered && there && !here) await placeOrder(account, organizations.acme, phone_number);
    if (!here) continue;
    await newNumbers(server, organizations[here.organization], [{ phone_number }]);
    const id = mine[here.account];
    await db
      .updateTable('phone_numbers')
      .set({
        carrier_account_id: id,
        carrier_number_id: id && `old-${index + 1}`,
        release_due_at: id && here.leaving ? new Date('2999-01-01') : null,
      })
      .where('phone_number', '=', phone_number)
      .execute();
  }
}

const placeOrder = (account: string, organization: string, phone_number: string) =>
  sql`
    insert into orders (tenant_id, organization_id, id, carrier_account_id, status, country, purchase_fee, weekly_price,
      phone_number, reference, attempted_at, actor_type, actor_id, created_at, modified_at)
    select tenant_id, id, gen_random_uuid(), ${account}, 'settling', 'US', 0, 0, ${phone_number}, 'r', now(), 'system', 'test', now(), now()
    from organizations where unique_id = ${organization}`.execute(db);

const here = ({ here }: Standing) => here && [here.organization, here.account];

/** The organization and account of each number. */
async function read(account: string, organizations: Organizations, numbers: string[]) {
  const rows = await db
    .selectFrom('phone_numbers as n')
    .innerJoin('organizations as o', 'o.id', 'n.organization_id')
    .select(['n.phone_number', 'o.unique_id', 'n.carrier_account_id'])
    .where('n.phone_number', 'in', numbers)
    .execute();
  const byNumber = new Map(rows.map(row => [row.phone_number, row]));
  return numbers.map(number => {
    const row = byNumber.get(number);
    if (!row) return null;
    const of = row.carrier_account_id;
    return [
      row.unique_id === organizations.acme ? 'acme' : 'other',
      of === account ? 'this' : of === null ? 'none' : 'another',
    ];
  });
}
