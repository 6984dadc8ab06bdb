import { type Command, Option } from 'commander';
import type { TenantEdit } from '../../server/tenants/schemas.ts';
import { change, idempotent } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { edited } from '../organizations/commands.ts';
import { durationHint, readCount, readDollars, readDuration } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { fields, print } from '../terminal/output.ts';
import { durationOf, inDollars } from '../terminal/text.ts';

type One = { tenant: { id: string } & Required<TenantEdit> };

const path = pathOf('tenant');

export function settingsCommands(program: Command): void {
  const settings = group(program, 'settings', 'Show and change what holds for all of your organizations.', [
    'settings show',
    'settings edit --cool-down 7d',
  ]);

  command(settings, 'show', 'Show the settings.', ['settings show']).action(async options => {
    await print(options, await call<One>('GET', path), one);
  });

  idempotent(settings, 'edit', 'Change the settings that are given, for all that happens from now on.', [
    'settings edit --cool-down 7d --transfer-cool-down 45d',
    'settings edit --release-undo 24h --low-stock 20',
    'settings edit --purchases on --max-per-organization 10 --purchase-fee 1 --weekly-price 0.5',
  ])
    .addHelpText('after', `\nA duration is written ${durationHint}; 0s is none.`)
    .option('--name <name>', 'what the tenant is called')
    .option('--cool-down <duration>', 'how long a number rests after it is unassigned', readDuration)
    .option(
      '--transfer-cool-down <duration>',
      'how long a number rests after it has changed organizations',
      readDuration,
    )
    .option('--release-undo <duration>', 'for how long a release can be taken back', readDuration)
    .option('--low-stock <count>', 'fewer available numbers than this are a low stock', readCount)
    .option('--no-low-stock', 'no stock is low')
    .addOption(
      new Option('--purchases <on|off>', 'whether organizations may buy numbers').choices(['on', 'off']),
    )
    .option('--max-per-organization <count>', 'how many numbers each may have', readCount)
    .option('--purchase-fee <dollars>', 'what one is charged for a number that it buys', readDollars)
    .option('--weekly-price <dollars>', 'what one is charged a week for each of them', readDollars)
    .option(
      '--spending-cap <dollars>',
      'what one may be charged in a month, unless it has its own',
      readDollars,
    )
    .option('--no-spending-cap', 'no such limit')
    .option('--carrier-account <id>', 'the account that buys, from `carriers list`')
    .option('--no-carrier-account', 'none that buys')
    .action(async options => {
      const { name, coolDown, transferCoolDown, releaseUndo, lowStock } = options;
      const body = edited({
        name,
        cool_down_seconds: coolDown,
        transfer_cool_down_seconds: transferCoolDown,
        release_undo_seconds: releaseUndo,
        low_stock_threshold: lowStock === false ? null : lowStock,
        purchases_enabled: options.purchases && options.purchases === 'on',
        max_numbers_per_organization: options.maxPerOrganization,
        purchase_fee: options.purchaseFee,
        weekly_price: options.weeklyPrice,
        monthly_spending_cap: options.spendingCap === false ? null : options.spendingCap,
        carrier_account_id: options.carrierAccount === false ? null : options.carrierAccount,
      });
      await print(options, await change<One>(options, 'PATCH', path, { body }), one);
    });
}

const one = ({ tenant }: One) =>
  fields({
    ID: tenant.id,
    Name: tenant.name,
    'Rest after unassigning': inWords(tenant.cool_down_seconds),
    'Rest after a transfer': inWords(tenant.transfer_cool_down_seconds),
    'Release can be undone for': inWords(tenant.release_undo_seconds),
    'Low stock below': tenant.low_stock_threshold ?? 'none',
    'Numbers can be bought': tenant.purchases_enabled,
    'Numbers per organization': tenant.max_numbers_per_organization,
    'Purchase fee': inDollars(tenant.purchase_fee),
    'Weekly price': inDollars(tenant.weekly_price),
    'Monthly spending cap': inDollars(tenant.monthly_spending_cap),
    'Buying account': tenant.carrier_account_id ?? 'none',
  });

const inWords = (seconds: number) => (seconds === 0 ? 'none' : durationOf(seconds));
