import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Run as RunSchema } from '../../server/reconciliation/schemas.ts';
import { persistently } from '../events/commands.ts';
import { change, idempotent } from '../http/change.ts';
import { type Answer, call, pathOf } from '../http/client.ts';
import { readCount } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { exitCodes, wrongUsage } from '../terminal/failure.ts';
import { fields, note, print, table } from '../terminal/output.ts';
import { showSteps } from '../terminal/progress.ts';
import { counted, escapeControls } from '../terminal/text.ts';
import { defineDrift } from './drift.ts';
import { readMap, readRule, rulesHelp } from './rules.ts';

type Run = Static<typeof RunSchema>;
type One = { run: Run };

const account = '0199f3a0-9d41-7c02-b5ae-1f2e3d4c5b6a';
const pollMs = 400;
const mapMax = 100_000;

/** The commands that set a carrier's book against ours. */
export function defineRuns(carriers: Command): void {
  defineAdopt(carriers);
  defineCompare(carriers);
  defineRunList(carriers);
  defineDrift(carriers);
}

const withAccount = (made: Command) => made.argument('<account>', 'the id of the carrier account');
const withMissing = (made: Command) =>
  made.option(
    '--may-be-missing <count>',
    'how many of your numbers may be gone at the carrier before its list is doubted (default: 20, or a tenth)',
    readCount,
  );

function defineAdopt(carriers: Command): void {
  withMissing(
    withAccount(
      idempotent(carriers, 'adopt', 'Take over what a carrier account owns already.', [
        `carriers adopt ${account} --rule tag=acme:org_acme --rule everything:org_rest`,
        `carriers adopt ${account} --map numbers.csv --yes`,
        `carriers adopt ${account} --rule 'name_starts_with=Acme,area_code=415:org_acme' --yes`,
      ]).addHelpText(
        'after',
        `${rulesHelp}

Without --yes it only shows what it would do. It may be repeated: what is here already stays as
it is, and what was not reached is taken then.`,
      ),
    ),
  )
    .option('--rule <rule>', 'which numbers go where; more than once, in order', readRule)
    .option('--map <file>', 'a file that names numbers one by one, or - for stdin')
    .option('--default-country <country>', 'what a number of the file without + is read as (default: US)')
    .option('--yes', 'do it')
    .action(async (id, options) => {
      const map = options.map === undefined ? [] : await readMap(options.map);
      if (map.length > mapMax) throw wrongUsage(`A map has ${counted(mapMax, 'number')} at most`);
      const rules = options.rule ?? [];
      if (rules.length + map.length === 0)
        throw wrongUsage('Say where the numbers are to go: give --rule, --map or both');
      const body = {
        rules,
        map,
        default_country: options.defaultCountry?.toUpperCase(),
        dry_run: options.yes !== true,
        may_be_missing: options.mayBeMissing,
      };
      const begun = await change<One>(options, 'POST', pathOf('carrier-accounts', id, 'adopt'), { body });
      const ended = await follow(begun, options);
      if (options.json || ended.status !== 'done') return;
      if (ended.dry_run) note('Nothing was taken over: this is what --yes would do');
    });
}

function defineCompare(carriers: Command): void {
  withMissing(
    withAccount(
      idempotent(carriers, 'compare', "Compare a carrier account's numbers with ours.", [
        `carriers compare ${account} --follow`,
      ]),
    ),
  )
    .option('--follow', 'wait until it has ended')
    .action(async (id, options) => {
      const query = { may_be_missing: options.mayBeMissing };
      const path = pathOf('carrier-accounts', id, 'compare');
      const begun = await change<One>(options, 'POST', path, { query });
      if (options.follow) await follow(begun, options);
      else await print(options, begun, one);
    });
}

function defineRunList(carriers: Command): void {
  withAccount(
    command(carriers, 'runs', 'List the comparisons and adoptions of an account, the newest first.', [
      `carriers runs ${account}`,
    ]),
  )
    .option('--limit <count>', 'at most so many, up to 100 (default: 20)', readCount)
    .action(async (id, options) => {
      type Page = { runs: Run[]; count: number; has_more: boolean };
      const query = { limit: options.limit };
      const answer = await call<Page>('GET', pathOf('carrier-accounts', id, 'runs'), { query });
      await print(options, answer, body => many(body.runs));
      if (!options.json)
        note(`${counted(answer.body.count, 'run')}${answer.body.has_more ? ', and there are more' : ''}`);
    });
}

/** Waits for the end of a run while its progress is shown, and prints what came of it. */
async function follow(begun: Answer<One>, options: { json?: boolean }): Promise<Run> {
  const path = pathOf('carrier-runs', begun.body.run.id);
  const steps = await showSteps();
  let answer = begun;
  try {
    while (answer.body.run.finished_at === null) {
      steps.show(...progressOf(answer.body.run));
      await sleep(pollMs);
      answer = await persistently(() => call<One>('GET', path));
    }
  } finally {
    steps.stop();
  }
  await print(options, answer, one);
  const { run } = answer.body;
  if (run.status !== 'done') process.exitCode = exitCodes.failed;
  if (run.problem !== null && !options.json)
    note(`${run.status === 'done' ? '' : 'error: '}${escapeControls(run.problem)}`);
  return run;
}

/** How much of how much is done, and of what. */
function progressOf({ status, counts, problem }: Run): [done: number, of: number | undefined, what: string] {
  const waiting = problem === null ? '' : `; waiting: ${escapeControls(problem)}`;
  if (status === 'adopting')
    return [counts.adopted + counts.linked, counts.to_adopt + counts.to_link, `taken over${waiting}`];
  if (status === 'comparing') return [counts.looked_up, undefined, `looked up one by one${waiting}`];
  return [counts.listed, counts.total ?? undefined, `listed${waiting}`];
}

function one({ run: r }: One): string {
  const { counts } = r;
  const number = (count: number) => count.toLocaleString('en-US');
  const adopting = r.type === 'adopt' && {
    [r.dry_run ? 'Would take over' : 'Taken over']: number(r.dry_run ? counts.to_adopt : counts.adopted),
    [r.dry_run ? 'Would link' : 'Linked']: number(r.dry_run ? counts.to_link : counts.linked),
    'No rule fits': number(counts.unmatched),
    'Elsewhere, not moved': number(counts.conflicts),
    ...(counts.passed_over > 0 && { 'Changed meanwhile': number(counts.passed_over) }),
    ...(counts.unlisted > 0 && { 'In the map only': number(counts.unlisted) }),
    ...(counts.unreadable > 0 && { Unreadable: number(counts.unreadable) }),
  };
  const text = fields({
    Run: r.id,
    Status: r.status,
    'At the carrier': number(counts.listed),
    'Here alike': number(counts.already_here),
    'Not here': number(counts.not_here),
    'Not there': number(counts.not_there),
    Different: number(counts.different),
    ...adopting,
  });
  if (!r.plan || r.plan.length === 0) return text;
  const parts = r.plan.map(part => [part.organization_id, part.adopt, part.link, part.sample.join(' ')]);
  return `${text}\n${table(['ORGANIZATION', 'NUMBERS', 'LINKS', 'SUCH AS'], parts)}`;
}

const many = (runs: Run[]) =>
  table(
    ['RUN', 'TYPE', 'STATUS', 'STARTED', 'LISTED', 'NOT HERE', 'NOT THERE', 'DIFFERENT'],
    runs.map(({ counts, ...r }) => [
      r.id,
      r.dry_run ? `${r.type} (only shown)` : r.type,
      r.status,
      r.started_at,
      counts.listed,
      counts.not_here,
      counts.not_there,
      counts.different,
    ]),
  );
