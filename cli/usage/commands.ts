import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { UsageBody } from '../../server/charges/schemas.ts';
import { call, pathOf } from '../http/client.ts';
import { passOn } from '../http/pass-on.ts';
import { command } from '../terminal/command.ts';
import { type Cell, growingTable, note, table, write } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';

type Page = Static<typeof UsageBody>;
type Query = { organization_id?: string; from?: string; to?: string };

const path = pathOf('usage');
// The server's limit is 10,000; with fewer the first rows are there sooner.
const perPage = 5000;

export function usageCommand(program: Command): void {
  command(program, 'usage', 'Show what was charged in a period, and what it adds up to.', [
    'usage --organization org_abc123',
    'usage --from 2024-01-01 --to 2024-02-01 --csv > january.csv',
  ])
    .addHelpText(
      'after',
      `
A moment is a day, which is its beginning in UTC, or a time in ISO 8601. A charge counts when
it is made. Amounts are US dollars.`,
    )
    .option('--organization <id>', 'whose charges (default: of every organization)')
    .option('--from <moment>', 'charged then or later (default: the beginning of this month)')
    .option('--to <moment>', 'charged before this (default: the end of this month)')
    .addOption(new Option('--csv', 'print CSV, for spreadsheets').conflicts('json'))
    .action(async ({ organization, from, to, csv, json }) => {
      const query = { organization_id: organization, from, to };
      if (csv) await passOn(path, { query: { ...query, format: 'csv' }, headers: { accept: 'text/csv' } });
      else if (json) await printDocument(query);
      else await printTables(query);
    });
}

/** Page after page: a period of any length is never held as a whole. */
async function* pages(query: Query): AsyncGenerator<Page> {
  let asked: Query & { cursor?: string } = query;
  for (;;) {
    const { body } = await call<Page>('GET', path, { query: { ...asked, limit: perPage } });
    yield body;
    if (body.next_cursor === null) return;
    // All of one period, even if a month ends meanwhile.
    asked = { ...query, from: query.from ?? body.from, to: query.to ?? body.to, cursor: body.next_cursor };
  }
}

type Charged = Page['charges'][number];

const columns: Record<string, (charge: Charged) => Cell> = {
  AT: c => c.at,
  TYPE: c => c.type,
  NUMBER: c => c.phone_number,
  ORGANIZATION: c => c.organization_id,
  AMOUNT: c => dollars(c.amount),
  FROM: c => c.period_start,
  UNTIL: c => c.period_end,
};

const dollars = (amount: number) => amount.toFixed(4);

async function printTables(query: Query): Promise<void> {
  const rows = growingTable(Object.keys(columns));
  let last: Page | undefined;
  for await (const page of pages(query)) {
    await write(rows(page.charges.map(charge => Object.values(columns).map(cell => cell(charge)))));
    last = page;
  }
  const { from, to, totals } = last!;
  const sums = [
    ...totals.by_type.map(({ type, ...sum }) => ({ of: type, ...sum })),
    ...totals.by_organization.map(({ organization_id, ...sum }) => ({ of: organization_id, ...sum })),
  ].map(({ of, count, amount }) => [of, count, dollars(amount)]);
  if (sums.length > 0) await write(`\n${table(['TOTAL', 'CHARGES', 'AMOUNT'], sums)}`);
  note(
    `${counted(totals.count, 'charge')}, ${dollars(totals.amount)} ${totals.currency}, from ${from} to ${to}`,
  );
}

/** As many pages as it takes, written as the one that the server would send if its pages had no limit. */
async function printDocument(query: Query): Promise<void> {
  let count = 0;
  let last: Page | undefined;
  for await (const page of pages(query)) {
    const { charges, from, to } = page;
    if (!last) await write(`${JSON.stringify({ success: true, from, to }).slice(0, -1)},"charges":[`);
    const items = charges.map(charge => JSON.stringify(charge)).join(',');
    await write(count > 0 && items ? `,${items}` : items);
    count += charges.length;
    last = page;
  }
  const { has_more, next_cursor, totals, powered_by } = last as Page & { powered_by: string };
  await write(`],${JSON.stringify({ count, has_more, next_cursor, totals, powered_by }).slice(1)}\n`);
}
