import type { Command } from 'commander';
import type { Summary } from '../../server/numbers/list/summary.ts';
import { call, pathOf } from '../http/client.ts';
import { command } from '../terminal/command.ts';
import { fields, print, table } from '../terminal/output.ts';

export function defineSummary(numbers: Command): void {
  command(numbers, 'summary', "Count an organization's numbers: by status, by area code, by user.", [
    'numbers summary --organization org_abc123',
  ])
    .requiredOption('--organization <id>', 'whose numbers')
    .action(async options => {
      const query = { organization_id: options.organization };
      await print(
        options,
        await call<Summary>('GET', pathOf('sms', 'phone-numbers', 'summary'), { query }),
        whole,
      );
    });
}

function whole({ total, stock, by_status, by_area_code, by_user }: Summary): string {
  const pieces = [
    fields({
      Numbers: total,
      Available: stock.available,
      'Low stock below': stock.threshold,
      'Stock is low': stock.low,
    }),
    table(
      ['STATUS', 'NUMBERS'],
      by_status.map(row => [row.status, row.count]),
    ),
    table(
      ['AREA CODE', 'NUMBERS', 'AVAILABLE'],
      by_area_code.map(row => [row.area_code, row.count, row.available]),
    ),
    table(
      ['NUMBERS', 'USER', 'ID'],
      by_user.map(row => [row.count, `${row.name} <${row.email}>`, row.user_id]),
    ),
  ];
  return pieces.filter(piece => piece !== '').join('\n');
}
