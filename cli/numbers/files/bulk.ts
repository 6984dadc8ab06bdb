import type { Command } from 'commander';
import type { Static } from '../../../schema/schema.ts';
import type { BulkDoneBody } from '../../../server/numbers/life/bulk/schemas.ts';
import { type ChangeOptions, change, organizationChangeCommand } from '../../http/change.ts';
import { errorOf } from '../../http/pages.ts';
import { withPlaces } from '../../http/places.ts';
import { exitCodes, Failure, wrongUsage } from '../../terminal/failure.ts';
import { type Columns, fields, note, sections, write } from '../../terminal/output.ts';
import { lineEnd, readText } from '../../terminal/read-file.ts';
import { counted, withCommas } from '../../terminal/text.ts';
import { defaultCountry, numbersPath, withDefaultCountry } from '../number.ts';
import { noteRejections, rejectionTable } from './rejections.ts';

/** With its line in the file, if it was rejected and the file has lines. */
type ItemResult = Static<typeof BulkDoneBody>['results'][number] & { line?: number };
/** An item of a file. In a JSON array it has no line. */
type FileItem = { item: unknown; line?: number };
/** With `error`, nothing was done: it was all or none. */
type BulkReport = { dry_run?: boolean; error?: string; results: ItemResult[] };
type BulkOptions = ChangeOptions & { atomic?: boolean; dryRun?: boolean; defaultCountry?: string };

const itemsMax = 10_000;
// The server reads bodies of up to 16 MiB. The rest is for what a body has beside its items.
const bytesMax = 16_000_000;

export function defineBulk(numbers: Command): void {
  withDefaultCountry(
    organizationChangeCommand(numbers, 'bulk', 'Apply many changes to numbers, in the order of a file.', [
      'numbers bulk changes.ndjson --dry-run',
      'numbers bulk changes.ndjson --atomic',
      `echo '{"action":"release","phone_number":"+14155551234"}' | linekeeper numbers bulk -`,
    ]).addHelpText(
      'after',
      `
The file is NDJSON, with one item on each line, or a JSON array of items, in UTF-8 or UTF-16:

  {"action":"assign","phone_number":"+14155551234","user_id":"user_xyz789"}
  {"action":"unassign","phone_number":"+14155551234"}
  {"action":"tag","phone_number":"+14155551234","add":["west"],"remove":["east"]}
  {"action":"transfer","phone_number":"+14155551234","to_organization_id":"org_def456","end_assignment":true}
  {"action":"release","phone_number":"+14155551234"}
  {"action":"edit","phone_number":"+14155551234","nickname":"Sales","tags":[],"locked":false,"metadata":{}}

A file with more than 10,000 items or 16 MB is sent in several requests, one after another. Their
idempotency keys end in -1, -2 and so on. With exit code 4 items were rejected. The report has
the line, or the place in the array, and the reason of each. An item with a wrong value is rejected
by itself; one with a field or an action that does not exist refuses its request.`,
    ),
  )
    .argument('<file>', 'the file, or - for stdin')
    .option('--atomic', 'change nothing if any item is rejected; at most 10,000 items')
    .option('--dry-run', 'show what would happen, and change nothing')
    .action(changeNumbers);
}

async function changeNumbers(file: string, options: BulkOptions): Promise<void> {
  const items = await readItems(file);
  const requests = requestsOf(items, options.atomic);
  if (options.atomic && items.length > itemsMax)
    throw wrongUsage(`--atomic takes 10,000 items at most, and ${file} has ${withCommas(items.length)}`);
  if (options.ifMatch !== undefined && requests.length > 1)
    throw wrongUsage(
      `--if-match takes one request, and ${file} needs ${requests.length}: the first changes the revision`,
    );
  if (requests.length > 1 && !options.json)
    note(`Sending ${counted(items.length, 'item')} in ${counted(requests.length, 'request')}`);

  let soFar: { text: string; report: BulkReport } | undefined;
  for (const [index, request] of requests.entries()) {
    const keySuffix = requests.length > 1 ? `-${index + 1}` : '';
    const offset = soFar?.report.results.length ?? 0;
    try {
      const answer = await send(request, options, keySuffix);
      soFar = soFar ? joined(soFar.report, answer.body) : { text: answer.text, report: answer.body };
    } catch (error) {
      const failure = withFilePlaces(error, request, offset);
      if (!soFar) throw failure;
      if (options.json)
        await write(`${JSON.stringify({ ...withLines(soFar.report, items), ...errorOf(failure) })}\n`);
      throw interruption(soFar.report, failure);
    }
  }
  const { text, report } = soFar!;
  const { rejected } = countsOf(report);
  if (rejected > 0) process.exitCode = exitCodes.rowsRejected;
  const located = withLines(report, items);
  if (options.json) return write(`${located === report ? text : JSON.stringify(located)}\n`);
  await write(summaryOf(located, options));
  noteRejections('item', rejected, rejected, report.error);
}

