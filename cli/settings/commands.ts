import { type Command, Option } from 'commander';
import type { TenantEdit } from '../../server/tenants/schemas.ts';
import { change, changeCommand } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import {
  durationHint,
  orNull,
  readCount,
  readDollars,
  readDuration,
  requireChange,
} from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { fields, print } from '../terminal/output.ts';
import { durationOf, inDollars } from '../terminal/text.ts';

type SettingsBody = { tenant: { id: string } & Required<TenantEdit> };

const path = pathOf('tenant');

export function settingsCommands(program: Command): void {
  const settings = group(program, 'settings', 'Show and change the settings for all your organizations.', [
    'settings show',
    'settings edit --cool-down 7d',
  ]);

  command(settings, 'show', 'Show the settings.', ['settings show']).action(async options => {
    await print(options, await call<SettingsBody>('GET', path), settingsFields);
  });

  changeCommand(settings, 'edit', 'Change the given settings. They apply to what happens from now on.', [
    'settings edit --cool-down 7d --transfer-cool-down 45d',
    'settings edit --release-undo 24h --low-stock 20',
    'settings edit --purchases on --max-per-organization 10 --purchase-fee 1 --weekly-price 0.5',
    'settings edit --weekly-fee-for all',
  ])
    .addHelpText('after', `\nA duration is written ${durationHint}; 0s means none.`)
    .option('--name <name>', 'the name of the tenant')
    .option('--time-zone <name>', 'the time zone of days and months, such as America/New_York')
    .option('--cool-down <duration>', 'how long a number cools down after it is unassigned', readDuration)
    .option(
      '--transfer-cool-down <duration>',
      'how long a number cools down after it moves to another organization',
      readDuration,
    )
    .option('--release-undo <duration>', 'how long a release can be taken back', readDuration)
    .option('--low-stock <count>', 'with fewer available numbers than this, a stock is low', readCount)
    .option('--no-low-stock', 'no stock is ever low')
    .addOption(
      new Option('--purchases <on|off>', 'whether organizations may buy numbers').choices(['on', 'off']),
    )
    .option(
      '--max-per-organization <count>',
      'an organization with so many numbers can buy no more',
      readCount,
    )
    .option('--purchase-fee <dollars>', 'the price of buying a number', readDollars)
    .option('--weekly-price <dollars>', 'the price of each number in a week', readDollars)
    .addOption(
      new Option(
        '--weekly-fee-for <numbers>',
        'the numbers with that price: those bought or of a carrier account, or those added and imported too',
      ).choices(['carrier', 'all']),
    )
    .option(
      '--spending-cap <dollars>',
      'the most that an organization without a cap of its own is charged in a month',
      readDollars,
    )
    .option('--no-spending-cap', 'no cap')
    .option('--carrier-account <id>', 'the account that buys, from `carriers list`')
    .option('--no-carrier-account', 'no account buys')
    .action(async options => {
      const body = requireChange({
        name: options.name,
        time_zone: options.timeZone,
        cool_down_seconds: options.coolDown,
        transfer_cool_down_seconds: options.transferCoolDown,
        release_undo_seconds: options.releaseUndo,
        low_stock_threshold: orNull(options.lowStock),
        purchases_enabled: options.purchases && options.purchases === 'on',
        max_numbers_per_organization: options.maxPerOrganization,
        purchase_fee: options.purchaseFee,
        weekly_price: options.weeklyPrice,
        weekly_fee_for: options.weeklyFeeFor as TenantEdit['weekly_fee_for'],
        monthly_spending_cap: orNull(options.spendingCap),
        carrier_account_id: orNull(options.carrierAccount),
      });
      await print(options, await change<SettingsBody>(options, 'PATCH', path, { body }), settingsFields);
    });
}

const settingsFields = ({ tenant }: SettingsBody) =>
  fields({
    ID: tenant.id,
    Name: tenant.name,
    'Time zone': tenant.time_zone,
    'Cool-down': durationOrNone(tenant.cool_down_seconds),
    'Cool-down after a transfer': durationOrNone(tenant.transfer_cool_down_seconds),
    'Release can be undone for': durationOrNone(tenant.release_undo_seconds),
    'Low stock below': tenant.low_stock_threshold ?? 'none',
    'Numbers can be bought': tenant.purchases_enabled,
    'Numbers per organization': tenant.max_numbers_per_organization,
    'Purchase fee': inDollars(tenant.purchase_fee),
    'Weekly price': inDollars(tenant.weekly_price),
    'Weekly price for': tenant.weekly_fee_for === 'all' ? 'all numbers' : 'numbers of carriers',
    'Monthly spending cap': inDollars(tenant.monthly_spending_cap),
    'Buying account': tenant.carrier_account_id ?? 'none',
  });

const durationOrNone = (seconds: number) => (seconds === 0 ? 'none' : durationOf(seconds));
