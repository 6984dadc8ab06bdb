import { type Command, Option } from 'commander';
import type { ListOptions } from '../../server/numbers/list/statement.ts';
import type { NumberStatus } from '../../server/numbers/state.ts';
import { filtersOf, withFieldFilters } from './fields.ts';
import { defaultCountry } from './number.ts';

/* The options of `numbers list` and `numbers export`: which numbers, and in which order. */

export type ListQuery = { [name in keyof ListOptions]?: string | number | boolean | undefined };

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

export const withFilters = (made: Command): Command =>
  withFieldFilters(
    made
      .addHelpText(
        'after',
        `
A number must match all filters. A moment is a time in ISO 8601 or a day, which means its
first moment in the tenant's time zone.`,
      )
      .requiredOption('--organization <id>', 'the organization of the numbers')
      .option('--available', 'only available numbers')
      .addOption(new Option('--status <status>', 'its status').choices(statuses))
      .option('--area-code <code>', 'its North American area code')
      .option('--starts-with <digits>', 'its first digits, with the country code or in --default-country')
      .option('--contains <digits>', 'digits anywhere in it')
      .option('--ends-with <digits>', 'its last digits')
      .option('--default-country <country>', 'the country of digits without +')
      .option('--tag <tag>', 'one of its tags')
      .option('--assigned-to <user>', 'the id or e-mail address of its user')
      .option('--nickname <text>', 'a part of its nickname, in any case, with or without accents')
      .option('--created-after <moment>', 'created after this')
      .option('--created-before <moment>', 'created before this')
      .option('--unassigned-since <moment>', 'available since this moment or longer')
      .option('--as-of <then>', 'the list as it was at this revision or moment')
      .addOption(
        new Option('--sort <field>', 'the order; - reverses it (default: phone_number)').choices(sorts),
      ),
  );

export const queryOf = (
  options: Record<string, string> & { available?: boolean; full?: boolean },
): ListQuery => ({
  organization_id: options.organization,
  include_assigned: !options.available,
  status: options.status,
  area_code: options.areaCode,
  starts_with: options.startsWith,
  contains: options.contains,
  ends_with: options.endsWith,
  ...defaultCountry(options as { defaultCountry?: string }),
  tag: options.tag,
  assigned_to: options.assignedTo,
  nickname: options.nickname,
  ...filtersOf(options),
  created_after: options.createdAfter,
  created_before: options.createdBefore,
  unassigned_since: options.unassignedSince,
  as_of: options.asOf,
  sort: options.sort,
  ...(options.full && { view: 'full' }),
});
