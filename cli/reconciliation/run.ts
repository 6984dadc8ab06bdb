import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Run as RunSchema } from '../../server/reconciliation/schemas.ts';
import { accountPath, exampleAccount } from '../carriers/account.ts';
import { call } from '../http/client.ts';
import { readCount } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { type Columns, fields, print, sections, table } from '../terminal/output.ts';
import { counted, withCommas } from '../terminal/text.ts';

export type Run = Static<typeof RunSchema>;
export type RunBody = { run: Run };
type RunList = { runs: Run[]; count: number; has_more: boolean };

/** Stands for a run in examples. */
export const exampleRun = '0199f3a0-b1c2-7d3e-8f40-1a2b3c4d5e6f';

export function defineRuns(carriers: Command): void {
  command(carriers, 'runs', 'List the comparisons and adoptions of an account, the newest first.', [
    `carriers runs ${exampleAccount}`,
  ])
    .argument('<account>', 'the id of the carrier account')
    .option('--limit <count>', 'at most so many, up to 100 (default: 20)', readCount)
    .action(async (id, options) => {
      const query = { limit: options.limit };
      await print(
        options,
        await call<RunList>('GET', accountPath(id, 'runs'), { query }),
        body => table(runColumns, body.runs),
        ({ count, has_more }) => `${counted(count, 'run')}${has_more ? ', and there are more' : ''}`,
      );
    });
}

const runColumns: Columns<Run> = {
  RUN: run => run.id,
  TYPE: run => (run.dry_run ? `${run.type} (dry run)` : run.type),
  STATUS: run => run.status,
  STARTED: run => run.started_at,
  LISTED: run => run.counts.listed,
  'NOT HERE': run => run.counts.not_here,
  'NOT THERE': run => run.counts.not_there,
  DIFFERENT: run => run.counts.different,
};

export const runText = ({ run }: RunBody): string =>
  sections(
    fields({
      Run: run.id,
      Status: run.status,
      'At the carrier': withCommas(run.counts.listed),
      'Here and equal': withCommas(run.counts.already_here),
      'Not here': withCommas(run.counts.not_here),
      'Not there': withCommas(run.counts.not_there),
      Different: withCommas(run.counts.different),
      ...(run.type === 'adopt' && adoptionFields(run)),
    }),
    table(planColumns, run.plan ?? []),
  );

const adoptionFields = ({ dry_run, counts }: Run) => ({
  [dry_run ? 'Would take over' : 'Taken over']: withCommas(dry_run ? counts.to_adopt : counts.adopted),
  [dry_run ? 'Would link' : 'Linked']: withCommas(dry_run ? counts.to_link : counts.linked),
  'No rule matches': withCommas(counts.unmatched),
  'In another organization': withCommas(counts.conflicts),
  'Changed meanwhile': countOrNothing(counts.passed_over),
  'Only in the map': countOrNothing(counts.unlisted),
  Unreadable: countOrNothing(counts.unreadable),
});

const countOrNothing = (count: number) => (count > 0 ? withCommas(count) : undefined);

const planColumns: Columns<NonNullable<Run['plan']>[number]> = {
  ORGANIZATION: part => part.organization_id,
  NUMBERS: part => part.adopt,
  LINKS: part => part.link,
  'SUCH AS': part => part.sample.join(' '),
};
