import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { SearchBody } from '../../server/orders/schemas.ts';
import { change, organizationChangeCommand } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { editOf, withFields } from '../numbers/fields.ts';
import { readCount } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { type Columns, fields, print, table } from '../terminal/output.ts';
import { inDollars } from '../terminal/text.ts';
import { type OrderBody, orderFields, type PurchasedBody, priceFields } from './order.ts';
import { countryOf, digitsOf, withWishes } from './wishes.ts';

type FoundBody = Static<typeof SearchBody>;

/** `numbers search` and `numbers buy`. */
export function defineBuying(numbers: Command): void {
  defineSearch(numbers);
  defineBuy(numbers);
}

function defineSearch(numbers: Command): void {
  withWishes(
    command(numbers, 'search', 'Show numbers that can be bought, and their price.', [
      'numbers search --organization org_abc123 --area-code 415,628 --ends-with 00',
      "numbers search --organization org_abc123 --toll-free --contains '55*0'",
    ]).requiredOption('--organization <id>', 'the organization that would buy'),
  )
    .option('--limit <count>', 'at most so many', readCount)
    .action(async options => {
      const { organization: organization_id, areaCode, limit } = options;
      const query = {
        organization_id,
        area_code: areaCode?.join(','),
        ...digitsOf(options),
        ...countryOf(options),
        limit,
      };
      await print(
        options,
        await call<FoundBody>('GET', pathOf('sms', 'phone-numbers', 'search'), { query }),
        found => table(columns, found.numbers),
        found =>
          `Each costs ${inDollars(found.purchase_fee)} once and ${inDollars(found.weekly_price)} a week`,
      );
    });
}

const columns: Columns<FoundBody['numbers'][number]> = {
  NUMBER: n => n.phone_number,
  FORMATTED: n => n.pretty_phone_number,
  PLACE: n => n.locality,
  REGION: n => n.region,
};

function defineBuy(numbers: Command): void {
  withFields(
    withWishes(
      organizationChangeCommand(numbers, 'buy', 'Buy any number that fits, or a number that was found.', [
        'numbers buy --organization org_abc123 --area-code 415,628 --user user_xyz789',
        'numbers buy --organization org_abc123 --toll-free --ends-with 00',
        'numbers buy --organization org_abc123 --number +14155550123 --dry-run',
      ]).requiredOption('--organization <id>', 'the organization that buys'),
    )
      .option('--number <number>', 'this number and no other')
      .option('--user <id>', 'the user to assign it to')
      .option('--dry-run', 'only show the price'),
  ).action(async options => {
    const body = {
      organization_id: options.organization,
      area_code: options.areaCode,
      ...digitsOf(options),
      ...countryOf(options),
      phone_number: options.number,
      user_id: options.user,
      ...editOf(options),
      dry_run: options.dryRun,
    };
    const path = pathOf('sms', 'phone-numbers', 'purchase');
    await print(
      options,
      await change<PurchasedBody | OrderBody>(options, 'POST', path, { body }),
      bought => ('order' in bought ? orderFields(bought) : purchaseFields(bought)),
      bought =>
        'order' in bought
          ? `The carrier has not answered yet; see linekeeper orders show ${bought.order.id}`
          : undefined,
    );
  });
}

const purchaseFields = (bought: PurchasedBody) =>
  fields({
    [bought.stored ? 'Number' : 'Would buy']: bought.phone_number,
    Formatted: bought.pretty_phone_number,
    ...(bought.price
      ? priceFields(bought.price)
      : { ID: bought.phone_id, 'Assigned to': bought.assigned_to }),
  });
