import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Pile } from '../../server/db/carrier-tables.ts';
import type { Drift as DriftSchema } from '../../server/reconciliation/drift/schemas.ts';
import { pathOf } from '../http/client.ts';
import { pagesOf, writeDocument, writeTable } from '../http/pages.ts';
import { readCount } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { type Columns, note } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { exampleRun } from './run.ts';

export type Drift = Static<typeof DriftSchema>;
type DriftPage = { drift: Drift[]; count: number; next_cursor: string | null };

// The server's limit.
const perPage = 1000;
const piles: Pile[] = ['not_here', 'not_there', 'different'];

export function defineDrift(carriers: Command): void {
  command(carriers, 'drift', 'List the numbers on which a run found the carrier and us to differ.', [
    `carriers drift ${exampleRun} --pile not_here`,
  ])
    .argument('<run>', 'the id of the run')
    .addOption(new Option('--pile <pile>', 'only numbers that differ in this way').choices(piles))
    .option('--include-resolved', 'also numbers that are resolved')
    .option('--limit <count>', 'at most so many numbers (default: all)', readCount)
    .action(async (id, options) => {
      const query = { pile: options.pile, include_resolved: options.includeResolved };
      const path = pathOf('carrier-runs', id, 'drift');
      const pages = pagesOf<DriftPage>(path, { limit: options.limit, perPage, query: () => query });
      if (options.json) return writeDocument('drift', pages);
      const { count, last } = await writeTable('drift', columns, pages);
      note(`${counted(count, 'number')}${last?.next_cursor ? ', and there are more' : ''}`);
    });
}

const columns: Columns<Drift> = {
  NUMBER: drift => drift.phone_number,
  PILE: drift => drift.pile,
  ORGANIZATION: drift => drift.organization_id ?? drift.wanted_organization_id,
  NAME: drift => drift.name,
  TAGS: drift => drift.tags.join(', '),
  DIFFERENT: drift =>
    drift.differences.map(({ field, here, there }) => `${field} ${here ?? '-'} ≠ ${there}`).join(', '),
  RESOLVED: drift => drift.resolution,
};
