import { type Command, InvalidArgumentError } from 'commander';
import type { Static } from '../../../schema/schema.ts';
import type { ImportBody } from '../../../server/numbers/import/schemas.ts';
import { editableNames } from '../../../server/numbers/state.ts';
import { type ChangeOptions, change, organizationChangeCommand } from '../../http/change.ts';
import { exitCodes, wrongUsage } from '../../terminal/failure.ts';
import { type Columns, fields, note, sections, table, write } from '../../terminal/output.ts';
import { openInput } from '../../terminal/read-file.ts';
import { counted, withCommas } from '../../terminal/text.ts';
import { defaultCountry, numbersPath, withDefaultCountry } from '../number.ts';
import { type FileFormat, formatByName, formatOption, mediaTypes } from './formats.ts';
import { noteRejections, rejectionTable } from './rejections.ts';

/** With `error`, nothing was imported: it was all or nothing. */
type ImportReport = Static<typeof ImportBody> & { error?: string };
type ImportOptions = ChangeOptions & {
  organization?: string;
  format?: FileFormat;
  encoding?: string;
  defaultCountry?: string;
  column?: Record<string, string>;
  /** False with --no-header. */
  header: boolean;
  update?: boolean;
  createOrganizations?: boolean;
  createUsers?: boolean;
  allOrNothing?: boolean;
  dryRun?: boolean;
  rejected?: string;
};

export function defineImport(numbers: Command): void {
  const made = organizationChangeCommand(numbers, 'import', 'Import a file of numbers, of any length.', [
    'numbers import numbers.csv --organization org_abc123 --dry-run',
    'numbers import customers.csv --create-organizations --create-users --rejected rejected.csv',
    'numbers import list.csv --organization org_abc123 --column phone_number="Line" --column metadata.city=City',
    'numbers import ported.csv --no-header --organization org_abc123',
    'numbers import edited.csv --organization org_abc123 --update',
    'zcat numbers.ndjson.gz | linekeeper numbers import - --format ndjson --organization org_abc123',
    'numbers import numbers.csv --organization org_abc123 --idempotency-key import-2024-05',
  ]);
  withDefaultCountry(made)
    .addHelpText(
      'after',
      `
CSV is separated by commas, semicolons or tabs. Its first line names the columns, in any case:

  phone_number  the number
  organization  the id of an organization, or its name; without it: --organization
  user          the id or e-mail address of the user to assign it to; user_name names a new one
  status        reserved or cooling_down, with its end in the column until
  ${editableNames.join(', ')}
                fields of the number; metadata.city is one field of the metadata

Usual names such as Phone Number, DID, Friendly Name or Customer are known; --column says others. A
file of numbers alone needs no names. NDJSON has an object with these names on each line. Both may
be in gzip. A file of \`numbers export\` can be imported as it is. The report names the columns that
were not taken.

With --update an empty cell changes nothing. With exit code 4 rows were rejected. The report has the
line and the reason of each. --rejected writes them to a file that can be corrected and imported
again, without --no-header: it has names.`,
    )
    .argument('<file>', 'the file, or - for stdin')
    .option('--organization <id>', 'the organization of rows that name none')
    .addOption(formatOption("the format of the file (default: by the file's ending)"))
    .option(
      '--encoding <name>',
      'the encoding of the file, such as windows-1252 (default: UTF-8, or UTF-16 with its mark)',
      readEncoding,
    )
    .option('--column <field=name>', 'the column of a field; repeat it for more', readColumn)
    .option('--no-header', 'the first line is a row; --column takes positions, and the number is in 1')
    .option('--update', 'change numbers that are in their organization already')
    .option('--create-organizations', 'create organizations that do not exist')
    .option('--create-users', 'create users whose e-mail address nobody has')
    .option('--all-or-nothing', 'import nothing if any row is rejected')
    .option('--dry-run', 'show what would happen, and change nothing')
    .option('--rejected <file>', 'write the rejected rows to a file')
    .action(importFile);
}

function readEncoding(text: string): string {
  if (!/^[\w.:-]{1,40}$/.test(text))
    throw new InvalidArgumentError('It must be the name of an encoding, such as windows-1252 or utf-16le.');
  return text;
}

function readColumn(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, field, name] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (field === undefined || name === undefined)
    throw new InvalidArgumentError('It must be a field and a column, such as phone_number="Phone Number".');
  return { ...before, [field.trim()]: name };
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const type = mediaTypes[options.format ?? formatOf(file)];
  const query = {
    organization_id: options.organization,
    ...defaultCountry(options),
    columns: options.column && JSON.stringify(options.column),
    no_header: options.header ? undefined : true,
    update: options.update,
    create_organizations: options.createOrganizations,
    create_users: options.createUsers,
    all_or_nothing: options.allOrNothing,
    dry_run: options.dryRun,
  };
  const input = await openInput(file);
  try {
    const charset = options.encoding === undefined ? '' : `; charset=${options.encoding}`;
    const stream = { type: type + charset, pieces: input.pieces };
    const request = { query, stream, acceptedError: 'import_rejected' };
    const { text, body } = await change<ImportReport>(options, 'POST', numbersPath('import'), request);
    // The progress bar goes before anything is printed.
    input.close();
    if (body.rejected > 0) process.exitCode = exitCodes.rowsRejected;
    if (options.rejected !== undefined) {
      const { writeRejected } = await import('./rejected-file.ts');
      await writeRejected(options.rejected, body);
    }
    await write(options.json ? `${text}\n` : summaryOf(body, options));
    if (!options.json) noteRejections('row', body.rejected, body.rejections.length, body.error);
    noteFile(body, options.rejected);
  } finally {
    input.close();
  }
}

/** A replay may have fewer rejections than there were. */
function noteFile({ rejected, rejections }: ImportReport, file: string | undefined): void {
  const missing = rejected - rejections.length;
  if (file !== undefined && missing > 0)
    note(
      `${file} lacks ${counted(missing, 'rejected row')}: this report is a replay, which has the first ones`,
    );
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

const organizationColumns: Columns<ImportReport['organizations'][number]> = {
  ORGANIZATION: row => row.organization_id,
  NAME: row => row.name,
  NEW: row => row.is_new,
  IMPORTED: row => row.imported,
  UPDATED: row => row.updated,
  UNCHANGED: row => row.unchanged,
  REJECTED: row => row.rejected,
};

function summaryOf(report: ImportReport, { update }: ImportOptions): string {
  const { dry_run, batch_id, rows, imported, updated, unchanged, rejected } = report;
  const { organizations, not_taken, rejections } = report;
  const named = not_taken.map(({ column, rows }) => `${column} (${counted(rows, 'row')})`);
  const isPlain = organizations.length === 1 && !organizations[0]!.is_new;
  return sections(
    fields({
      Rows: withCommas(rows),
      [dry_run ? 'Would be imported' : 'Imported']: withCommas(imported),
      [dry_run ? 'Would be updated' : 'Updated']: update ? withCommas(updated) : undefined,
      Unchanged: update ? withCommas(unchanged) : undefined,
      [dry_run ? 'Would be rejected' : 'Rejected']: withCommas(rejected),
      'Not taken': named.length > 0 ? named.join(', ') : undefined,
      Batch: batch_id ?? undefined,
    }),
    isPlain ? '' : table(organizationColumns, organizations),
    rejectionTable(columns, rejections),
  );
}
