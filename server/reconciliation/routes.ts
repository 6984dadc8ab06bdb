import { type Static, Type } from '../../schema/schema.ts';
import { nullable } from '../../schema/shapes.ts';
import type { Caller } from '../access/caller.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { type Changing, hasStoredReply } from '../http/changing.ts';
import { type App, operation, withBodyOf } from '../http/operation.ts';
import type { Job } from '../work/jobs.ts';
import { readRules } from './adoption/rules.ts';
import { listDrift } from './drift/drift.ts';
import { openCase, resolveDrift } from './drift/resolve.ts';
import { Drift, DriftParams, DriftQuery, driftBody, ResolveBody } from './drift/schemas.ts';
import {
  assertTenantWide,
  comparison,
  getRun,
  listRuns,
  type Run as RunRow,
  startRun,
  uniqueIdsOf,
} from './runs.ts';
import { AccountParams, AdoptBody, CompareQuery, Run, RunParams, RunsQuery, runBody } from './schemas.ts';

const account = '/v1/carrier-accounts/:account_id';
const oneRun = '/v1/carrier-runs/:run_id';
const tags: ['Carriers'] = ['Carriers'];
const follow = 'Returns the run at once. `GET /v1/carrier-runs/{run_id}` shows its progress.';
const RunReply = Type.Object({ run: Run });
const paging = {
  has_more: Type.Boolean({ description: 'Whether another page follows.', examples: [false] }),
  next_cursor: nullable(
    Type.String({ description: 'The cursor of the next page. Null on the last page.', examples: [null] }),
  ),
};
const unlistable = ['key_bound', 'carrier_account_not_found', 'carrier_incapable'] as const;

