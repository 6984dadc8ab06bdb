import { type Static, Type } from '../../schema/schema.ts';
import { nullable } from '../../schema/shapes.ts';
import type { Caller } from '../access/caller.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { type Changing, hasStoredReply } from '../http/changing.ts';
import { type App, operation } from '../http/operation.ts';
import { withLargeBody } from '../numbers/life/bulk/routes.ts';
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
const follow = 'Answers at once with the run, which is followed with `GET /v1/carrier-runs/{run_id}`.';
const RunReply = Type.Object({ run: Run });
const paging = {
  has_more: Type.Boolean({ description: 'Whether another page follows.', examples: [false] }),
  next_cursor: nullable(
    Type.String({ description: 'What to ask the next page with, or null.', examples: [null] }),
  ),
};
const unlistable = ['key_bound', 'carrier_account_not_found', 'carrier_incapable'] as const;

/** The routes that set the carrier's book against ours. */
export function runRoutes(app: App, db: Db, carriers: Carriers, change: Changing, work: Job): void {
  app.post(
    `${account}/compare`,
    operation(
      'setting',
      {
        operationId: 'compareAccount',
        summary: "Compare a carrier account's numbers with ours",
        description: `Goes through everything that the account owns and sorts what differs into three piles: at the carrier only, here only, and different. Nothing is changed. A list that cannot be right is read again, and in the end not believed: what is missing in it is not reported missing. ${follow}`,
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
        return { run: await shown(db, caller, run) };
      });
      work.wake();
      return answer;
    },
  );

  app.post(
    `${account}/adopt`,
    withLargeBody(
      operation(
        'setting',
        {
          operationId: 'adoptNumbers',
          summary: 'Take over what a carrier account owns',
          description: `Goes through everything that the account owns, and takes over into organizations what is not here, by map and rules; what is here without an account is put under this one. With \`dry_run\`, which is the default, it only tells what it would do. It may be repeated: what is here already stays as it is, and a number that is in another organization than the rules say is reported and not moved. ${follow}`,
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
        return { run: await shown(db, caller, run) };
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
        description: 'Comparisons and adoptions, the newest first; `plan` is in the run by itself alone.',
        tags,
        params: AccountParams,
        querystring: RunsQuery,
        response: {
          200: Type.Object({
            runs: Type.Array(Run, { description: 'The runs.' }),
            count: Type.Integer({ description: 'How many runs were returned.' }),
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
        description: 'How far it is, and what it has found.',
        tags,
        params: RunParams,
        response: { 200: RunReply },
      },
      ['key_bound', 'run_not_found'],
    ),
    async ({ caller, params }) => ({ run: await shown(db, caller, await getRun(db, caller, params.run_id)) }),
  );

  app.get(
    `${oneRun}/drift`,
    operation(
      'read',
      {
        operationId: 'listDrift',
        summary: 'List what a run has found',
        description:
          'The numbers about which the two books do not agree, in the order of the numbers. Kept for the last five runs of an account.',
        tags,
        params: RunParams,
        querystring: DriftQuery,
        response: {
          200: Type.Object({
            drift: Type.Array(Drift, { description: 'The numbers.' }),
            count: Type.Integer({ description: 'How many numbers were returned.' }),
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
        summary: 'Resolve a difference',
        description:
          'Settles one number of a run that has ended. `adopt` (not_here) takes it over into an organization. `link` (different) puts our number under the account, with the id that it has there. `forget` (not_there) releases our record without a call to the carrier. `ignore` leaves it as it is, also in the comparisons to come for as long as it stays the same. `release_at_carrier` (not_here) gives the number back. The carrier is asked about the number again before anything is done.',
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
        'number_locked',
        'number_leaving',
        'order_under_way',
      ],
    ),
    async (request, reply) => {
      const { caller, params, body } = request;
      // The carrier is not asked while a transaction is open, nor for what is answered already.
      const found = (await hasStoredReply(db, request))
        ? undefined
        : await openCase(db, carriers, caller, params, body);
      return change(request, reply, 200, async (db, caller) => {
        if (!found) throw new Problem('idempotency_running');
        return { drift: driftBody(await resolveDrift(db, caller, found, body)) };
      });
    },
  );

  /** With its organizations as the API knows them. */
  async function shown(db: Db, caller: Caller, run: RunRow): Promise<Static<typeof Run>> {
    const ids = run.plan?.map(part => part.organization_id) ?? [];
    return runBody(run, await uniqueIdsOf(db, caller, ids));
  }
}
