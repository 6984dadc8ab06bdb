import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { LimitsReply } from '../../server/limits/schemas.ts';
import { call, pathOf } from '../http/client.ts';
import { command, group } from '../terminal/command.ts';
import { type Columns, print, table } from '../terminal/output.ts';

type Limits = Static<typeof LimitsReply>;

export function limitCommands(program: Command): void {
  const limits = group(program, 'limits', 'Show the limits that your calls count towards.', ['limits show']);
  command(limits, 'show', 'Show the limits of the tenant and of the key, and how much of each is used.', [
    'limits show',
  ])
    .addHelpText(
      'after',
      '\nThe operator sets those of the tenant with `tenants limit`, an admin key those of a key with `keys limit`.',
    )
    .action(async options => {
      await print(options, await call<Limits>('GET', pathOf('limits')), body => table(columns, body.limits));
    });
}

const columns: Columns<Limits['limits'][number]> = {
  OF: limit => limit.of,
  LIMIT: limit => limit.limit,
  MAX: limit => limit.max ?? 'none',
  USED: limit => limit.used,
  RENEWS: limit => limit.renews_at,
};
