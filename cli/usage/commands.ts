import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { UsageBody } from '../../server/charges/schemas.ts';
import { pathOf } from '../http/client.ts';
import { excelHelp, withMark } from '../http/excel.ts';
import { pagesOf, writeDocument, writeTable } from '../http/pages.ts';
import { passThrough } from '../http/pass-through.ts';
import { command } from '../terminal/command.ts';
import { type Columns, note, table, write } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';

type UsagePage = Static<typeof UsageBody>;

const path = pathOf('usage');
// The server's limit is 10,000. With fewer the first rows appear sooner.
const perPage = 5000;

export function usageCommand(program: Command): void {
  command(program, 'usage', 'Show the charges of a period, and their sums.', [
    'usage --organization org_abc123',
    'usage --from 2024-01-01 --to 2024-02-01 --csv > january.csv',
  ])
    .addHelpText(
      'after',
      `
A moment is a time in ISO 8601 or a day, which means its first moment in the tenant's time zone.
A charge counts at the moment when it is made. Amounts are in US dollars.`,
    )
    .option('--organization <id>', 'the organization that is charged (default: all organizations)')
    .option('--from <moment>', 'charges from this moment on (default: the beginning of this month)')
    .option('--to <moment>', 'charges before this moment (default: the end of this month)')
    .addOption(new Option('--csv', 'print CSV, for spreadsheets').conflicts('json'))
    .addOption(new Option('--excel', `print CSV, and ${excelHelp}`).conflicts('json'))
    .action(async ({ organization: organization_id, from, to, csv, excel, json }) => {
      const query = { organization_id, from, to };
      if (csv || excel) {
        const request = { query: { ...query, format: 'csv' }, headers: { accept: 'text/csv' } };
        return passThrough(path, request, excel ? withMark(write) : write);
      }
      const pages = pagesOf<UsagePage>(path, {
        perPage,
        // The first page fixes the period: otherwise a month that ends meanwhile would change it.
        query: first => ({ ...query, from: from ?? first?.from, to: to ?? first?.to }),
      });
      if (json) return writeDocument('charges', pages);
      const { last } = await writeTable('charges', columns, pages);
      await writeTotals(last!);
    });
}

const columns: Columns<UsagePage['charges'][number]> = {
  AT: charge => charge.at,
  TYPE: charge => charge.type,
  NUMBER: charge => charge.phone_number,
  ORGANIZATION: charge => charge.organization_id,
  AMOUNT: charge => amountOf(charge),
  FROM: charge => charge.period_start,
  UNTIL: charge => charge.period_end,
};

type Sum = { count: number; amount: number };

async function writeTotals({ from, to, totals }: UsagePage): Promise<void> {
  const sums: (Sum & { of: string })[] = [
    ...totals.by_type.map(({ type, ...sum }) => ({ of: type, ...sum })),
    ...totals.by_organization.map(({ organization_id, ...sum }) => ({ of: organization_id, ...sum })),
  ];
  if (sums.length > 0)
    await write(`\n${table({ TOTAL: sum => sum.of, CHARGES: sum => sum.count, AMOUNT: amountOf }, sums)}`);
  const charges = counted(totals.count, 'charge');
  note(`${charges}, ${amountOf(totals)} ${totals.currency}, from ${from} to ${to}`);
}

const amountOf = ({ amount }: { amount: number }) => amount.toFixed(4);
