import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { LookUpResultBody } from '../../server/numbers/list/detail-schemas.ts';
import { call } from '../http/client.ts';
import { writeDocument, writeTable } from '../http/pages.ts';
import { command } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';
import { type Columns, note } from '../terminal/output.ts';
import { openInput } from '../terminal/read-file.ts';
import { counted, personOf, withCommas } from '../terminal/text.ts';
import { defaultCountry, numbersPath, readNumber, withDefaultCountry } from './number.ts';

type LookupPage = Static<typeof LookUpResultBody>;
type LookupOptions = { json?: boolean; defaultCountry?: string };

/** The server's limit. */
const perCall = 1000;

export function defineLookup(numbers: Command): void {
  const made = command(numbers, 'lookup', 'Look up many numbers, each with its organization and its user.', [
    'numbers lookup +14155551234 "(415) 555-5678"',
    'cut -d, -f2 calls.csv | linekeeper numbers lookup - --json',
  ]).argument('<numbers...>', 'the numbers, or - to read stdin, a number on each line', readWord);
  withDefaultCountry(made).action(lookUp);
}

const readWord = (text: string, before: string[] = []) => [...before, text === '-' ? text : readNumber(text)];

async function lookUp(given: string[], options: LookupOptions): Promise<void> {
  const pages = answers(given, options);
  if (options.json) return writeDocument('results', pages);
  const { count, rows } = await writeTable('results', columns, pages);
  note(`${withCommas(count)} of ${counted(rows, 'number')} found`);
}

const columns: Columns<LookupPage['results'][number]> = {
  ASKED: ({ asked }) => asked,
  NUMBER: ({ phone_number: n }) => n?.phone_number ?? null,
  STATUS: ({ phone_number: n }) => n?.status ?? null,
  ORGANIZATION: ({ phone_number: n }) => n?.organization_id ?? null,
  'ASSIGNED TO': ({ phone_number: n }) => (n?.assigned_to ? personOf(n.assigned_to) : null),
  NICKNAME: ({ phone_number: n }) => n?.nickname ?? null,
};

async function* answers(given: string[], options: LookupOptions): AsyncGenerator<LookupPage> {
  for await (const phone_numbers of groupsOf(given)) yield await ask(phone_numbers, options);
}

async function ask(phone_numbers: string[], options: LookupOptions): Promise<LookupPage> {
  const body = { phone_numbers, ...defaultCountry(options) };
  try {
    return (await call<LookupPage>('POST', numbersPath('lookup'), { body })).body;
  } catch (error) {
    // The server names the place in its group. Among thousands the number itself says more.
    const [, place, reason] = /^phone_numbers\[(\d+)\] (.*)$/s.exec((error as Error).message) ?? [];
    if (place === undefined) throw error;
    const { exitCode, body } = error as Failure;
    throw new Failure(`"${phone_numbers[Number(place)]}" ${reason}`, exitCode, body);
  }
}

/** Groups for one call each. A file of any length is read as it is needed. */
async function* groupsOf(given: string[]): AsyncGenerator<string[]> {
  let group: string[] = [];
  for await (const number of allOf(given)) {
    group.push(number);
    if (group.length < perCall) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

async function* allOf(given: string[]): AsyncGenerator<string> {
  for (const number of given) {
    if (number === '-') yield* linesOf('-');
    else yield number;
  }
}

/** The lines of a file without the blanks around them. Empty lines are left out. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const input = await openInput(file);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const piece of input.pieces) {
      const parts = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = parts.pop()!;
      yield* parts.map(line => line.trim()).filter(Boolean);
    }
    if (rest.trim()) yield rest.trim();
  } finally {
    input.close();
  }
}
