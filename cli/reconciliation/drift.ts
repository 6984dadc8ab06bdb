import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Pile } from '../../server/db/carrier-tables.ts';
import type { Drift as DriftSchema } from '../../server/reconciliation/drift-schemas.ts';
import type { Action } from '../../server/reconciliation/resolve.ts';
import { type ChangeOptions, change, idempotent } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { readCount } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { wrongUsage } from '../terminal/failure.ts';
import { fields, growingTable, note, print, write } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';

type Drift = Static<typeof DriftSchema>;

const run = '0199f3a0-b1c2-7d3e-8f40-1a2b3c4d5e6f';
const perPage = 1000;
const piles: Pile[] = ['not_here', 'not_there', 'different'];

/** The commands that show what a run has found, and settle it. */
export function defineDrift(carriers: Command): void {
  defineList(carriers);
  defineResolve(carriers);
}

function defineList(carriers: Command): void {
  command(carriers, 'drift', 'List the numbers about which the two books did not agree in a run.', [
    `carriers drift ${run} --pile not_here`,
  ])
    .argument('<run>', 'the id of the run')
    .addOption(new Option('--pile <pile>', 'only this pile').choices(piles))
    .option('--include-resolved', 'also what is resolved')
    .option(
      '--limit <count>',
      'at most so many (default: all of them; with --json, and at most, 1,000)',
      readCount,
    )
    .action(listDrift);
}

type Page = { drift: Drift[]; count: number; next_cursor: string | null };

async function listDrift(
  id: string,
  options: { pile?: Pile; includeResolved?: boolean; limit?: number; json?: boolean },
): Promise<void> {
  const query = { pile: options.pile, include_resolved: options.includeResolved };
  const path = pathOf('carrier-runs', id, 'drift');
  if (options.json) {
    const limit = options.limit ?? perPage;
    if (limit > perPage) throw wrongUsage('--json prints one document, of 1,000 numbers at most');
    const { text } = await call<Page>('GET', path, { query: { ...query, limit } });
    return write(`${text}\n`);
  }
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  const rows = growingTable(['NUMBER', 'PILE', 'ORGANIZATION', 'NAME', 'TAGS', 'DIFFERENT', 'RESOLVED']);
  let count = 0;
  for (let cursor: string | undefined; ; ) {
    const page = { ...query, cursor, limit: Math.min(limit - count, perPage) };
    const { body } = await call<Page>('GET', path, { query: page });
    await write(rows(body.drift.map(cellsOf)));
    count += body.count;
    cursor = body.next_cursor ?? undefined;
    if (!cursor || count >= limit)
      return note(`${counted(count, 'number')}${cursor ? ', and there are more' : ''}`);
  }
}

const cellsOf = (one: Drift) => [
  one.phone_number,
  one.pile,
  one.organization_id ?? one.wanted_organization_id,
  one.name,
  one.tags.join(', '),
  one.differences.map(({ field, here, there }) => `${field} ${here ?? '-'} ≠ ${there}`).join(', '),
  one.resolution,
];

function defineResolve(carriers: Command): void {
  idempotent(carriers, 'resolve', 'Settle one number of a run that has ended.', [
    `carriers resolve ${run} +14155551234 --adopt org_abc123`,
    `carriers resolve ${run} +14155551234 --forget`,
  ])
    .argument('<run>', 'the id of the run')
    .argument('<number>', 'in any usual way of writing it')
    .option('--adopt <organization>', 'take it over into this organization (not_here)')
    .option('--link', 'put our number under the account, with the id that it has there (different)')
    .option('--forget', 'release our record, without a call to the carrier (not_there)')
    .option('--ignore', 'leave it as it is, also in the comparisons to come')
    .option('--release-at-carrier', 'give it back to the carrier, maybe for good (not_here)')
    .action(async (id, number, options) => {
      const path = pathOf('carrier-runs', id, 'drift', number, 'resolve');
      const body = actionOf(options);
      await print(options, await change<{ drift: Drift }>(options, 'POST', path, { body }), settled);
    });
}

type Wish = ChangeOptions & {
  adopt?: string;
  link?: boolean;
  forget?: boolean;
  ignore?: boolean;
  releaseAtCarrier?: boolean;
};

function actionOf({ adopt, link, forget, ignore, releaseAtCarrier }: Wish): Action {
  const wishes: (Action | undefined | false)[] = [
    adopt !== undefined && { action: 'adopt', organization_id: adopt },
    link && { action: 'link' },
    forget && { action: 'forget' },
    ignore && { action: 'ignore' },
    releaseAtCarrier && { action: 'release_at_carrier', confirm: true },
  ];
  const [wish, ...more] = wishes.filter(one => one !== undefined && one !== false);
  if (!wish || more.length > 0)
    throw wrongUsage('Say one thing to do: --adopt, --link, --forget, --ignore or --release-at-carrier');
  return wish;
}

const settled = ({ drift }: { drift: Drift }) =>
  fields({ Number: drift.phone_number, Pile: drift.pile, Resolved: drift.resolution });
