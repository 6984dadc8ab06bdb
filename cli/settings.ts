import type { Command } from 'commander';
import type { TenantEdit } from '../server/tenants/routes.ts';
import { durationHint, readCount, readDuration } from './arguments.ts';
import { change, repeatable } from './changing.ts';
import { call, pathOf } from './client.ts';
import { command, group } from './command.ts';
import { edited } from './organizations.ts';
import { fields, print } from './output.ts';
import { durationOf } from './text.ts';

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

  repeatable(settings, 'edit', 'Change the settings that are given, for all that happens from now on.', [
    'settings edit --cool-down 7d --transfer-cool-down 45d',
    'settings edit --release-undo 24h --low-stock 20',
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
    .action(async options => {
      const { name, coolDown, transferCoolDown, releaseUndo, lowStock } = options;
      const body = edited({
        name,
        cool_down_seconds: coolDown,
        transfer_cool_down_seconds: transferCoolDown,
        release_undo_seconds: releaseUndo,
        low_stock_threshold: lowStock === false ? null : lowStock,
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
  });

const inWords = (seconds: number) => (seconds === 0 ? 'none' : durationOf(seconds));
