import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { ListBody } from '../../server/numbers/list/schemas.ts';
import { pagesOf, writeDocument, writeTable } from '../http/pages.ts';
import { passThrough } from '../http/pass-through.ts';
import { readCount } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { type Columns, note, write } from '../terminal/output.ts';
import { counted, personOf, withCommas } from '../terminal/text.ts';
import { fieldColumns } from './fields.ts';
import { queryOf, withFilters } from './filters.ts';
import { numbersPath, type PhoneNumber } from './number.ts';

type NumberPage = Static<typeof ListBody>;
type ListedNumber = NumberPage['phone_numbers'][number];

// The server's limit is 10,000. With fewer the first rows appear sooner.
const perPage = 5000;

export function defineList(numbers: Command): void {
  withFilters(
    command(numbers, 'list', "List an organization's numbers, all or those that match filters.", [
      'numbers list --organization org_abc123',
      'numbers list --organization org_abc123 --available --area-code 415 --limit 10',
      'numbers list --organization org_abc123 --assigned-to john@company.com --full',
      'numbers list --organization org_abc123 --as-of 2024-03-01 --json',
    ]),
  )
    .option('--full', 'more columns; with --json, every field')
    .option('--limit <count>', 'at most so many numbers (default: all)', readCount)
    .option('--total', 'also count all numbers that match')
    .action(async options => {
      const query = { ...queryOf(options), total: options.total };
      const limit: number | undefined = options.limit;
      if (options.json && limit === undefined) {
        // One document of one moment, byte for byte as the server sends it.
        await passThrough(numbersPath(), { query });
        return write('\n');
      }
      const pages = pagesOf<NumberPage>(numbersPath(), {
        limit,
        perPage,
        query: first => (first ? { ...query, total: undefined } : query),
      });
      if (options.json) return writeDocument('phone_numbers', pages);
      const shown = options.full ? (fullColumns as Columns<ListedNumber>) : columns;
      const { count, first, last } = await writeTable('phone_numbers', shown, pages);
      note(`${counted(count, 'number')}${remainder(first?.total, last?.has_more)}`);
    });
}

function remainder(total: number | undefined, hasMore: boolean | undefined): string {
  if (total !== undefined) return `, of ${withCommas(total)} that match`;
  return hasMore ? ', and there are more' : '';
}

const holder = ({ assigned_to }: ListedNumber) => assigned_to && personOf(assigned_to);

const columns: Columns<ListedNumber> = {
  NUMBER: n => n.phone_number,
  AVAILABLE: n => n.is_available,
  'ASSIGNED TO': holder,
  SINCE: n => n.assigned_at,
  NICKNAME: n => n.nickname,
};

const fullColumns: Columns<PhoneNumber> = {
  NUMBER: n => n.phone_number,
  STATUS: n => n.status,
  UNTIL: n => n.until,
  'ASSIGNED TO': holder,
  SINCE: n => n.assigned_at,
  'AREA CODE': n => n.area_code,
  CREATED: n => n.created_at,
  ...fieldColumns(),
};
