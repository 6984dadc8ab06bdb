import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Released } from '../../server/numbers/life/schemas.ts';
import { change, organizationChangeCommand } from '../http/change.ts';
import { fields, print } from '../terminal/output.ts';
import { defaultCountry, type NumberBody, numberFields, numbersPath, withNumber } from './number.ts';
import { defineReserve } from './reservations.ts';

type ReleasedBody = Static<typeof Released>;

/** The commands that move a number through its life. */
export function defineLife(numbers: Command): void {
  defineReserve(numbers);
  defineStep(numbers, 'end-cool-down', 'Make a number that cools down available before its time.');
  defineTransfer(numbers);
  defineRelease(numbers);
  defineStep(numbers, 'restore', 'Take a release back, while the settings allow it.');
  defineStep(numbers, 'attach', 'Try again to attach a pending number to its campaign.');
}

/** A step that needs no more than the number. Its name is that of its route. */
function defineStep(numbers: Command, name: string, summary: string): void {
  withNumber(organizationChangeCommand(numbers, name, summary, [`numbers ${name} +14155551234`])).action(
    async (number, options) => {
      const request = { query: defaultCountry(options) };
      await print(
        options,
        await change<NumberBody>(options, 'POST', numbersPath(number, name), request),
        numberFields,
      );
    },
  );
}

function defineTransfer(numbers: Command): void {
  withNumber(
    organizationChangeCommand(
      numbers,
      'transfer',
      'Move a number to another organization, where it cools down first.',
      [
        'numbers transfer +14155551234 --to org_def456',
        'numbers transfer +14155551234 --to org_def456 --end-assignment',
      ],
    ),
  )
    .requiredOption('--to <id>', 'the organization that gets it')
    .option('--end-assignment', 'take it from its user')
    .action(async (number, options) => {
      const request = {
        query: defaultCountry(options),
        body: { to_organization_id: options.to, end_assignment: options.endAssignment },
      };
      const path = numbersPath(number, 'transfer');
      await print(options, await change<NumberBody>(options, 'POST', path, request), numberFields);
    });
}

function defineRelease(numbers: Command): void {
  withNumber(
    organizationChangeCommand(numbers, 'release', 'Give a number up. Its history stays.', [
      'numbers release +14155551234',
    ]),
  ).action(async (number, options) => {
    const request = { query: defaultCountry(options) };
    const answer = await change<ReleasedBody>(options, 'DELETE', numbersPath(number), request);
    await print(options, answer, released =>
      fields({
        Number: released.phone_number,
        [released.can_be_undone ? 'Can be restored until' : 'Released']: released.released_at,
        'Billing stopped': released.billing_stopped ? undefined : false,
        'Released before': released.already_released,
      }),
    );
  });
}
