import { randomUUIDv7 } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { kindOf } from '../accounts/open.ts';
import type { RunType } from '../db/carrier-tables.ts';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem, translateViolations } from '../errors.ts';
import { jsonOf } from '../http/pieces/write-json.ts';
import type { Lease, Leased } from '../work/leases.ts';
import type { Rule } from './adoption/rules.ts';

/** The counts of a run so far. schemas.ts explains each. Absent: 0 or unknown. */
export type Counts = { total?: number | null } & Partial<Record<Count, number>>;

export const countNames = [
  'listings',
  'pages',
  'listed',
  'unreadable',
  'looked_up',
  'not_here',
  'not_there',
  'different',
  'already_here',
  'to_adopt',
  'adopted',
  'to_link',
  'linked',
  'passed_over',
  'unmatched',
  'conflicts',
  'unlisted',
  'off_by',
] as const;
export type Count = (typeof countNames)[number];

/** What an adoption does in one organization, identified by its internal id. */
export type PlanPart = { organization_id: string; adopt: number; link: number; sample: string[] };

/** A run without its map, which can be large. */
export type Run = Omit<Selectable<Tables['carrier_runs']>, 'map' | 'counts' | 'rules' | 'plan'> & {
  counts: Counts;
  rules: Rule[];
  plan: PlanPart[] | null;
};

/** A run that this process has leased. */
export type LeasedRun = Leased<Run>;

export type NewRun = {
  type: RunType;
  dry_run: boolean;
  rules: Rule[];
  /** Internal organization ids by number in E.164. */
  map: Record<string, string>;
  may_be_missing: number | null;
};

export const comparison: NewRun = {
  type: 'compare',
  dry_run: false,
  rules: [],
  map: {},
  may_be_missing: null,
};

export const runFields = [
  'tenant_id',
  'id',
  'carrier_account_id',
  'type',
  'status',
  'dry_run',
  'rules',
  'may_be_missing',
  'next_page',
  'counts',
  'plan',
  'problem',
  'next_at',
  'version',
  'attempts',
  'actor_type',
  'actor_id',
  'request_id',
  'started_at',
  'finished_at',
] as const;

export const runLease: Lease<Run> = {
  table: 'carrier_runs',
  due: 'next_at',
  version: 'version',
  columns: sql<Run>`${sql.join(runFields.map(field => sql.ref(field)))}`,
};

/** Refuses callers bound to one organization, because an account has numbers of many. */
export function assertTenantWide(caller: Caller): void {
  if (caller.organizationId !== null) throw new Problem('key_bound');
}

/** Starts a run. Any server may carry it out. */
export async function startRun(db: Db, caller: Caller, accountId: string, input: NewRun): Promise<Run> {
  await assertListable(db, caller, accountId);
  const id = randomUUIDv7();
  const map = await jsonOf(input.map);
  await translateViolations(constraintProblems, insertRun(db, caller, id, accountId, input, map).execute());
  return getRun(db, caller, id);
}

const constraintProblems = { carrier_runs_running_key: () => new Problem('run_running') };

/** @param map the map as JSON: it may be long */
export const insertRun = (
  db: Db,
  caller: Caller,
  id: string,
  accountId: string,
  input: NewRun,
  map = JSON.stringify(input.map),
) =>
  db.insertInto('carrier_runs').values({
    tenant_id: caller.tenantId,
    id,
    carrier_account_id: accountId,
    type: input.type,
    dry_run: input.dry_run,
    rules: JSON.stringify(input.rules),
    map,
    may_be_missing: input.may_be_missing,
    next_at: sql<Date>`clock_timestamp()`,
    actor_type: caller.actor.type,
    actor_id: caller.actor.id,
    request_id: caller.requestId,
  });

/** Checks that the account exists and that its carrier can list numbers. */
export async function assertListable(db: Db, caller: Caller, accountId: string): Promise<void> {
  const account = await findAccount(db, caller, accountId);
  const { can, title } = kindOf(account.carrier);
  if (!can.buy) throw new Problem('carrier_incapable', `${title} accounts cannot list their numbers`);
}

async function findAccount(db: Db, caller: Caller, accountId: string) {
  assertTenantWide(caller);
  const account = await db
    .selectFrom('carrier_accounts')
    .select('carrier')
    .where('tenant_id', '=', caller.tenantId)
    .where('id', '=', accountId)
    .executeTakeFirst();
  if (!account) throw new Problem('carrier_account_not_found');
  return account;
}

export async function getRun(db: Db, caller: Caller, id: string): Promise<Run> {
  assertTenantWide(caller);
  const run = await runsOf(db, caller).where('id', '=', id).executeTakeFirst();
  if (!run) throw new Problem('run_not_found');
  return run as Run;
}

/** Lists an account's runs, newest first. @param before only runs that started before the run with this id */
export async function listRuns(
  db: Db,
  caller: Caller,
  accountId: string,
  { limit, before }: { limit: number; before: string | undefined },
): Promise<{ runs: Run[]; has_more: boolean }> {
  await findAccount(db, caller, accountId);
  const rows = await runsOf(db, caller)
    .where('carrier_account_id', '=', accountId)
    .$if(before !== undefined, query => query.where('id', '<', before!))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return { runs: rows.slice(0, limit) as Run[], has_more: rows.length > limit };
}

const runsOf = (db: Db, caller: Caller) =>
  db.selectFrom('carrier_runs').select(runFields).where('tenant_id', '=', caller.tenantId);

/** The caller who started the run. The audit log names them for its changes. */
export const runCaller = (run: Run): Caller => ({
  tenantId: run.tenant_id,
  organizationId: null,
  permission: 'admin',
  actor: { type: run.actor_type, id: run.actor_id },
  requestId: run.request_id,
});

/** Public ids (`unique_id`) of organizations by internal id. */
export async function uniqueIdsOf(db: Db, caller: Caller, ids: string[]): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('organizations')
    .select(['id', 'unique_id'])
    .where('tenant_id', '=', caller.tenantId)
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute();
  return new Map(rows.map(row => [row.id, row.unique_id]));
}
