import { type Command, InvalidArgumentError } from 'commander';
import type { Static } from 'typebox';
import type { ListBody } from '../server/numbers/schemas.ts';
import { call, connected, pathOf, send } from './client.ts';
import { command } from './command.ts';
import { growingTable, note, write } from './output.ts';
import { counted } from './text.ts';

type Page = Static<typeof ListBody>;
type Query = { organization_id: string; include_assigned: boolean };

const path = pathOf('sms', 'phone-numbers');
// The server's limit is 10,000; with fewer the first rows are there sooner.
const perPage = 5000;

export function defineList(numbers: Command): void {
  command(numbers, 'list', "List an organization's numbers, in the order of the numbers.", [
    'numbers list --organization org_abc123',
    'numbers list --organization org_abc123 --available --limit 10',
    'numbers list --organization org_abc123 --json',
  ])
    .requiredOption('--organization <id>', 'whose numbers')
    .option('--available', 'only those that are free to be handed out')
    .option('--limit <count>', 'at most so many (default: all of them)', readLimit)
    .action(async ({ organization, available, limit, json }) => {
      const query = { organization_id: organization, include_assigned: !available };
      if (!json) await printTable(query, limit);
      else if (limit === undefined) await passOn(query);
      else await printDocument(query, limit);
    });
}

function readLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** Page after page: a list of any length is never held as a whole. */
async function* pages(query: Query, limit = Number.POSITIVE_INFINITY): AsyncGenerator<Page> {
  let cursor: string | undefined;
  for (let rest = limit; rest > 0; ) {
    const answer = await call<Page>('GET', path, {
      query: { ...query, limit: Math.min(rest, perPage), cursor },
    });
    yield answer.body;
    rest -= answer.body.count;
    cursor = answer.body.next_cursor ?? undefined;
    if (!cursor) return;
  }
}

async function printTable(query: Query, limit: number | undefined): Promise<void> {
  const rows = growingTable(['NUMBER', 'AVAILABLE', 'ASSIGNED TO', 'SINCE', 'NICKNAME']);
  let count = 0;
  let more = false;
  for await (const page of pages(query, limit)) {
    const cells = page.phone_numbers.map(n => [
      n.phone_number,
      n.is_available,
      n.assigned_to && `${n.assigned_to.name} <${n.assigned_to.email}>`,
      n.assigned_at,
      n.nickname,
    ]);
    await write(rows(cells));
    count += page.count;
    more = page.has_more === true;
  }
  note(`${counted(count, 'number')}${more ? ', and there are more' : ''}`);
}

/** The server's own document, of one moment, as it comes. */
async function passOn(query: Query): Promise<void> {
  const { body } = await send('GET', path, { query });
  const pieces = body!.values();
  for (;;) {
    const { done, value } = await connected(pieces.next());
    if (done) break;
    await write(value);
  }
  await write('\n');
}

/** As many pages as it takes, written as the one that the server would send if its pages had no limit. */
async function printDocument(query: Query, limit: number): Promise<void> {
  let count = 0;
  let last: Partial<Page> = {};
  await write('{"success":true,"phone_numbers":[');
  for await (const { phone_numbers, ...rest } of pages(query, limit)) {
    const items = phone_numbers.map(number => JSON.stringify(number)).join(',');
    await write(count > 0 && items ? `,${items}` : items);
    count += phone_numbers.length;
    last = rest;
  }
  const { has_more, next_cursor, powered_by } = last as Page & { powered_by: string };
  await write(`],${JSON.stringify({ count, has_more, next_cursor, powered_by }).slice(1)}\n`);
}
