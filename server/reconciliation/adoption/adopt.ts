import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Resolution } from '../../db/carrier-tables.ts';
import { type Db, refreshStatistics, type Tx } from '../../db/database.ts';
import { loadStates } from '../../numbers/life/changes.ts';
import { type Revision, revise } from '../../revisions/revise.ts';
import { readReleasing } from '../drift/releasing.ts';
import { finish, save } from '../progress.ts';
import { type LeasedRun, type Run, runCaller } from '../runs.ts';
import { type AtCarrier, adoptNumbers, arrivalFrom } from './take-over.ts';

const numbersPerRevision = 1000;

/**
 * Adopts a batch of the planned numbers of one organization. One transaction writes the numbers, resolves their drift
 * and saves the run's progress, so each number is adopted once even if the server is killed.
 */
export async function adoptBatch(db: Db, run: LeasedRun): Promise<void> {
  const next = await db
    .selectFrom('carrier_drift')
    .select('wanted_organization_id')
    .where('tenant_id', '=', run.tenant_id)
    .where('run_id', '=', run.id)
    .where('step', 'is not', null)
    .where('resolved_at', 'is', null)
    .orderBy('wanted_organization_id')
    .limit(1)
    .executeTakeFirst();
  if (!next) {
    await finish(db, run, 'done');
    return refreshStatistics(db, (run.counts.adopted ?? 0) + (run.counts.linked ?? 0));
  }
  const caller = runCaller(run);
  await revise(db, caller, { id: next.wanted_organization_id! }, revision =>
    adoptInto(revision, caller, run),
  );
}

async function adoptInto(revision: Revision, caller: Caller, run: LeasedRun): Promise<void> {
  const { tx } = revision;
  const planned = await lockPlanned(revision, run);
  const fit = planned.filter(row => row.fits);
  const adopted = fit.filter(row => row.step === 'adopt').map(arrivalFrom);
  const ids = new Map(
    fit.filter(row => row.step === 'link').map(row => [row.number_id!, row.carrier_number_id]),
  );
  const states = await loadStates(revision, caller, [...ids.keys()]);
  const account_id = run.carrier_account_id;
  const linked = states
    .filter(number => !number.leaving)
    .map(number => ({ number, carrier: { account_id, number_id: ids.get(number.id)! } }));
  await adoptNumbers(revision, caller, account_id, { adopted, linked });
  const done = {
    adopted: adopted.map(({ number }) => number.e164),
    linked: linked.map(({ number }) => number.phone_number),
  };
  await resolveAll(revision, caller, run, 'adopted', done.adopted);
  await resolveAll(revision, caller, run, 'linked', done.linked);
  const rest = new Set(planned.map(row => row.phone_number));
  for (const number of [...done.adopted, ...done.linked]) rest.delete(number);
  await passOver(revision, run, [...rest]);
  const { counts } = run;
  await save(tx, run, {
    counts: {
      adopted: (counts.adopted ?? 0) + adopted.length,
      linked: (counts.linked ?? 0) + linked.length,
      passed_over: (counts.passed_over ?? 0) + rest.size,
    },
  });
}

type PlannedNumber = AtCarrier & { step: 'adopt' | 'link'; number_id: string | null; fits: boolean };

/** Locks the next planned numbers. `fits`: the plan still applies. Numbers may have changed since. */
async function lockPlanned({ tx, organization }: Revision, run: Run): Promise<PlannedNumber[]> {
  const rows = await tx
    .selectFrom('carrier_drift')
    .select(['phone_number', 'carrier_number_id', 'name', 'tags', 'step'])
    .where('tenant_id', '=', run.tenant_id)
    .where('run_id', '=', run.id)
    .where('wanted_organization_id', '=', organization.id)
    .where('step', 'is not', null)
    .where('resolved_at', 'is', null)
    .orderBy('phone_number')
    .limit(numbersPerRevision)
    .forUpdate()
    .execute();
  const { live, idsInUse, ordered } = await readCurrent(tx, run, rows);
  const releasing = await readReleasing(
    tx,
    run,
    rows.map(row => row.phone_number),
  );
  return rows.map(row => {
    const number = live.get(row.phone_number);
    const open =
      row.step === 'adopt'
        ? !number && !ordered.has(row.phone_number) && !releasing.has(row.phone_number)
        : number?.organization_id === organization.id && number.carrier_account_id === null;
    // Two numbers must not share a carrier id, even if the carrier lists them so.
    const fits = open && !idsInUse.has(row.carrier_number_id);
    idsInUse.add(row.carrier_number_id);
    const account_id = run.carrier_account_id;
    return { ...row, step: row.step!, account_id, number_id: number?.id ?? null, fits };
  });
}

/** Reads the current state of the numbers. Separate queries, because a join without statistics can take minutes. */
async function readCurrent(
  tx: Tx,
  { tenant_id, carrier_account_id }: Run,
  rows: { phone_number: string; carrier_number_id: string }[],
) {
  const numbers = sql<string>`any(${rows.map(row => row.phone_number)}::text[])`;
  const ids = sql<string>`any(${rows.map(row => row.carrier_number_id)}::text[])`;
  const live = await tx
    .selectFrom('phone_numbers')
    .select(['id', 'phone_number', 'organization_id', 'carrier_account_id'])
    .where('tenant_id', '=', tenant_id)
    .where('phone_number', '=', numbers)
    .where('released_at', 'is', null)
    .execute();
  const inUse = await tx
    .selectFrom('phone_numbers')
    .select('carrier_number_id')
    .where('tenant_id', '=', tenant_id)
    .where('carrier_account_id', '=', carrier_account_id)
    .where('carrier_number_id', '=', ids)
    .where('released_at', 'is', null)
    .execute();
  const orders = await tx
    .selectFrom('orders')
    .select('phone_number')
    .where('tenant_id', '=', tenant_id)
    .where('carrier_account_id', '=', carrier_account_id)
    .where('phone_number', '=', numbers)
    .where('status', 'in', ['buying', 'settling'])
    .execute();
  return {
    live: new Map(live.map(row => [row.phone_number, row])),
    idsInUse: new Set(inUse.map(row => row.carrier_number_id)),
    ordered: new Set(orders.map(row => row.phone_number)),
  };
}

async function resolveAll(
  { tx, at }: Revision,
  caller: Caller,
  run: Run,
  resolution: Resolution,
  numbers: string[],
): Promise<void> {
  await sql`
    update carrier_drift
    set resolution = ${resolution}, resolved_at = ${at}, resolved_by_type = ${caller.actor.type}, resolved_by_id = ${caller.actor.id}
    where tenant_id = ${run.tenant_id} and run_id = ${run.id} and phone_number = any(${numbers}::text[])`.execute(
    tx,
  );
}

/** Leaves numbers that have changed since the comparison to the next run. */
async function passOver({ tx }: Revision, run: Run, numbers: string[]): Promise<void> {
  await sql`
    update carrier_drift set step = null
    where tenant_id = ${run.tenant_id} and run_id = ${run.id} and phone_number = any(${numbers}::text[])`.execute(
    tx,
  );
}
