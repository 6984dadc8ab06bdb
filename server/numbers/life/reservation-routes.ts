import type { Changing } from '../../http/changing.ts';
import { type App, operation, timestamp } from '../../http/operation.ts';
import {
  assignReservation,
  cancelReservation,
  type Reservation,
  renewReservation,
  reserveNumber,
} from './reservations.ts';
import { assignedBody } from './routes.ts';
import {
  AssignBody,
  AssignedBody,
  CancelledBody,
  narrowing,
  onePath,
  RenewBody,
  ReservationBody,
  ReservationParams,
  ReserveBody,
  target,
} from './schemas.ts';

const tags: ['Phone numbers'] = ['Phone numbers'];

/** The routes that reserve numbers, and that renew and end reservations. */
export function reservationRoutes(app: App, change: Changing): void {
  app.post(
    `${onePath}/reserve`,
    operation(
      'change',
      {
        operationId: 'reserveNumber',
        summary: 'Reserve a number',
        description: `Reserves an available number. Until the reservation ends, by itself or by a call, the number can only be assigned through it. ${narrowing}`,
        tags,
        ...target,
        body: ReserveBody,
        response: { 201: ReservationBody },
      },
      [
        'organization_not_active',
        'number_not_found',
        'number_assigned',
        'number_not_available',
        'number_leaving',
      ],
    ),
    (request, reply) =>
      change(request, reply, 201, async (db, caller) =>
        reservationBody(
          await reserveNumber(db, caller, { ...request.params, ...request.query }, request.body),
        ),
      ),
  );

  app.post(
    '/v1/sms/reservations/:reservation_id/renew',
    operation(
      'change',
      {
        operationId: 'renewReservation',
        summary: 'Renew a reservation',
        description: 'Makes a reservation end in this many seconds from now, later or earlier than before.',
        tags,
        params: ReservationParams,
        body: RenewBody,
        response: { 200: ReservationBody },
      },
      ['organization_not_active', 'reservation_not_found'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) =>
        reservationBody(
          await renewReservation(db, caller, request.params.reservation_id, request.body.expires_in),
        ),
      ),
  );

  app.post(
    '/v1/sms/reservations/:reservation_id/assign',
    operation(
      'change',
      {
        operationId: 'assignReservation',
        summary: 'Assign a reserved number',
        description: 'Turns a reservation into an assignment.',
        tags,
        params: ReservationParams,
        body: AssignBody,
        response: { 200: AssignedBody },
      },
      ['organization_not_active', 'reservation_not_found', 'assignee_not_found', 'number_leaving'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) =>
        assignedBody(
          await assignReservation(db, caller, request.params.reservation_id, request.body.user_id),
        ),
      ),
  );

  app.delete(
    '/v1/sms/reservations/:reservation_id',
    operation(
      'change',
      {
        operationId: 'cancelReservation',
        summary: 'Cancel a reservation',
        description: 'Ends a reservation early. The number is available at once.',
        tags,
        params: ReservationParams,
        response: { 200: CancelledBody },
      },
      ['reservation_not_found'],
    ),
    (request, reply) =>
      change(request, reply, 200, (db, caller) =>
        cancelReservation(db, caller, request.params.reservation_id),
      ),
  );
}

const reservationBody = (reservation: Reservation) => ({
  ...reservation,
  expires_at: timestamp(reservation.expires_at),
});