export function runRoutes(app: App, db: Db, carriers: Carriers, change: Changing, work: Job): void {
  app.post(
    `${account}/compare`,
    operation(
      'setting',
      {
        operationId: 'compareAccount',
        summary: "Compare a carrier account's numbers with ours",
        description: `Lists every number of the account and compares it with the records here. Reports drift in three piles: only at the carrier, only here, and different. Changes nothing. A doubtful list is read again. If it stays doubtful, the run ends as \`doubtful\` and reports no drift. ${follow}`,
        tags,
        params: AccountParams,
        querystring: CompareQuery,
        response: { 202: RunReply },
      },
      [...unlistable, 'run_running'],
    ),
    async (request, reply) => {
      const { may_be_missing = null } = request.query;
      const answer = await change(request, reply, 202, async (db, caller) => {
        const run = await startRun(db, caller, request.params.account_id, { ...comparison, may_be_missing });
        return { run: await withUniqueIds(db, caller, run) };
      });
      work.wake();
      return answer;
    },
  );

  app.post(
    `${account}/adopt`,
    // A map of 100,000 numbers.
    withBodyOf(
      16 * 1_048_576,
      operation(
        'setting',
        {
          operationId: 'adoptNumbers',
          summary: "Adopt a carrier account's numbers",
          description: `Lists every number of the account. Adds those that are not here to the organizations that the map and the rules choose. Links numbers that are here without an account to this account. With \`dry_run\`, the default, only reports what it would do. It is safe to repeat: numbers that are already here stay unchanged. A number in another organization than the rules choose is reported, not moved. ${follow}`,
          tags,
          params: AccountParams,
          body: AdoptBody,
          response: { 202: RunReply },
        },
        [...unlistable, 'run_running'],
      ),
    ),
    async (request, reply) => {
      const { dry_run, may_be_missing = null } = request.body;
      assertTenantWide(request.caller);
      const where = await readRules(db, request.caller, request.body);
      const answer = await change(request, reply, 202, async (db, caller) => {
        const input = { type: 'adopt' as const, dry_run, may_be_missing, ...where };
        const run = await startRun(db, caller, request.params.account_id, input);
        return { run: await withUniqueIds(db, caller, run) };
      });
      work.wake();
      return answer;
    },
  );

  app.get(
    `${account}/runs`,
    operation(
      'read',
      {
        operationId: 'listRuns',
        summary: 'List the runs of a carrier account',
        description:
          'Lists comparisons and adoptions, newest first. `plan` is null in this list; get a single run for its plan.',
        tags,
        params: AccountParams,
        querystring: RunsQuery,
        response: {
          200: Type.Object({
            runs: Type.Array(Run, { description: 'The runs.' }),
            count: Type.Integer({ description: 'The number of runs returned.' }),
            ...paging,
          }),
        },
      },
      ['key_bound', 'carrier_account_not_found'],
    ),
    async ({ caller, params, query }) => {
      const { limit, cursor: before } = query;
      const { runs, has_more } = await listRuns(db, caller, params.account_id, { limit, before });
      const bodies = runs.map(run => runBody({ ...run, plan: null }, new Map()));
      return { runs: bodies, count: runs.length, has_more, next_cursor: has_more ? runs.at(-1)!.id : null };
    },
  );

  app.get(
    oneRun,
    operation(
      'read',
      {
        operationId: 'getRun',
        summary: 'Get a run',
        description: 'Returns the progress and the counts of a run.',
        tags,
        params: RunParams,
        response: { 200: RunReply },
      },
      ['key_bound', 'run_not_found'],
    ),
    async ({ caller, params }) => ({
      run: await withUniqueIds(db, caller, await getRun(db, caller, params.run_id)),
    }),
  );

  app.get(
    `${oneRun}/drift`,
    operation(
      'read',
      {
        operationId: 'listDrift',
        summary: 'List the drift of a run',
        description:
          'Lists the numbers on which the carrier and Linekeeper disagree, sorted by number. Kept for the last five runs of an account.',
        tags,
        params: RunParams,
        querystring: DriftQuery,
        response: {
          200: Type.Object({
            drift: Type.Array(Drift, { description: 'The numbers.' }),
            count: Type.Integer({ description: 'The number of results.' }),
            ...paging,
          }),
        },
      },
      ['key_bound', 'run_not_found'],
    ),
    async ({ caller, params, query }) => {
      const { drift, next_cursor } = await listDrift(db, caller, params.run_id, query);
      const has_more = next_cursor !== null;
      return { drift: drift.map(driftBody), count: drift.length, has_more, next_cursor };
    },
  );

  app.post(
    `${oneRun}/drift/:phone_number/resolve`,
    operation(
      'setting',
      {
        operationId: 'resolveDrift',
        summary: 'Resolve drift',
        description:
          'Resolves the drift of one number, after its run has ended. `adopt` (not_here) adds it to an organization. `link` (different) links our record to the account and the id at the carrier. `forget` (not_there) releases our record without a call to the carrier. `ignore` changes nothing, and later runs ignore the same drift while it is unchanged. `release_at_carrier` (not_here) releases the number at the carrier. Except for `ignore`, the carrier is asked about the number again first.',
        tags,
        params: DriftParams,
        body: ResolveBody,
        response: { 200: Type.Object({ drift: Drift }) },
      },
      [
        'key_bound',
        'carrier_incapable',
        'carrier_failed',
        'secret_key_missing',
        'run_not_found',
        'run_running',
        'drift_not_found',
        'drift_resolved',
        'organization_not_found',
        'number_taken',
        'tenant_limit_reached',
        'number_locked',
        'number_leaving',
        'order_under_way',
      ],
    ),
    async (request, reply) => {
      const { caller, params, body } = request;
      // Call the carrier outside the transaction, and not at all for a replay.
      const found = (await hasStoredReply(db, request))
        ? undefined
        : await openCase(db, carriers, caller, params, body);
      return change(request, reply, 200, async (db, caller) => {
        if (!found) throw new Problem('idempotency_running');
        return { drift: driftBody(await resolveDrift(db, caller, found, body)) };
      });
    },
  );

  async function withUniqueIds(db: Db, caller: Caller, run: RunRow): Promise<Static<typeof Run>> {
    const ids = run.plan?.map(part => part.organization_id) ?? [];
    return runBody(run, await uniqueIdsOf(db, caller, ids));
  }
}
