import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { LookedUp } from '../../server/numbers/list/schemas.ts';
import { call, pathOf } from '../http/client.ts';
import { command } from '../terminal/command.ts';
import { Failure } from '../terminal/failure.ts';
import { type Cell, growingTable, note, write } from '../terminal/output.ts';
import { openUpload } from '../terminal/read-file.ts';
import { counted } from '../terminal/text.ts';
import { country, readNumber, withCountry } from './number.ts';

type Found = Static<typeof LookedUp>;
type Options = { json?: boolean; defaultCountry?: string };

/** As many as the server takes at once. */
const perCall = 1000;

export function defineLookup(numbers: Command): void {
  const made = command(
    numbers,
    'lookup',
    'Look up many numbers: which organization and which user has each.',
    [
      'numbers lookup +14155551234 "(415) 555-5678"',
      'cut -d, -f2 calls.csv | linekeeper numbers lookup - --json',
    ],
  ).argument('<numbers...>', 'in any usual way of writing it, or - for stdin, a number a line', readOne);
  withCountry(made).action(lookUp);
}

const head = '{"success":true,"results":[';

const readOne = (text: string, before: string[] = []) => [...before, text === '-' ? text : readNumber(text)];

async function lookUp(given: string[], options: Options): Promise<void> {
  const rows = growingTable(Object.keys(columns));
  let asked = 0;
  let count = 0;
  let brand: string | undefined;
  for await (const group of groups(given)) {
    const { results, ...rest } = await ask(group, options);
    if (options.json) {
      const items = results.map(result => JSON.stringify(result)).join(',');
      await write((asked > 0 ? ',' : head) + items);
    } else await write(rows(results.map(result => Object.values(columns).map(cell => cell(result)))));
    asked += results.length;
    count += rest.count;
    brand = rest.powered_by;
  }
  if (options.json)
    await write(`${asked > 0 ? '' : head}],${JSON.stringify({ count, powered_by: brand }).slice(1)}\n`);
  else note(`${count.toLocaleString('en-US')} of ${counted(asked, 'number')} found`);
}

const columns: Record<string, (result: Found['results'][number]) => Cell> = {
  ASKED: ({ asked }) => asked,
  NUMBER: ({ phone_number: n }) => n?.phone_number ?? null,
  STATUS: ({ phone_number: n }) => n?.status ?? null,
  ORGANIZATION: ({ phone_number: n }) => n?.organization_id ?? null,
  'ASSIGNED TO': ({ phone_number: n }) =>
    n?.assigned_to ? `${n.assigned_to.name} <${n.assigned_to.email}>` : null,
  NICKNAME: ({ phone_number: n }) => n?.nickname ?? null,
};

async function ask(phone_numbers: string[], options: Options): Promise<Found & { powered_by: string }> {
  const body = { phone_numbers, ...country(options) };
  try {
    const path = pathOf('sms', 'phone-numbers', 'lookup');
    return (await call<Found & { powered_by: string }>('POST', path, { body })).body;
  } catch (error) {
    // Which of the group it is says little to whoever has given thousands.
    const [, place, reason] = /^phone_numbers\[(\d+)\] (.*)$/s.exec((error as Error).message) ?? [];
    const { exitCode, body } = error as Failure;
    if (place === undefined) throw error;
    throw new Failure(`"${phone_numbers[Number(place)]}" ${reason}`, exitCode, body);
  }
}

/** As many as one call takes, and then the next: a file of any length is never held as a whole. */
async function* groups(given: string[]): AsyncGenerator<string[]> {
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
    if (number === '-') yield* lines('-');
    else yield number;
  }
}

/** The lines of a file that say anything, without the blanks around them. */
async function* lines(file: string): AsyncGenerator<string> {
  const upload = await openUpload(file);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const piece of upload.source) {
      const parts = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = parts.pop()!;
      yield* parts.map(line => line.trim()).filter(Boolean);
    }
    if (rest.trim()) yield rest.trim();
  } finally {
    upload.close();
  }
}
