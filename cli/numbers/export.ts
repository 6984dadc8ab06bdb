import { type Command, Option } from 'commander';
import { pathOf } from '../http/client.ts';
import { passOn } from '../http/pass-on.ts';
import { withExamples } from '../terminal/command.ts';
import { note } from '../terminal/output.ts';
import { bytesInWords } from '../terminal/text.ts';
import { saveWhole } from '../terminal/write-file.ts';
import { filtered, queryOf } from './filters.ts';
import { type Format, formatByName, types } from './import.ts';

export function defineExport(numbers: Command): void {
  const made = numbers.command('export').description("Write an organization's numbers as CSV or NDJSON.");
  withExamples(filtered(made), [
    'numbers export --organization org_abc123 > numbers.csv',
    'numbers export --organization org_abc123 --full --output numbers.ndjson',
    'numbers export --organization org_abc123 --available --as-of 2024-03-01 --output pool.csv',
  ])
    .addHelpText(
      'after',
      `
All of one moment, however many. \`numbers import\` takes such a file as it is: of each number
what it is called and who has it.`,
    )
    .addOption(
      new Option('--format <format>', "how to write them (default: by the file's ending, or csv)").choices(
        Object.keys(types),
      ),
    )
    .option('--output <file>', 'where to; it is written as a whole or not at all (default: stdout)')
    .option('--full', 'every field of each number')
    .action(async options => {
      const output: string | undefined = options.output;
      const format: Format = options.format ?? formatByName(output ?? '') ?? 'csv';
      const path = pathOf('sms', 'phone-numbers');
      const request = {
        query: { ...queryOf(options), format },
        headers: { accept: types[format] },
      };
      if (output === undefined) return passOn(path, request);
      const bytes = await saveWhole(output, to => passOn(path, request, to));
      note(`Wrote ${bytesInWords(bytes)} to ${output}`);
    });
}
