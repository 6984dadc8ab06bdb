import { type Command, InvalidArgumentError } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type {
  BulkPurchased,
  OrderBody,
  OrdersBody,
  Purchased,
  SearchBody,
} from '../../server/orders/schemas.ts';
import { change, changing } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { readCount } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { fields, note, print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';

type Order = Static<typeof OrderBody>;
type Price = NonNullable<Static<typeof Purchased>['price']>;

const ordersPath = (...more: string[]) => pathOf('sms', 'orders', ...more);
const id = '0199f3a0-6f3a-7c11-8a0e-2f5a9d7e4b60';

/** `numbers search` and `numbers buy`. */
export function defineBuying(numbers: Command): void {
  command(numbers, 'search', 'Show numbers that can be bought, and what they cost.', [
    'numbers search --organization org_abc123 --area-code 415',
  ])
    .requiredOption('--organization <id>', 'who would buy')
    .option('--area-code <code>', 'of this area code')
    .option('--contains <digits>', 'with these digits in a row')
    .option('--limit <count>', 'how many at most', readCount)
    .action(async options => {
      const { organization: organization_id, areaCode: area_code, contains, limit } = options;
      const query = { organization_id, area_code, contains, limit: limit && String(limit) };
      const answer = await call<Static<typeof SearchBody>>('GET', pathOf('sms', 'phone-numbers', 'search'), {
        query,
      });
      await print(options, answer, found =>
        table(
          ['NUMBER', 'WRITTEN', 'PLACE', 'REGION'],
          found.numbers.map(n => [n.phone_number, n.pretty_phone_number, n.locality, n.region]),
        ),
      );
      const { purchase_fee, weekly_price } = answer.body;
      if (!options.json) note(`Each costs ${usd(purchase_fee)} once and ${usd(weekly_price)} a week`);
    });

  changing(numbers, 'buy', 'Buy a number of an area code, or one that was found.', [
    'numbers buy --organization org_abc123 --area-code 415 --user user_xyz789',
    'numbers buy --organization org_abc123 --number +14155550123 --dry-run',
  ])
    .requiredOption('--organization <id>', 'who buys')
    .option('--area-code <code>', 'any number of this area code')
    .option('--number <number>', 'this very number')
    .option('--user <id>', 'assign it to this user at once')
    .option('--nickname <text>', 'what it is called')
    .option('--dry-run', 'only say what it would come to')
    .action(async options => {
      const body = {
        organization_id: options.organization,
        area_code: options.areaCode,
        phone_number: options.number,
        user_id: options.user,
        nickname: options.nickname,
        dry_run: options.dryRun,
      };
      const path = pathOf('sms', 'phone-numbers', 'purchase');
      const answer = await change<Static<typeof Purchased> | { order: Order }>(options, 'POST', path, {
        body,
      });
      await print(options, answer, bought => ('order' in bought ? one(bought) : purchased(bought)));
      if (!options.json && 'order' in answer.body)
        note(`The carrier has not said yet: linekeeper orders show ${answer.body.order.id}`);
    });
}

export function orderCommands(program: Command): void {
  const orders = group(program, 'orders', 'Order many numbers, and follow what was ordered.', [
    'orders place --organization org_abc123 --item 415:20 --item 628:5',
    'orders list --organization org_abc123',
  ]);

  changing(orders, 'place', 'Order many numbers: all are ordered or none.', [
    'orders place --organization org_abc123 --item 415:20 --item 628:5',
  ])
    .requiredOption('--organization <id>', 'who buys')
    .requiredOption(
      '--item <area code:count>',
      'how many of which area code, more than once for several',
      readItem,
    )
    .option('--dry-run', 'only say what it would come to')
    .action(async options => {
      const { organization: organization_id, item: items, dryRun: dry_run } = options;
      const body = { organization_id, items, dry_run };
      const answer = await change<Static<typeof BulkPurchased>>(options, 'POST', ordersPath(), { body });
      await print(options, answer, ({ bulk_id, count, price }) =>
        fields(price ? { Numbers: count, ...priced(price) } : { Numbers: count, Bulk: bulk_id }),
      );
      if (!options.json && answer.body.bulk_id)
        note(`To follow them: linekeeper orders list --bulk ${answer.body.bulk_id}`);
    });

  command(orders, 'list', 'List orders, the newest first.', [
    'orders list --organization org_abc123 --status settling',
    `orders list --bulk ${id}`,
  ])
    .option('--organization <id>', 'whose orders')
    .option('--bulk <id>', 'those of one request for many')
    .option('--status <status>', 'placed, buying, settling, bought, failed or cancelled')
    .option('--limit <count>', 'how many at most', readCount)
    .option('--cursor <id>', 'go on after the page that named it')
    .action(async options => {
      const { organization: organization_id, bulk: bulk_id, status, limit, cursor } = options;
      const query = { organization_id, bulk_id, status, cursor, limit: limit && String(limit) };
      const answer = await call<Static<typeof OrdersBody>>('GET', ordersPath(), { query });
      await print(options, answer, many);
      if (options.json) return;
      const { counts, next_cursor } = answer.body;
      if (counts) note(inWords(counts as Record<string, number>));
      if (next_cursor) note(`There are more: --cursor ${next_cursor}`);
    });

  command(orders, 'show', 'Show an order.', [`orders show ${id}`])
    .argument('<order>', 'its id')
    .action(async (order, options) => {
      await print(options, await call<{ order: Order }>('GET', ordersPath(order)), one);
    });

  changing(orders, 'cancel', 'Take an order back while nothing is bought for it.', [`orders cancel ${id}`])
    .argument('<order>', 'its id')
    .action(async (order, options) => {
      await print(options, await change<{ order: Order }>(options, 'POST', ordersPath(order, 'cancel')), one);
    });
}

type Item = { area_code: string; quantity: number };

function readItem(text: string, before: Item[] = []): Item[] {
  const [, area_code, quantity] = /^(\d{3}):(\d{1,4})$/.exec(text) ?? [];
  if (!area_code) throw new InvalidArgumentError('It must be an area code and a count, such as 415:20.');
  return [...before, { area_code, quantity: Number(quantity) }];
}

const usd = (amount: number) => `${amount.toFixed(amount * 100 === Math.round(amount * 100) ? 2 : 4)} USD`;

const priced = (price: Price) => ({
  'Purchase fee': usd(price.purchase_fee),
  'Each week': usd(price.weekly_price),
  'Charged at once': usd(price.due_now),
  'Charged this month': usd(price.spent),
  'Monthly cap': price.spending_cap === null ? null : usd(price.spending_cap),
  'Numbers so far': `${price.numbers} of ${price.max_per_org}`,
});

const purchased = (bought: Static<typeof Purchased>) =>
  fields({
    [bought.stored ? 'Number' : 'Would buy']: bought.phone_number,
    Written: bought.pretty_phone_number,
    ...(bought.price ? priced(bought.price) : { ID: bought.phone_id, 'Assigned to': bought.assigned_to }),
  });

const one = ({ order }: { order: Order }) =>
  fields({
    Order: order.id,
    Status: order.status,
    Number: order.phone_number,
    'Area code': order.area_code,
    'Asked for': order.wanted_number,
    Organization: order.organization_id,
    User: order.user_id,
    Nickname: order.nickname,
    'Numbers tried': order.candidates,
    ...(order.error ? { Error: order.error } : order.problem && { 'Waits for': order.problem }),
    Placed: order.created_at,
    Finished: order.finished_at,
  });

const many = ({ orders }: Static<typeof OrdersBody>) =>
  table(
    ['ORDER', 'STATUS', 'NUMBER', 'AREA CODE', 'PLACED', 'ERROR'],
    orders.map(o => [o.id, o.status, o.phone_number, o.area_code, o.created_at, o.error]),
  );

const inWords = (counts: Record<string, number>) =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${counted(count, 'order')} ${status}`)
    .join(', ');
