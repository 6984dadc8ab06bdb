import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { UnassignedBody as UnassignedSchema } from '../../server/numbers/life/schemas.ts';
import { change, organizationChangeCommand } from '../http/change.ts';
import { readWords } from '../terminal/arguments.ts';
import { fields, print } from '../terminal/output.ts';
import { type AssignedBody, assignmentFields, defaultCountry, numbersPath, withNumber } from './number.ts';

type UnassignedBody = Static<typeof UnassignedSchema>;

export function defineAssignments(numbers: Command): void {
  withNumber(
    organizationChangeCommand(
      numbers,
      'assign',
      'Assign an available number to a user of its organization.',
      ['numbers assign +14155551234 --user user_xyz789'],
    ),
  )
    .requiredOption('--user <id>', 'the id or e-mail address of the user')
    .action(async (number, options) => {
      const request = { query: defaultCountry(options), body: { user_id: options.user } };
      const path = numbersPath(number, 'assign');
      await print(options, await change<AssignedBody>(options, 'POST', path, request), assignmentFields);
    });

  withNumber(
    organizationChangeCommand(
      numbers,
      'unassign',
      'Take a number from its user. It becomes available, or cools down first.',
      ['numbers unassign +14155551234'],
    ),
  ).action(async (number, options) => {
    const request = { query: defaultCountry(options) };
    const path = numbersPath(number, 'assign');
    await print(options, await change<UnassignedBody>(options, 'DELETE', path, request), unassignedFields);
  });

  organizationChangeCommand(
    numbers,
    'claim',
    'Assign any available number that fits to a user; the one that was free longest comes first.',
    [
      'numbers claim --organization org_abc123 --user user_xyz789 --area-code 415,628 --nearby',
      'numbers claim --organization org_abc123 --user user_xyz789 --starts-with +44 --tag mobile',
    ],
  )
    .requiredOption('--organization <id>', 'the organization of the number')
    .requiredOption('--user <id>', 'the id or e-mail address of the user')
    .option(
      '--area-code <codes>',
      'area codes in order of preference; with commas, or given several times',
      readWords,
    )
    .option('--nearby', 'if none of them has a number, one of the same state or province')
    .option('--starts-with <digits>', 'its first digits, with the country code or in --default-country')
    .option('--default-country <country>', 'the country of digits without +')
    .option('--tag <tags>', 'tags that it must have; with commas, or given several times', readWords)
    .option('--carrier <name>', 'its carrier')
    .action(async options => {
      const body = {
        organization_id: options.organization,
        user_id: options.user,
        area_code: options.areaCode,
        nearby: options.nearby,
        starts_with: options.startsWith,
        ...defaultCountry(options),
        tags: options.tag,
        carrier: options.carrier,
      };
      const answer = await change<AssignedBody>(options, 'POST', numbersPath('claim'), { body });
      await print(options, answer, assignmentFields);
    });
}

const unassignedFields = ({ phone_number, user_id, status, available_at }: UnassignedBody) =>
  fields({
    Number: phone_number,
    'Taken from': user_id,
    Status: status,
    Until: available_at ?? undefined,
  });
