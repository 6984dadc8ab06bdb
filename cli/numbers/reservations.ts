import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Ended, Reservation as ReservationSchema } from '../../server/numbers/life/schemas.ts';
import { change, changing } from '../http/change.ts';
import { pathOf } from '../http/client.ts';
import { durationHint, readDuration } from '../terminal/arguments.ts';
import { group } from '../terminal/command.ts';
import { fields, print } from '../terminal/output.ts';
import { type Assigned, assigned } from './number.ts';

export type Reservation = Static<typeof ReservationSchema>;

const example = '0199f3a0-ad52-7f96-a05e-8b7c2d3e4f50';

export function reservationCommands(program: Command): void {
  const reservations = group(program, 'reservations', 'Renew and end what `numbers reserve` has begun.', [
    `reservations renew ${example} --for 15m`,
  ]);
  const define = (name: string, summary: string, examples: string[]) =>
    changing(reservations, name, summary, examples).argument('<id>', 'the id of the reservation');

  define('renew', 'Let a reservation run for so long from now, longer or shorter than before.', [
    `reservations renew ${example} --for 15m`,
  ])
    .requiredOption('--for <duration>', `for how long, ${durationHint}`, readDuration)
    .action(async (id, options) => {
      const body = { expires_in: options.for };
      await print(
        options,
        await change<Reservation>(options, 'POST', pathTo(id, 'renew'), { body }),
        reservation,
      );
    });

  define('assign', 'Give a reserved number to a user of its organization.', [
    `reservations assign ${example} --user user_xyz789`,
  ])
    .requiredOption('--user <id>', "the user's id")
    .action(async (id, options) => {
      const body = { user_id: options.user };
      await print(options, await change<Assigned>(options, 'POST', pathTo(id, 'assign'), { body }), assigned);
    });

  define('cancel', 'End a reservation: its number is available at once.', [
    `reservations cancel ${example}`,
  ]).action(async (id, options) => {
    const answer = await change<Static<typeof Ended>>(options, 'DELETE', pathTo(id));
    await print(options, answer, ({ phone_number }) => fields({ 'Available again': phone_number }));
  });
}

const pathTo = (id: string, ...action: string[]) => pathOf('sms', 'reservations', id, ...action);

export const reservation = ({ reservation_id, phone_number, expires_at, note }: Reservation) =>
  fields({ Reservation: reservation_id, Number: phone_number, Until: expires_at, For: note });
