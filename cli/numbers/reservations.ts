import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { CancelledBody, ReservationBody } from '../../server/numbers/life/schemas.ts';
import { change, organizationChangeCommand } from '../http/change.ts';
import { pathOf } from '../http/client.ts';
import { durationHint, readDuration } from '../terminal/arguments.ts';
import { group } from '../terminal/command.ts';
import { fields, print } from '../terminal/output.ts';
import { type AssignedBody, assignmentFields, defaultCountry, numbersPath, withNumber } from './number.ts';

type Reservation = Static<typeof ReservationBody>;
type Cancelled = Static<typeof CancelledBody>;

const exampleId = '0199f3a0-ad52-7f96-a05e-8b7c2d3e4f50';

/** `numbers reserve`. */
export function defineReserve(numbers: Command): void {
  withNumber(
    organizationChangeCommand(numbers, 'reserve', 'Hold an available number for a time.', [
      'numbers reserve +14155551234 --for 15m --note "checkout of cart 1093"',
    ]),
  )
    .requiredOption('--for <duration>', `how long, ${durationHint}`, readDuration)
    .option('--note <text>', 'what it is held for')
    .action(async (number, options) => {
      const body = { expires_in: options.for, note: options.note };
      const request = { query: defaultCountry(options), body };
      const path = numbersPath(number, 'reserve');
      await print(options, await change<Reservation>(options, 'POST', path, request), reservationFields);
    });
}

export function reservationCommands(program: Command): void {
  const reservations = group(program, 'reservations', 'Renew, use and cancel what `numbers reserve` began.', [
    `reservations renew ${exampleId} --for 15m`,
  ]);
  const define = (name: string, summary: string, examples: string[]) =>
    organizationChangeCommand(reservations, name, summary, examples).argument(
      '<id>',
      'the id of the reservation',
    );

  define('renew', 'Let a reservation end so long from now, earlier or later than before.', [
    `reservations renew ${exampleId} --for 15m`,
  ])
    .requiredOption('--for <duration>', `how long from now, ${durationHint}`, readDuration)
    .action(async (id, options) => {
      const body = { expires_in: options.for };
      const answer = await change<Reservation>(options, 'POST', reservationPath(id, 'renew'), { body });
      await print(options, answer, reservationFields);
    });

  define('assign', 'Assign a reserved number to a user of its organization.', [
    `reservations assign ${exampleId} --user user_xyz789`,
  ])
    .requiredOption('--user <id>', 'the id or e-mail address of the user')
    .action(async (id, options) => {
      const body = { user_id: options.user };
      const answer = await change<AssignedBody>(options, 'POST', reservationPath(id, 'assign'), { body });
      await print(options, answer, assignmentFields);
    });

  define('cancel', 'End a reservation. Its number is available at once.', [
    `reservations cancel ${exampleId}`,
  ]).action(async (id, options) => {
    const answer = await change<Cancelled>(options, 'DELETE', reservationPath(id));
    await print(options, answer, ({ phone_number }) => fields({ 'Available again': phone_number }));
  });
}

const reservationPath = (id: string, ...action: string[]) => pathOf('sms', 'reservations', id, ...action);

const reservationFields = ({ reservation_id, phone_number, expires_at, note }: Reservation) =>
  fields({ Reservation: reservation_id, Number: phone_number, Until: expires_at, For: note });