async function readItems(file: string): Promise<FileItem[]> {
  const text = await readText(file);
  const items = text.trimStart().startsWith('[') ? parse(text, file).map(inArray) : lines(text, file);
  if (items.length === 0) throw new Failure(`${file} has no items`);
  return items;
}

const inArray = (item: unknown): FileItem => ({ item });

const lines = (text: string, file: string): FileItem[] =>
  text.split(lineEnd).flatMap((part, index) => {
    const line = index + 1;
    return part.trim() === '' ? [] : [{ item: parse(part, `Line ${line} of ${file}`), line }];
  });

function parse(text: string, source: string) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`${source} is not JSON`);
  }
}

/** The report with the line of each rejected item; the same report if there is none, or the items have no lines. */
function withLines(report: BulkReport, items: FileItem[]): BulkReport {
  if (items[0]!.line === undefined || report.results.every(({ done }) => done)) return report;
  const results = report.results.map(result => {
    const { line } = items[result.index]!;
    return result.done || line === undefined ? result : { ...result, line };
  });
  return { ...report, results };
}

/** An error of a request names the lines of the file, or in an array the places of the items. */
const withFilePlaces = (error: unknown, request: FileItem[], offset: number): unknown =>
  withPlaces(error, 'items', index => {
    const line = request[index]?.line;
    return line === undefined ? `item ${offset + index + 1}` : `line ${line}`;
  });

/** As few requests as the limits allow. An atomic change is one request, and the server says if that is too large. */
export function requestsOf<Item>(items: Item[], atomic = false): Item[][] {
  if (atomic) return [items];
  const requests: Item[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    const last = requests.at(-1);
    if (last && last.length < itemsMax && bytes + size <= bytesMax) {
      last.push(item);
      bytes += size;
    } else {
      requests.push([item]);
      bytes = size;
    }
  }
  return requests;
}

function send(request: FileItem[], options: BulkOptions, keySuffix: string) {
  const { idempotencyKey, atomic, dryRun: dry_run } = options;
  const items = request.map(({ item }) => item);
  const body = { items, atomic, dry_run, ...defaultCountry(options) };
  const key = idempotencyKey && { idempotencyKey: idempotencyKey + keySuffix };
  const call = { body, acceptedError: 'bulk_rejected' };
  return change<BulkReport>({ ...options, ...key }, 'POST', numbersPath('bulk'), call);
}

/** The reports of two requests as one. */
function joined(before: BulkReport, next: BulkReport): { text: string; report: BulkReport } {
  const offset = before.results.length;
  const moved = next.results.map(result => ({ ...result, index: result.index + offset }));
  const results = [...before.results, ...moved];
  const report = { ...next, ...countsOf({ results }), results };
  return { text: JSON.stringify(report), report };
}

/** A later request failed. The requests before it are done, and the message says so. */
function interruption(before: BulkReport, error: unknown): Failure {
  const { done, rejected } = countsOf(before);
  const sent = counted(before.results.length, 'item');
  return new Failure(
    `${(error as Error).message}\nThe first ${sent} had been sent before that: ${withCommas(done)} done, ${withCommas(rejected)} rejected.`,
  );
}

function countsOf({ error, results }: BulkReport): { done: number; rejected: number } {
  const rejected = results.filter(result => !result.done).length;
  return { done: error === undefined ? results.length - rejected : 0, rejected };
}

const columns: Columns<ItemResult> = {
  NUMBER: result => result.phone_number,
  REASON: result => result.error ?? null,
};

const inArrays: Columns<ItemResult> = { ITEM: result => result.index + 1, ...columns };
const inLines: Columns<ItemResult> = { LINE: result => result.line ?? null, ...columns };

function summaryOf(report: BulkReport, { dryRun }: BulkOptions): string {
  const { done, rejected: count } = countsOf(report);
  const rejected = report.results.filter(result => !result.done);
  return sections(
    fields({
      Items: withCommas(report.results.length),
      [dryRun ? 'Would be done' : 'Done']: withCommas(done),
      [dryRun ? 'Would be rejected' : 'Rejected']: withCommas(count),
    }),
    rejectionTable(rejected[0]?.line === undefined ? inArrays : inLines, rejected),
  );
}
