import type { Command } from 'commander';
import type { Summary } from '../../server/numbers/list/summary.ts';
import { call } from '../http/client.ts';
import { command } from '../terminal/command.ts';
import { fields, print, sections, table } from '../terminal/output.ts';
import { personOf } from '../terminal/text.ts';
import { numbersPath } from './number.ts';

export function defineSummary(numbers: Command): void {
  command(numbers, 'summary', "Count an organization's numbers by status, area code and user.", [
    'numbers summary --organization org_abc123',
  ])
    .requiredOption('--organization <id>', 'the organization of the numbers')
    .action(async options => {
      const query = { organization_id: options.organization };
      await print(options, await call<Summary>('GET', numbersPath('summary'), { query }), inSections);
    });
}

const inSections = ({ total, stock, by_status, by_area_code, by_user }: Summary) =>
  sections(
    fields({
      Numbers: total,
      Available: stock.available,
      'Low stock below': stock.threshold,
      'Stock is low': stock.low,
    }),
    table({ STATUS: row => row.status, NUMBERS: row => row.count }, by_status),
    table(
      { 'AREA CODE': row => row.area_code, NUMBERS: row => row.count, AVAILABLE: row => row.available },
      by_area_code,
    ),
    table({ NUMBERS: row => row.count, USER: personOf, ID: row => row.user_id }, by_user),
  );
