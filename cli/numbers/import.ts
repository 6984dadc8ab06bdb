import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { ImportBody } from '../../server/numbers/import/schemas.ts';
import { type ChangeOptions, change, changing } from '../http/change.ts';
import { pathOf } from '../http/client.ts';
import { exitCodes, wrongUsage } from '../terminal/failure.ts';
import { fields, note, table, write } from '../terminal/output.ts';
import { openUpload } from '../terminal/read-file.ts';
import { counted, escapeControls } from '../terminal/text.ts';

type Report = Static<typeof ImportBody> & { error?: string };

/** The formats that files of numbers have. */
export const types = { csv: 'text/csv', ndjson: 'application/x-ndjson' };
export type Format = keyof typeof types;
const formatByEnding: Record<string, Format> = { csv: 'csv', ndjson: 'ndjson', jsonl: 'ndjson' };
const rejectionsMax = 20;

export function defineImport(numbers: Command): void {
  changing(numbers, 'import', 'Import a file of numbers, of any length.', [
    'numbers import numbers.csv --organization org_abc123 --dry-run',
    'numbers import numbers.csv --organization org_abc123 --all-or-nothing',
    'zcat numbers.ndjson.gz | linekeeper numbers import - --format ndjson --organization org_abc123',
    'numbers import numbers.csv --organization org_abc123 --idempotency-key import-2024-05',
  ])
    .addHelpText(
      'after',
      `
The first line of a CSV file names its columns: phone_number, nickname and user (the id or
e-mail address of who is assigned the number). NDJSON has an object with these a line.
What \`numbers export\` has written is taken as it is: its other columns are ignored.
Exit code 4 says that rows were rejected; the report names each with its line and the reason.`,
    )
    .argument('<file>', 'the file, or - for stdin')
    .requiredOption('--organization <id>', 'which organization the numbers belong to')
    .addOption(
      new Option('--format <format>', "what is in it (default: by the file's ending)").choices(
        Object.keys(types),
      ),
    )
    .option('--default-country <country>', 'what a number without + is read as (default: US)')
    .option('--all-or-nothing', 'import nothing if a single row is rejected')
    .option('--dry-run', 'only tell what would happen')
    .action(importFile);
}

async function importFile(
  file: string,
  options: ChangeOptions & {
    organization: string;
    format?: Format;
    defaultCountry?: string;
    allOrNothing?: boolean;
    dryRun?: boolean;
  },
): Promise<void> {
  const type = types[options.format ?? formatOf(file)];
  const query = {
    organization_id: options.organization,
    default_country: options.defaultCountry?.toUpperCase(),
    all_or_nothing: options.allOrNothing,
    dry_run: options.dryRun,
  };
  const upload = await openUpload(file);
  try {
    const stream = { type, source: upload.source };
    const path = pathOf('sms', 'phone-numbers', 'import');
    const request = { query, stream, accept: 'import_rejected' };
    const { text, body } = await change<Report>(options, 'POST', path, request);
    upload.close();
    if (body.rejected > 0) process.exitCode = exitCodes.rowsRejected;
    await write(options.json ? `${text}\n` : summary(body));
    if (!options.json) annotate(body);
  } finally {
    upload.close();
  }
}

export const formatByName = (file: string): Format | undefined =>
  formatByEnding[/\.(\w+)$/.exec(file)?.[1]?.toLowerCase() ?? ''];

function formatOf(file: string): Format {
  const format = formatByName(file);
  if (!format)
    throw wrongUsage(`Say what is in ${file === '-' ? 'stdin' : file}: --format csv or --format ndjson`);
  return format;
}

function summary({ dry_run, batch_id, rows, imported, rejected, rejections }: Report): string {
  const counts = {
    Rows: rows.toLocaleString('en-US'),
    [dry_run ? 'Would be imported' : 'Imported']: imported.toLocaleString('en-US'),
    [dry_run ? 'Would be rejected' : 'Rejected']: rejected.toLocaleString('en-US'),
    ...(batch_id && { Batch: batch_id }),
  };
  if (rejected === 0) return fields(counts);
  const shown = rejections.slice(0, rejectionsMax).map(row => [row.line, row.phone_number, row.error]);
  return `${fields(counts)}\n${table(['LINE', 'NUMBER', 'REASON'], shown)}`;
}

function annotate({ error, rejected, rejections, rejections_omitted = 0 }: Report): void {
  const more = rejected - Math.min(rejections.length, rejectionsMax);
  const shown = rejections_omitted > 0 ? counted(rejections.length, 'row') : 'all';
  if (more > 0) note(`… and ${counted(more, 'rejected row')} more; --json shows ${shown}`);
  if (error) note(`error: ${escapeControls(error)}`);
}
