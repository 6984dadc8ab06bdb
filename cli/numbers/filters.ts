import { type Command, Option } from 'commander';
import type { ListOptions } from '../../server/numbers/list/statement.ts';
import type { NumberStatus } from '../../server/numbers/state.ts';
import { readMoment } from '../terminal/arguments.ts';

/* Which of an organization's numbers, in which order: what the list and the export of it have in common. */

export type Query = { [name in keyof ListOptions]?: string | number | boolean | undefined };

const statuses: NumberStatus[] = [
  'pending',
  'available',
  'reserved',
  'assigned',
  'cooling_down',
  'releasing',
  'released',
];
const sorts: ListOptions['sort'][] = ['phone_number', '-phone_number', 'created_at', '-created_at'];

export const filtered = (made: Command) =>
  made
    .addHelpText(
      'after',
      `
What is given must all be true of a number. A moment is a day, which is its beginning in UTC,
or a time in ISO 8601.`,
    )
    .requiredOption('--organization <id>', 'whose numbers')
    .option('--available', 'only those that are free to be handed out')
    .addOption(new Option('--status <status>', 'where it is in its life').choices(statuses))
    .option('--area-code <code>', 'its North American area code')
    .option('--starts-with <digits>', 'its first digits, country code included')
    .option('--contains <digits>', 'digits anywhere in it')
    .option('--ends-with <digits>', 'its last digits')
    .option('--tag <tag>', 'a tag that it has')
    .option('--assigned-to <user>', 'the id or e-mail address of the user who has it')
    .option('--nickname <text>', 'a part of its nickname, in any case')
    .option('--created-after <moment>', 'created after this', readMoment)
    .option('--created-before <moment>', 'created before this', readMoment)
    .option('--unassigned-since <moment>', 'available since this or longer', readMoment)
    .option('--as-of <then>', 'the list as it was at a revision or at a moment', readMoment)
    .addOption(
      new Option('--sort <order>', 'the order; - turns it round (default: phone_number)').choices(sorts),
    );

export const queryOf = (
  options: Record<string, string> & { available?: boolean; full?: boolean },
): Query => ({
  organization_id: options.organization,
  include_assigned: !options.available,
  status: options.status,
  area_code: options.areaCode,
  starts_with: options.startsWith,
  contains: options.contains,
  ends_with: options.endsWith,
  tag: options.tag,
  assigned_to: options.assignedTo,
  nickname: options.nickname,
  created_after: options.createdAfter,
  created_before: options.createdBefore,
  unassigned_since: options.unassignedSince,
  as_of: options.asOf,
  sort: options.sort,
  ...(options.full && { view: 'full' }),
});
