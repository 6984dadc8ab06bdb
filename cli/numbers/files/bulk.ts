import type { Command } from 'commander';
import type { Static } from '../../../schema/schema.ts';
import type { BulkDoneBody } from '../../../server/numbers/life/bulk/schemas.ts';
import { type ChangeOptions, change, organizationChangeCommand } from '../../http/change.ts';
import { exitCodes, Failure, wrongUsage } from '../../terminal/failure.ts';
import { type Columns, fields, note, sections, write } from '../../terminal/output.ts';
import { readText } from '../../terminal/read-file.ts';
import { counted, withCommas } from '../../terminal/text.ts';
import { defaultCountry, numbersPath, withDefaultCountry } from '../number.ts';
import { noteRejections, rejectionTable } from './rejections.ts';

type ItemResult = Static<typeof BulkDoneBody>['results'][number];
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
The file is NDJSON, with one item on each line, or a JSON array of items:

  {"action":"assign","phone_number":"+14155551234","user_id":"user_xyz789"}
  {"action":"unassign","phone_number":"+14155551234"}
  {"action":"tag","phone_number":"+14155551234","add":["west"],"remove":["east"]}
  {"action":"transfer","phone_number":"+14155551234","to_organization_id":"org_def456","end_assignment":true}
  {"action":"release","phone_number":"+14155551234"}
  {"action":"edit","phone_number":"+14155551234","nickname":"Sales","tags":[],"locked":false,"metadata":{}}

A file with more than 10,000 items or 16 MB is sent in several requests, one after another. Their
idempotency keys end in -1, -2 and so on. With exit code 4 items were rejected. The report has
the place in the file, from 1, and the reason of each.`,
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
    const answer = await send(request, options, keySuffix).catch(error => {
      throw soFar ? interruption(soFar.report, error) : error;
    });
    soFar = soFar ? joined(soFar.report, answer.body) : { text: answer.text, report: answer.body };
  }
  const { text, report } = soFar!;
  const { rejected } = countsOf(report);
  if (rejected > 0) process.exitCode = exitCodes.rowsRejected;
  await write(options.json ? `${text}\n` : summaryOf(report, options));
  if (!options.json) noteRejections('item', rejected, rejected, report.error);
}

async function readItems(file: string): Promise<unknown[]> {
  const text = await readText(file);
  const items = text.trimStart().startsWith('[') ? parse(text, file) : lines(text, file);
  if (items.length === 0) throw new Failure(`${file} has no items`);
  return items;
}

const lines = (text: string, file: string): unknown[] =>
  text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parse(line, `Line ${index + 1} of ${file}`)]));

function parse(text: string, source: string) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`${source} is not JSON`);
  }
}

/** As few requests as the limits allow. An atomic change is one request, and the server says if that is too large. */
export function requestsOf(items: unknown[], atomic = false): unknown[][] {
  if (atomic) return [items];
  const requests: unknown[][] = [];
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

function send(items: unknown[], options: BulkOptions, keySuffix: string) {
  const { idempotencyKey, atomic, dryRun: dry_run } = options;
  const body = { items, atomic, dry_run, ...defaultCountry(options) };
  const key = idempotencyKey && { idempotencyKey: idempotencyKey + keySuffix };
  const request = { body, acceptedError: 'bulk_rejected' };
  return change<BulkReport>({ ...options, ...key }, 'POST', numbersPath('bulk'), request);
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
function interruption(before: BulkReport, error: Error): Failure {
  const { done, rejected } = countsOf(before);
  const sent = counted(before.results.length, 'item');
  return new Failure(
    `${error.message}\nThe first ${sent} had been sent before that: ${withCommas(done)} done, ${withCommas(rejected)} rejected.`,
  );
}

function countsOf({ error, results }: BulkReport): { done: number; rejected: number } {
  const rejected = results.filter(result => !result.done).length;
  return { done: error === undefined ? results.length - rejected : 0, rejected };
}

const columns: Columns<ItemResult> = {
  ITEM: result => result.index + 1,
  NUMBER: result => result.phone_number,
  REASON: result => result.error ?? null,
};

function summaryOf(report: BulkReport, { dryRun }: BulkOptions): string {
  const { done, rejected } = countsOf(report);
  return sections(
    fields({
      Items: withCommas(report.results.length),
      [dryRun ? 'Would be done' : 'Done']: withCommas(done),
      [dryRun ? 'Would be rejected' : 'Rejected']: withCommas(rejected),
    }),
    rejectionTable(
      columns,
      report.results.filter(result => !result.done),
    ),
  );
}
