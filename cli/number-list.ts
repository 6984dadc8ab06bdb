import { type Command, Option } from 'commander';
import type { Static } from 'typebox';
import type { NumberStatus } from '../server/db/tables.ts';
import type { ListOptions } from '../server/numbers/list-statement.ts';
import type { ListBody } from '../server/numbers/schemas.ts';
import { readCount, readMoment } from './arguments.ts';
import { call, pathOf } from './client.ts';
import { command } from './command.ts';
import type { PhoneNumber } from './one-number.ts';
import { type Cell, growingTable, note, write } from './output.ts';
import { passOn } from './passing.ts';
import { counted } from './text.ts';

type Page = Static<typeof ListBody>;
type Query = { [name in keyof ListOptions]?: string | number | boolean | undefined };

const path = pathOf('sms', 'phone-numbers');
// The server's limit is 10,000; with fewer the first rows are there sooner.
const perPage = 5000;
const statuses: NumberStatus[] = [
  'pending',
  'available',
  'reserved',
  'assigned',
  'cooling_down',
  'releasing',
  'released',
];
const sorts: ListOptions['sort'][] = ['phone_number', '-phone_number', 'created_at', '-created_at'];

export function defineList(numbers: Command): void {
  command(numbers, 'list', "List an organization's numbers, or those of them that fit.", [
    'numbers list --organization org_abc123',
    'numbers list --organization org_abc123 --available --area-code 415 --limit 10',
    'numbers list --organization org_abc123 --assigned-to john@company.com --full',
    'numbers list --organization org_abc123 --as-of 2024-03-01 --json',
  ])
    .addHelpText(
      'after',
      `
What is given must all be true of a number. A moment is a day, which is its beginning in UTC,
or a time in ISO 8601.`,
    )
    .requiredOption('--organization <id>', 'whose numbers')
    .option('--available', 'only those that are free to be handed out')
    .addOption(new Option('--status <status>', 'where it is in its life').choices(statuses))
    .option('--area-code <code>', 'its North American area code')
    .option('--starts-with <digits>', 'its first digits, country code included')
    .option('--contains <digits>', 'digits anywhere in it')
    .option('--ends-with <digits>', 'its last digits')
    .option('--tag <tag>', 'a tag that it has')
    .option('--assigned-to <user>', 'the id or e-mail address of the user who has it')
    .option('--nickname <text>', 'a part of its nickname, in any case')
    .option('--created-after <moment>', 'created after this', readMoment)
    .option('--created-before <moment>', 'created before this', readMoment)
    .option('--unassigned-since <moment>', 'available since this or longer', readMoment)
    .option('--as-of <then>', 'the list as it was at a revision or at a moment', readMoment)
    .addOption(
      new Option('--sort <order>', 'the order; - turns it round (default: phone_number)').choices(sorts),
    )
    .option('--full', 'show more of each number; with --json, all')
    .option('--limit <count>', 'at most so many (default: all of them)', readCount)
    .option('--total', 'also say how many fit, whatever the limit')
    .action(async options => {
      const { json, limit } = options;
      const query = queryOf(options);
      if (!json) await printTable(query, limit);
      else if (limit === undefined) {
        // The server's own document, of one moment, as it comes.
        await passOn(path, { query });
        await write('\n');
      } else await printDocument(query, limit);
    });
}

const queryOf = (options: Record<string, string> & { available?: boolean; total?: boolean }): Query => ({
  organization_id: options.organization,
  include_assigned: !options.available,
  status: options.status,
  area_code: options.areaCode,
  starts_with: options.startsWith,
  contains: options.contains,
  ends_with: options.endsWith,
  tag: options.tag,
  assigned_to: options.assignedTo,
  nickname: options.nickname,
  created_after: options.createdAfter,
  created_before: options.createdBefore,
  unassigned_since: options.unassignedSince,
  as_of: options.asOf,
  sort: options.sort,
  view: options.full && 'full',
  total: options.total,
});

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
