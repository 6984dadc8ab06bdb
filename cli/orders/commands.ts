import { type Command, InvalidArgumentError } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { BulkPurchased, OrdersBody } from '../../server/orders/schemas.ts';
import { change, organizationChangeCommand } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { readCount } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { type Columns, fields, print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { type OrderBody, orderFields, priceFields } from './order.ts';
import { countryOf, digitsOf, withDigits } from './wishes.ts';

type OrderPage = Static<typeof OrdersBody>;
type PlacedBody = Static<typeof BulkPurchased>;

const ordersPath = (...segments: string[]) => pathOf('sms', 'orders', ...segments);
const exampleId = '0199f3a0-6f3a-7c11-8a0e-2f5a9d7e4b60';

export function orderCommands(program: Command): void {
  const orders = group(program, 'orders', 'Order many numbers, and follow the orders.', [
    'orders place --organization org_abc123 --item 415,628:20 --item 212:5',
    'orders list --organization org_abc123',
  ]);
  definePlace(orders);
  defineList(orders);

  command(orders, 'show', 'Show an order.', [`orders show ${exampleId}`])
    .argument('<order>', 'the id of the order')
    .action(async (order, options) => {
      await print(options, await call<OrderBody>('GET', ordersPath(order)), orderFields);
    });

  organizationChangeCommand(orders, 'cancel', 'Cancel an order, while nothing is bought for it.', [
    `orders cancel ${exampleId}`,
  ])
    .argument('<order>', 'the id of the order')
    .action(async (order, options) => {
      const path = ordersPath(order, 'cancel');
      await print(options, await change<OrderBody>(options, 'POST', path), orderFields);
    });
}

function definePlace(orders: Command): void {
  withDigits(
    organizationChangeCommand(orders, 'place', 'Order many numbers: all of them, or none.', [
      'orders place --organization org_abc123 --item 415,628:20 --item 212:5',
      'orders place --organization org_abc123 --item any:3 --toll-free --ends-with 00',
    ]).requiredOption('--organization <id>', 'the organization that buys'),
  )
    .addHelpText('after', '\nDigits, --toll-free and --country hold for every item.')
    .requiredOption(
      '--item <area-codes:count>',
      'so many numbers of this area code, of the first of several with commas that has one, or of any; may be given several times',
      readItem,
    )
    .option('--dry-run', 'only show the price')
    .action(async options => {
      const { organization: organization_id, dryRun: dry_run } = options;
      const items = options.item.map((item: Item) => ({ ...item, ...digitsOf(options) }));
      const body = { organization_id, items, ...countryOf(options), dry_run };
      await print(
        options,
        await change<PlacedBody>(options, 'POST', ordersPath(), { body }),
        ({ bulk_id, count, price }) =>
          fields({ Numbers: count, ...(price ? priceFields(price) : { Bulk: bulk_id ?? null }) }),
        ({ bulk_id }) => (bulk_id ? `Follow them with linekeeper orders list --bulk ${bulk_id}` : undefined),
      );
    });
}

type Item = { area_code?: string[]; quantity: number };

function readItem(text: string, before: Item[] = []): Item[] {
  const [, codes, quantity] = /^(\d{3}(?:,\d{3})*|any):(\d{1,4})$/.exec(text) ?? [];
  if (!codes)
    throw new InvalidArgumentError(
      'It must be area codes and a count, such as 415:20 or 415,628:20, or any:20 for any area code.',
    );
  return [...before, { ...(codes !== 'any' && { area_code: codes.split(',') }), quantity: Number(quantity) }];
}

function defineList(orders: Command): void {
  command(orders, 'list', 'List orders, the newest first.', [
    'orders list --organization org_abc123 --status settling',
    `orders list --bulk ${exampleId}`,
  ])
    .option('--organization <id>', 'the organization that buys')
    .option('--bulk <id>', 'the orders of one `orders place`')
    .option('--status <status>', 'placed, buying, settling, bought, failed or cancelled')
    .option('--limit <count>', 'at most so many', readCount)
    .option('--cursor <id>', 'the next page, by the cursor that the page before named')
    .action(async options => {
      const { organization: organization_id, bulk: bulk_id, status, limit, cursor } = options;
      const query = { organization_id, bulk_id, status, cursor, limit };
      await print(
        options,
        await call<OrderPage>('GET', ordersPath(), { query }),
        page => table(columns, page.orders),
        noteOf,
      );
    });
}

const columns: Columns<OrderPage['orders'][number]> = {
  ORDER: o => o.id,
  STATUS: o => o.status,
  NUMBER: o => o.phone_number,
  'AREA CODE': o => o.area_codes.join(','),
  PLACED: o => o.created_at,
  ERROR: o => o.error,
};

function noteOf({ counts, next_cursor }: OrderPage): string | undefined {
  const notes = [
    counts && byStatus(counts as Record<string, number>),
    next_cursor && `There are more: --cursor ${next_cursor}`,
  ];
  return notes.filter(Boolean).join('\n') || undefined;
}

/** `3 orders bought, 1 order failed`. */
const byStatus = (counts: Record<string, number>) =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${counted(count, 'order')} ${status}`)
    .join(', ');
