import { sql } from 'kysely';
import type { Carrier, CarrierNumber } from '../../carriers/carrier.ts';
import { type Db, transact } from '../db/database.ts';
import { planOf } from './adoption/plan.ts';
import { carryIgnored, countDrift, findDrift } from './drift/find.ts';
import { finish, save } from './progress.ts';
import type { LeasedRun, Run } from './runs.ts';
import { storeListed } from './stock.ts';

const lookUpsAtOnce = 100;
/** The list is believed while at most this many numbers, or a tenth of ours if that is more, are missing from it. */
const usuallyMissing = 20;

/** Our numbers of the account. Excludes those being released: the carrier may have released them already. */
const ours = ({ tenant_id, carrier_account_id }: Run) => sql`
  n.tenant_id = ${tenant_id} and n.carrier_account_id = ${carrier_account_id} and n.released_at is null
  and n.release_due_at is null and n.status <> 'releasing'`;

const listed = (run: Run) => sql`
  select from carrier_stock s
  where s.tenant_id = ${run.tenant_id} and s.run_id = ${run.id} and s.phone_number = n.phone_number`;

/**
 * Checks a complete list against our numbers. If many are missing, a faulty list is more likely than a real loss.
 * @returns why the list is doubtful, undefined if it is not
 */
export async function doubtOfLoss(db: Db, run: Run, count: number): Promise<string | undefined> {
  const { rows } = await sql<{ here: number; missing: number }>`
    select count(*) as here, count(*) filter (where not exists (${listed(run)})) as missing
    from phone_numbers n where ${ours(run)}`.execute(db);
  const { here, missing } = rows[0]!;
  const usual = count === 0 ? 0 : Math.max(usuallyMissing, here / 10);
  if (missing <= (run.may_be_missing ?? usual)) return undefined;
  return `${missing} of our ${here} numbers at the carrier are missing from its list`;
}

/**
 * Looks up one batch of the numbers that the list lacks. When none is left, finds the drift. A number is reported
 * missing only if the carrier denies having it in this look-up. One that it does have may have been bought during the
 * listing, and counts as listed.
 */
export async function compareBooks(db: Db, carrier: Carrier, run: LeasedRun): Promise<void> {
  const missing = await findMissing(db, run);
  if (missing.length === 0) return finishComparison(db, run);
  const lookUps = await Promise.allSettled(missing.map(number => carrier.findNumber(number)));
  const refused = lookUps.filter(lookUp => lookUp.status === 'rejected');
  // Store the successful look-ups. The next step repeats the others.
  if (refused.length === lookUps.length) throw refused[0]!.reason;
  const found = lookUps.flatMap(lookUp =>
    lookUp.status === 'fulfilled' && lookUp.value ? [lookUp.value] : [],
  );
  const gone = missing.filter((_, index) => isDenied(lookUps[index]!));
  await transact(db, async tx => {
    await storeListed(tx, run, found);
    await reportGone(tx, run, gone);
    const looked_up = (run.counts.looked_up ?? 0) + found.length + gone.length;
    await save(tx, run, { counts: { looked_up } });
  });
}

const isDenied = (lookUp: PromiseSettledResult<CarrierNumber | undefined>): boolean =>
  lookUp.status === 'fulfilled' && lookUp.value === undefined;

async function findMissing(db: Db, run: Run): Promise<string[]> {
  const { rows } = await sql<{ phone_number: string }>`
    select n.phone_number from phone_numbers n
    where ${ours(run)} and not exists (${listed(run)})
      and not exists (
        select from carrier_drift d
        where d.tenant_id = ${run.tenant_id} and d.run_id = ${run.id} and d.phone_number = n.phone_number)
    order by n.phone_number limit ${lookUpsAtOnce}`.execute(db);
  return rows.map(row => row.phone_number);
}

/** Skips numbers whose release has begun during the look-up. */
async function reportGone(db: Db, run: Run, gone: string[]): Promise<void> {
  await sql`
    insert into carrier_drift (tenant_id, run_id, phone_number, pile, organization_id, carrier_number_id)
    select n.tenant_id, ${run.id}, n.phone_number, 'not_there', n.organization_id, n.carrier_number_id
    from phone_numbers n where ${ours(run)} and n.phone_number = any(${gone}::text[])`.execute(db);
}

async function finishComparison(db: Db, run: LeasedRun): Promise<void> {
  await transact(db, async tx => {
    await findDrift(tx, run);
    await carryIgnored(tx, run);
    const counts = await countDrift(tx, run);
    const plan = run.type === 'adopt' ? { plan: await planOf(tx, run) } : {};
    if (run.type === 'adopt' && !run.dry_run) return save(tx, run, { status: 'adopting', counts, ...plan });
    return finish(tx, run, 'done', { counts, ...plan });
  });
  await sql`analyze carrier_drift`.execute(db);
}
