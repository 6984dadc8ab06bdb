import type { Command } from 'commander';
import { excelHelp, withMark } from '../../http/excel.ts';
import { passThrough } from '../../http/pass-through.ts';
import { withExamples } from '../../terminal/command.ts';
import { wrongUsage } from '../../terminal/failure.ts';
import { note } from '../../terminal/output.ts';
import { bytesInWords } from '../../terminal/text.ts';
import { writeOutput } from '../../terminal/write-file.ts';
import { queryOf, withFilters } from '../filters.ts';
import { numbersPath } from '../number.ts';
import { type FileFormat, formatByName, formatOption, mediaTypes } from './formats.ts';

export function defineExport(numbers: Command): void {
  const made = numbers.command('export').description("Write an organization's numbers as CSV or NDJSON.");
  withExamples(withFilters(made), [
    'numbers export --organization org_abc123 > numbers.csv',
    'numbers export --organization org_abc123 --full --output numbers.ndjson',
    'numbers export --organization org_abc123 --excel --output numbers.csv',
    'numbers export --organization org_abc123 --available --as-of 2024-03-01 --output pool.csv',
  ])
    .addHelpText(
      'after',
      `
However long the export is, all of it shows one moment. \`numbers import\` reads such a file: it
takes the number, its user and the fields that users edit, and ignores the other columns.`,
    )
    .addOption(formatOption("the format of the file (default: by the file's ending, or csv)"))
    .option('--output <file>', 'the file, which is written completely or not at all (default, and -: stdout)')
    .option('--excel', excelHelp)
    .option('--full', 'every field of each number')
    .action(async options => {
      const output: string | undefined = options.output;
      const format: FileFormat = options.format ?? formatByName(output ?? '') ?? 'csv';
      const request = {
        query: { ...queryOf(options), format },
        headers: { accept: mediaTypes[format] },
      };
      if (options.excel && format !== 'csv') throw wrongUsage('--excel is for CSV: NDJSON has no such mark');
      const bytes = await writeOutput(output, to =>
        passThrough(numbersPath(), request, options.excel ? withMark(to) : to),
      );
      if (bytes === undefined) return;
      note(`Wrote ${bytesInWords(bytes)} to ${output}`);
    });
}
