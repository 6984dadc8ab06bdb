import type { Command } from 'commander';
import { accountPath, exampleAccount } from '../carriers/account.ts';
import { change, changeCommand } from '../http/change.ts';
import { withPlaces } from '../http/places.ts';
import { readCount } from '../terminal/arguments.ts';
import { wrongUsage } from '../terminal/failure.ts';
import { note, print } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { follow } from './follow.ts';
import { readMap, readRule, rulesHelp } from './rules.ts';
import { type RunBody, runText } from './run.ts';

// The server's limit.
const mapMax = 100_000;

const withAccount = (made: Command) => made.argument('<account>', 'the id of the carrier account');
const withMayBeMissing = (made: Command) =>
  made.option(
    '--may-be-missing <count>',
    "how many of your numbers the carrier's list may lack before the run distrusts it (default: 20, or a tenth)",
    readCount,
  );

export function defineAdopt(carriers: Command): void {
  withMayBeMissing(
    withAccount(
      changeCommand(carriers, 'adopt', 'Take over the numbers that a carrier account already has.', [
        `carriers adopt ${exampleAccount} --rule tag=acme:org_acme --rule everything:org_rest`,
        `carriers adopt ${exampleAccount} --map numbers.csv --yes`,
        `carriers adopt ${exampleAccount} --rule 'name_starts_with=Acme,area_code=415:org_acme' --yes`,
      ]).addHelpText(
        'after',
        `${rulesHelp}

Without --yes the command only shows what it would do. You can run it again: numbers that are here
already stay as they are, and numbers that it did not reach are taken over then.`,
      ),
    ),
  )
    .option(
      '--rule <rule>',
      'which numbers go to which organization; the first that matches decides',
      readRule,
    )
    .option('--map <file>', 'a CSV file with an organization for each number, or - for stdin')
    .option('--default-country <country>', 'the country of numbers without + in the file (default: US)')
    .option('--yes', 'take the numbers over')
    .action(async (id, options) => {
      const map = options.map === undefined ? [] : await readMap(options.map);
      if (map.length > mapMax) throw wrongUsage(`A map has ${counted(mapMax, 'number')} at most`);
      const rules = options.rule ?? [];
      if (rules.length + map.length === 0)
        throw wrongUsage('Say where the numbers go: give --rule, --map or both');
      const body = {
        rules,
        map: map.map(({ record }) => record),
        default_country: options.defaultCountry?.toUpperCase(),
        dry_run: options.yes !== true,
        may_be_missing: options.mayBeMissing,
      };
      const begun = await change<RunBody>(options, 'POST', accountPath(id, 'adopt'), { body }).catch(
        error => {
          const lineOf = (index: number) => map[index] && `line ${map[index].info.lines}`;
          throw withPlaces(error, 'map', lineOf);
        },
      );
      const ended = await follow(begun, options);
      if (ended.status === 'done' && ended.dry_run && !options.json)
        note('Nothing was taken over. With --yes this would be done.');
    });
}

export function defineCompare(carriers: Command): void {
  withMayBeMissing(
    withAccount(
      changeCommand(carriers, 'compare', "Compare a carrier account's numbers with those here.", [
        `carriers compare ${exampleAccount} --follow`,
      ]),
    ),
  )
    .option('--follow', 'wait for the end of the run')
    .action(async (id, options) => {
      const query = { may_be_missing: options.mayBeMissing };
      const begun = await change<RunBody>(options, 'POST', accountPath(id, 'compare'), { query });
      if (options.follow) await follow(begun, options);
      else await print(options, begun, runText);
    });
}
