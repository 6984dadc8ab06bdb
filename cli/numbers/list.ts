import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { ListBody } from '../../server/numbers/list/schemas.ts';
import { call, pathOf } from '../http/client.ts';
import { passOn } from '../http/pass-on.ts';
import { readCount } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { type Cell, growingTable, note, write } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { filtered, type Query, queryOf } from './filters.ts';
import type { PhoneNumber } from './number.ts';

type Page = Static<typeof ListBody>;

const path = pathOf('sms', 'phone-numbers');
// The server's limit is 10,000; with fewer the first rows are there sooner.
const perPage = 5000;

export function defineList(numbers: Command): void {
  filtered(
    command(numbers, 'list', "List an organization's numbers, or those of them that fit.", [
      'numbers list --organization org_abc123',
      'numbers list --organization org_abc123 --available --area-code 415 --limit 10',
      'numbers list --organization org_abc123 --assigned-to john@company.com --full',
      'numbers list --organization org_abc123 --as-of 2024-03-01 --json',
    ]),
  )
    .option('--full', 'show more of each number; with --json, all')
    .option('--limit <count>', 'at most so many (default: all of them)', readCount)
    .option('--total', 'also say how many fit, whatever the limit')
    .action(async options => {
      const { json, limit } = options;
      const query = { ...queryOf(options), total: options.total };
      if (!json) await printTable(query, limit);
      else if (limit === undefined) {
        // The server's own document, of one moment, as it comes.
        await passOn(path, { query });
        await write('\n');
      } else await printDocument(query, limit);
    });
}

/** Page after page: a list of any length is never held as a whole. */
async function* pages(query: Query, limit = Number.POSITIVE_INFINITY): AsyncGenerator<Page> {
  let cursor: string | undefined;
  for (let rest = limit; rest > 0; ) {
    // The first page has told the total.
    const total = cursor === undefined ? query.total : undefined;
    const answer = await call<Page>('GET', path, {
      query: { ...query, total, limit: Math.min(rest, perPage), cursor },
    });
    yield answer.body;
    rest -= answer.body.count;
    cursor = answer.body.next_cursor ?? undefined;
    if (!cursor) return;
  }
}

type Listed = Page['phone_numbers'][number];

const holder = ({ assigned_to }: Listed) => assigned_to && `${assigned_to.name} <${assigned_to.email}>`;

const columns: Record<string, (number: Listed) => Cell> = {
  NUMBER: n => n.phone_number,
  AVAILABLE: n => n.is_available,
  'ASSIGNED TO': holder,
  SINCE: n => n.assigned_at,
  NICKNAME: n => n.nickname,
};

const fullColumns: Record<string, (number: PhoneNumber) => Cell> = {
  NUMBER: n => n.phone_number,
  STATUS: n => n.status,
  UNTIL: n => n.until,
  'ASSIGNED TO': holder,
  SINCE: n => n.assigned_at,
  'AREA CODE': n => n.area_code,
  TAGS: n => n.tags.join(', '),
  LOCKED: n => n.locked,
  CREATED: n => n.created_at,
  NICKNAME: n => n.nickname,
};

async function printTable(query: Query, limit: number | undefined): Promise<void> {
  const shown = (query.view === 'full' ? fullColumns : columns) as typeof columns;
  const rows = growingTable(Object.keys(shown));
  let count = 0;
  let more = false;
  let total: number | undefined;
  for await (const page of pages(query, limit)) {
    await write(rows(page.phone_numbers.map(number => Object.values(shown).map(cell => cell(number)))));
    count += page.count;
    more = page.has_more === true;
    total ??= page.total;
  }
  const rest = total === undefined ? 'and there are more' : `of ${total.toLocaleString('en-US')} that fit`;
  note(`${counted(count, 'number')}${more || total !== undefined ? `, ${rest}` : ''}`);
}

/** As many pages as it takes, written as the one that the server would send if its pages had no limit. */
async function printDocument(query: Query, limit: number): Promise<void> {
  let count = 0;
  let total: number | undefined;
  let last: Partial<Page> = {};
  await write('{"success":true,"phone_numbers":[');
  for await (const { phone_numbers, ...rest } of pages(query, limit)) {
    const items = phone_numbers.map(number => JSON.stringify(number)).join(',');
    await write(count > 0 && items ? `,${items}` : items);
    count += phone_numbers.length;
    total ??= rest.total;
    last = rest;
  }
  const { has_more, next_cursor, powered_by } = last as Page & { powered_by: string };
  await write(`],${JSON.stringify({ count, total, has_more, next_cursor, powered_by }).slice(1)}\n`);
}
