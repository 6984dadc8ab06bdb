import { setTimeout as sleep } from 'node:timers/promises';
import { CarrierError } from '../errors.ts';
import type { Client } from '../http.ts';
import { OneReservation, type Reservation } from './wire.ts';

const looksMax = 5;

/** Reserves the number for 30 minutes. Telnyx does so later, if not much: it is looked at a few times. */
export async function hold(
  client: Client,
  phoneNumber: string,
  retryMs: number,
): Promise<{ id: string; until: Date }> {
  const json = { phone_numbers: [{ phone_number: phoneNumber }] };
  let { data } = await client({ method: 'POST', path: '/number_reservations', json }, OneReservation);
  for (let looks = 0; looks < looksMax && partOf(data, phoneNumber)?.status === 'pending'; looks++) {
    await sleep(retryMs * 2 ** looks);
    const path = `/number_reservations/${encodeURIComponent(data.id)}`;
    ({ data } = await client({ method: 'GET', path }, OneReservation));
  }
  return held(data, phoneNumber);
}

/** Each number has a status of its own: the whole may be a success but for this one. */
const partOf = ({ phone_numbers }: Reservation, phoneNumber: string) =>
  phone_numbers.find(part => part.phone_number === phoneNumber);

function held(reservation: Reservation, phoneNumber: string): { id: string; until: Date } {
  const part = partOf(reservation, phoneNumber);
  const until = new Date(part?.expired_at ?? '');
  if (part?.status === 'failure')
    throw new CarrierError('unavailable', 'Telnyx could not reserve the number');
  if (part?.status !== 'success' || Number.isNaN(until.getTime()))
    throw new CarrierError('outcome_unknown', 'Telnyx did not say whether it has reserved the number');
  return { id: reservation.id, until };
}
