import type { Command } from 'commander';
import { type ChangeOptions, change, changing } from '../http/change.ts';
import { pathOf } from '../http/client.ts';
import { exitCodes, Failure, wrongUsage } from '../terminal/failure.ts';
import { fields, note, table, write } from '../terminal/output.ts';
import { readWhole } from '../terminal/read-file.ts';
import { counted, escapeControls } from '../terminal/text.ts';
import { country, withCountry } from './number.ts';

type Result = { index: number; phone_number: string; done: boolean; code?: string; error?: string };
/** With `error`, nothing was done: it was to be all or none. */
type Report = { dry_run?: boolean; error?: string; results: Result[] };
type Options = ChangeOptions & { atomic?: boolean; dryRun?: boolean; defaultCountry?: string };

const path = pathOf('sms', 'phone-numbers', 'bulk');
const itemsMax = 10_000;
// The server reads bodies of 16 MiB, and there is more in a body than its items.
const bytesMax = 16_000_000;
const rejectionsMax = 20;

export function defineBulk(numbers: Command): void {
  withCountry(
    changing(numbers, 'bulk', 'Do many things to many numbers, in the order of a file.', [
      'numbers bulk changes.ndjson --dry-run',
      'numbers bulk changes.ndjson --atomic',
      `echo '{"action":"release","phone_number":"+14155551234"}' | linekeeper numbers bulk -`,
    ]).addHelpText(
      'after',
      `
The file is NDJSON, an item a line, or a JSON array of items:

  {"action":"assign","phone_number":"+14155551234","user_id":"user_xyz789"}
  {"action":"unassign","phone_number":"+14155551234"}
  {"action":"tag","phone_number":"+14155551234","add":["west"],"remove":["east"]}
  {"action":"transfer","phone_number":"+14155551234","to_organization_id":"org_def456","end_assignment":true}
  {"action":"release","phone_number":"+14155551234"}
  {"action":"edit","phone_number":"+14155551234","nickname":"Sales","tags":[],"locked":false,"metadata":{}}

More than 10,000 items or 16 MB are sent in several requests, one after the other, with -1, -2
and so on after the idempotency key. Exit code 4 says that items were rejected; the report
names each with its place in the file, from 1, and the reason.`,
    ),
  )
    .argument('<file>', 'the file, or - for stdin')
    .option('--atomic', 'do nothing if a single item is rejected; at most 10,000 items')
    .option('--dry-run', 'only tell what would happen')
    .action(changeNumbers);
}

async function changeNumbers(file: string, options: Options): Promise<void> {
  const items = await readItems(file);
  const pieces = requestsOf(items, options.atomic);
  if (options.atomic && items.length > itemsMax)
    throw wrongUsage(
      `--atomic is for 10,000 items at most, and ${file} has ${counted(items.length, 'item')}`,
    );
  if (options.ifMatch !== undefined && pieces.length > 1)
    throw wrongUsage('--if-match is for one request, and this takes several: the first changes the revision');
  if (pieces.length > 1 && !options.json)
    note(`Sending ${counted(items.length, 'item')} in ${counted(pieces.length, 'request')}`);

  let whole: { text: string; report: Report } | undefined;
  for (const [place, piece] of pieces.entries()) {
    const answer = await send(piece, options, pieces.length > 1 ? `-${place + 1}` : '').catch(error => {
      throw whole ? interrupted(whole.report, error) : error;
    });
    whole = whole ? joined(whole.report, answer.body) : { text: answer.text, report: answer.body };
  }
  const { text, report } = whole!;
  if (report.results.some(result => !result.done)) process.exitCode = exitCodes.rowsRejected;
  await write(options.json ? `${text}\n` : summary(report, options));
  if (!options.json) annotate(report);
}

async function readItems(file: string): Promise<unknown[]> {
  const text = await readWhole(file);
  const items = text.trimStart().startsWith('[') ? parse(text, file) : lines(text, file);
  if (items.length === 0) throw new Failure(`${file} has no items`);
  return items;
}

const lines = (text: string, file: string): unknown[] =>
  text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parse(line, `Line ${index + 1} of ${file}`)]));

function parse(text: string, what: string) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`${what} is not JSON`);
  }
}

/** As few requests as it takes; one if it is to be atomic, and the server says if that is too large. */
export function requestsOf(items: unknown[], atomic = false): unknown[][] {
  if (atomic) return [items];
  const pieces: unknown[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    const last = pieces.at(-1);
    if (last && last.length < itemsMax && bytes + size <= bytesMax) {
      last.push(item);
      bytes += size;
    } else {
      pieces.push([item]);
      bytes = size;
    }
  }
  return pieces;
}

function send(items: unknown[], options: Options, suffix: string) {
  const { idempotencyKey, atomic, dryRun: dry_run } = options;
  const body = { items, atomic, dry_run, ...country(options) };
  const key = idempotencyKey && { idempotencyKey: idempotencyKey + suffix };
  return change<Report>({ ...options, ...key }, 'POST', path, { body, accept: 'bulk_rejected' });
}

/** The report of one request and that of the next, as one. */
function joined(before: Report, next: Report): { text: string; report: Report } {
  const offset = before.results.length;
  const moved = next.results.map(result => ({ ...result, index: result.index + offset }));
  const results = [...before.results, ...moved];
  const { done, rejected } = countsOf({ results });
  const report = { ...next, done, rejected, results };
  return { text: JSON.stringify(report), report };
}

/** What was sent before is done: what failed must not be told as if nothing was. */
function interrupted(before: Report, error: Error): Failure {
  const sent = before.results.length;
  const { done, rejected } = countsOf(before);
  const counts = `${done.toLocaleString('en-US')} done, ${rejected.toLocaleString('en-US')} rejected`;
  return new Failure(
    `${error.message}\nThe first ${counted(sent, 'item')} had been sent before that (${counts}); this is about what comes after.`,
  );
}

function countsOf({ error, results }: Report): { done: number; rejected: number } {
  const rejected = results.filter(result => !result.done).length;
  return { done: error === undefined ? results.length - rejected : 0, rejected };
}

function summary(report: Report, { dryRun }: Options): string {
  const { done, rejected } = countsOf(report);
  const counts = fields({
    Items: report.results.length.toLocaleString('en-US'),
    [dryRun ? 'Would be done' : 'Done']: done.toLocaleString('en-US'),
    [dryRun ? 'Would be rejected' : 'Rejected']: rejected.toLocaleString('en-US'),
  });
  if (rejected === 0) return counts;
  const shown = report.results
    .filter(result => !result.done)
    .slice(0, rejectionsMax)
    .map(({ index, phone_number, error }) => [index + 1, phone_number, error ?? null]);
  return `${counts}\n${table(['ITEM', 'NUMBER', 'REASON'], shown)}`;
}

function annotate(report: Report): void {
  const more = countsOf(report).rejected - rejectionsMax;
  if (more > 0) note(`… and ${counted(more, 'rejected item')} more; --json shows all`);
  if (report.error) note(`error: ${escapeControls(report.error)}`);
}
