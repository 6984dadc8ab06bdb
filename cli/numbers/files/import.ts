import type { Command } from 'commander';
import type { Static } from '../../../schema/schema.ts';
import type { ImportBody } from '../../../server/numbers/import/schemas.ts';
import { editableNames } from '../../../server/numbers/state.ts';
import { type ChangeOptions, change, organizationChangeCommand } from '../../http/change.ts';
import { exitCodes, wrongUsage } from '../../terminal/failure.ts';
import { type Columns, fields, sections, write } from '../../terminal/output.ts';
import { openInput } from '../../terminal/read-file.ts';
import { withCommas } from '../../terminal/text.ts';
import { defaultCountry, numbersPath, withDefaultCountry } from '../number.ts';
import { type FileFormat, formatByName, formatOption, mediaTypes } from './formats.ts';
import { noteRejections, rejectionTable } from './rejections.ts';

/** With `error`, nothing was imported: it was all or nothing. */
type ImportReport = Static<typeof ImportBody> & { error?: string };
type ImportOptions = ChangeOptions & {
  organization: string;
  format?: FileFormat;
  defaultCountry?: string;
  allOrNothing?: boolean;
  dryRun?: boolean;
};

export function defineImport(numbers: Command): void {
  const made = organizationChangeCommand(numbers, 'import', 'Import a file of numbers, of any length.', [
    'numbers import numbers.csv --organization org_abc123 --dry-run',
    'numbers import numbers.csv --organization org_abc123 --all-or-nothing',
    'zcat numbers.ndjson.gz | linekeeper numbers import - --format ndjson --organization org_abc123',
    'numbers import numbers.csv --organization org_abc123 --idempotency-key import-2024-05',
  ]);
  withDefaultCountry(made)
    .addHelpText(
      'after',
      `
The first line of a CSV file names its columns. NDJSON has an object with these names on each line:

  phone_number  the number
  user          the id or e-mail address of the user to assign it to
  ${editableNames.join(', ')}
                fields of the number

A file of \`numbers export\` can be imported as it is: its other columns are ignored.
With exit code 4 rows were rejected. The report has the line and the reason of each.`,
    )
    .argument('<file>', 'the file, or - for stdin')
    .requiredOption('--organization <id>', 'the organization that the numbers belong to')
    .addOption(formatOption("the format of the file (default: by the file's ending)"))
    .option('--all-or-nothing', 'import nothing if any row is rejected')
    .option('--dry-run', 'show what would happen, and change nothing')
    .action(importFile);
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const type = mediaTypes[options.format ?? formatOf(file)];
  const query = {
    organization_id: options.organization,
    ...defaultCountry(options),
    all_or_nothing: options.allOrNothing,
    dry_run: options.dryRun,
  };
  const input = await openInput(file);
  try {
    const stream = { type, pieces: input.pieces };
    const request = { query, stream, acceptedError: 'import_rejected' };
    const { text, body } = await change<ImportReport>(options, 'POST', numbersPath('import'), request);
    // The progress bar goes before anything is printed.
    input.close();
    if (body.rejected > 0) process.exitCode = exitCodes.rowsRejected;
    await write(options.json ? `${text}\n` : summaryOf(body));
    if (!options.json) noteRejections('row', body.rejected, body.rejections.length, body.error);
  } finally {
    input.close();
  }
}

function formatOf(file: string): FileFormat {
  const format = formatByName(file);
  if (format) return format;
  const source = file === '-' ? 'stdin' : file;
  throw wrongUsage(`Say which format ${source} has: --format csv or --format ndjson`);
}

const columns: Columns<ImportReport['rejections'][number]> = {
  LINE: row => row.line,
  NUMBER: row => row.phone_number,
  REASON: row => row.error,
};

const summaryOf = ({ dry_run, batch_id, rows, imported, rejected, rejections }: ImportReport) =>
  sections(
    fields({
      Rows: withCommas(rows),
      [dry_run ? 'Would be imported' : 'Imported']: withCommas(imported),
      [dry_run ? 'Would be rejected' : 'Rejected']: withCommas(rejected),
      Batch: batch_id ?? undefined,
    }),
    rejectionTable(columns, rejections),
  );
