import type { Command } from 'commander';
import type { Static } from '../schema/schema.ts';
import type { Released } from '../server/numbers/life/schemas.ts';
import { durationHint, readDuration, readWords } from './arguments.ts';
import { change, changing } from './changing.ts';
import { pathOf } from './client.ts';
import { type Assigned, assigned, country, type One, one, onNumber, pathTo } from './one-number.ts';
import { fields, print } from './output.ts';
import { type Reservation, reservation } from './reservations.ts';

/** The commands that move a number through its life. */
export function defineLife(numbers: Command): void {
  changing(numbers, 'claim', 'Give a user any available number that fits, the longest free first.', [
    'numbers claim --organization org_abc123 --user user_xyz789 --area-code 415,628 --nearby',
    'numbers claim --organization org_abc123 --user user_xyz789 --starts-with +44 --tag mobile',
  ])
    .requiredOption('--organization <id>', 'whose number')
    .requiredOption('--user <id>', "the user's id")
    .option(
      '--area-code <codes>',
      'area codes in order of preference, with commas or more than once',
      readWords,
    )
    .option('--nearby', 'failing these, the others of the same state or province, in ascending order')
    .option('--starts-with <digits>', 'its first digits, country code included')
    .option('--tag <tags>', 'tags that it must have, with commas or more than once', readWords)
    .option('--carrier <name>', 'which carrier it comes from')
    .action(async options => {
      const body = {
        organization_id: options.organization,
        user_id: options.user,
        area_code: options.areaCode,
        nearby: options.nearby,
        starts_with: options.startsWith?.replace(/[-(). ]/g, ''),
        tags: options.tag,
        carrier: options.carrier,
      };
      const path = pathOf('sms', 'phone-numbers', 'claim');
      await print(options, await change<Assigned>(options, 'POST', path, { body }), assigned);
    });

  onNumber(
    changing(numbers, 'reserve', 'Keep an available number for somebody, for a time.', [
      'numbers reserve +14155551234 --for 15m --note "checkout of cart 1093"',
    ]),
  )
    .requiredOption('--for <duration>', `for how long, ${durationHint}`, readDuration)
    .option('--note <text>', 'what it is for')
    .action(async (number, options) => {
      const request = {
        query: country(options),
        body: { expires_in: options.for, note: options.note },
      };
      await print(
        options,
        await change<Reservation>(options, 'POST', pathTo(number, 'reserve'), request),
        reservation,
      );
    });

  onNumber(
    changing(numbers, 'end-cool-down', 'Make a resting number available before its time.', [
      'numbers end-cool-down +14155551234',
    ]),
  ).action(async (number, options) => {
    const request = { query: country(options) };
    await print(options, await change<One>(options, 'POST', pathTo(number, 'end-cool-down'), request), one);
  });

  onNumber(
    changing(numbers, 'transfer', 'Move a number to another organization, where it rests first.', [
      'numbers transfer +14155551234 --to org_def456',
      'numbers transfer +14155551234 --to org_def456 --end-assignment',
    ]),
  )
    .requiredOption('--to <id>', 'which organization gets it')
    .option('--end-assignment', 'take it from the user who has it')
    .action(async (number, options) => {
      const request = {
        query: country(options),
        body: { to_organization_id: options.to, end_assignment: options.endAssignment },
      };
      await print(options, await change<One>(options, 'POST', pathTo(number, 'transfer'), request), one);
    });

  onNumber(
    changing(numbers, 'release', 'Give a number up; it stays in the records.', [
      'numbers release +14155551234',
    ]),
  ).action(async (number, options) => {
    const request = { query: country(options) };
    const answer = await change<Static<typeof Released>>(options, 'DELETE', pathTo(number), request);
    await print(options, answer, released =>
      fields({
        Number: released.phone_number,
        [released.can_be_undone ? 'Can be restored until' : 'Released']: released.released_at,
        ...(!released.billing_stopped && { 'Billing stopped': false }),
        'Released before': released.already_released,
      }),
    );
  });

  onNumber(
    changing(numbers, 'restore', 'Take a release back while that is possible.', [
      'numbers restore +14155551234',
    ]),
  ).action(async (number, options) => {
    const request = { query: country(options) };
    await print(options, await change<One>(options, 'POST', pathTo(number, 'restore'), request), one);
  });

  onNumber(
    changing(numbers, 'attach', 'Have the attachment of a pending number to its campaign tried again.', [
      'numbers attach +14155551234',
    ]),
  ).action(async (number, options) => {
    const request = { query: country(options) };
    await print(options, await change<One>(options, 'POST', pathTo(number, 'attach'), request), one);
  });
}
