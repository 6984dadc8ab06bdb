import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { LookUpResultBody } from '../../server/numbers/list/detail-schemas.ts';
import { call } from '../http/client.ts';
import { writeDocument, writeTable } from '../http/pages.ts';
import { command } from '../terminal/command.ts';
import { exitCodes, wrongUsage } from '../terminal/failure.ts';
import { type Columns, note, write } from '../terminal/output.ts';
import { linesOf } from '../terminal/read-file.ts';
import { counted, personOf, withCommas } from '../terminal/text.ts';
import { noteRejections, rejectionTable } from './files/rejections.ts';
import { defaultCountry, hasDigit, numbersPath, withDefaultCountry } from './number.ts';

type LookupPage = Static<typeof LookUpResultBody>;
/** With its line in the input, if no number can be read from it. */
type Result = LookupPage['results'][number] & { line?: number };
type LookupOptions = { json?: boolean; defaultCountry?: string };
type Asked = { text: string; line?: number };

/** The server's limit. */
const perCall = 1000;
/** No number is longer. A call with a thousand longer lines would be too large. */
const lengthMax = 100;

export function defineLookup(numbers: Command): void {
  const made = command(numbers, 'lookup', 'Look up many numbers, each with its organization and its user.', [
    'numbers lookup +14155551234 "(415) 555-5678"',
    'cut -d, -f2 calls.csv | linekeeper numbers lookup - --json',
  ]).argument('<numbers...>', 'the numbers, or - to read stdin, a number on each line');
  withDefaultCountry(made)
    .addHelpText(
      'after',
      `
Text that is no number is reported with its line and the reason, and the others are looked up. It
ends with exit code 4 then.`,
    )
    .action(lookUp);
}

async function lookUp(given: string[], options: LookupOptions): Promise<void> {
  // A file may have anything in it. Words without a digit alone are a slip.
  if (!given.includes('-') && !given.some(hasDigit))
    throw wrongUsage(`"${given[0]}" is not a phone number: to read stdin, write -`);
  const wrong: Result[] = [];
  const pages = answers(given, options, wrong);
  if (options.json) return writeDocument('results', pages);
  const { count, rows } = await writeTable('results', columns, pages);
  if (wrong.length > 0) await write(`\n${rejectionTable(wrongColumns(wrong), wrong)}`);
  noteRejections('number', wrong.length, wrong.length, undefined);
  note(`${withCommas(count)} of ${counted(rows, 'number')} found`);
}

const wrongColumns = (wrong: Result[]): Columns<Result> => ({
  ...(wrong.some(({ line }) => line !== undefined) && { LINE: ({ line }: Result) => line ?? null }),
  NUMBER: ({ asked }) => asked,
  REASON: ({ error }) => error ?? null,
});

const columns: Columns<Result> = {
  ASKED: ({ asked }) => asked,
  NUMBER: ({ phone_number: n }) => n?.phone_number ?? null,
  STATUS: ({ phone_number: n }) => n?.status ?? null,
  ORGANIZATION: ({ phone_number: n }) => n?.organization_id ?? null,
  'ASSIGNED TO': ({ phone_number: n }) => (n?.assigned_to ? personOf(n.assigned_to) : null),
  NICKNAME: ({ phone_number: n }) => n?.nickname ?? null,
};

/** @param wrong gets the results without a number */
async function* answers(
  given: string[],
  options: LookupOptions,
  wrong: Result[],
): AsyncGenerator<LookupPage & { results: Result[] }> {
  for await (const group of groupsOf(given)) {
    const phone_numbers = group.map(({ text }) => text.slice(0, lengthMax));
    const body = { phone_numbers, ...defaultCountry(options) };
    const { body: page } = await call<LookupPage>('POST', numbersPath('lookup'), { body });
    const results = page.results.map((result, index): Result => {
      const { line } = group[index]!;
      return result.error === undefined || line === undefined ? result : { ...result, line };
    });
    for (const result of results) if (result.error !== undefined) wrong.push(result);
    if (wrong.length > 0) process.exitCode = exitCodes.rowsRejected;
    yield { ...page, results };
  }
}

/** Groups for one call each. A file of any length is read as it is needed. */
async function* groupsOf(given: string[]): AsyncGenerator<Asked[]> {
  let group: Asked[] = [];
  for await (const asked of allOf(given)) {
    group.push(asked);
    if (group.length < perCall) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

async function* allOf(given: string[]): AsyncGenerator<Asked> {
  for (const text of given) {
    if (text === '-') yield* linesOf('-');
    else yield { text };
  }
}
