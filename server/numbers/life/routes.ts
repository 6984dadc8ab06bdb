import type { Changing } from '../../http/changing.ts';
import { type App, operation, timestamp } from '../../http/operation.ts';
import { detailOf } from '../list/details.ts';
import { OneNumber } from '../schemas.ts';
import { assignNumber, claimNumber, unassignNumber } from './assignments.ts';
import { endNumberCoolDown, transferNumber } from './moves.ts';
import { assignReservation, cancelReservation, renew, reserveNumber } from './reservations.ts';
import {
  AssignBody,
  Assigned,
  ClaimBody,
  Ended,
  narrowing,
  onePath,
  RenewBody,
  Reservation,
  ReservationParams,
  ReserveBody,
  TransferBody,
  target,
  Unassigned,
} from './schemas.ts';

const tags: ['Phone numbers'] = ['Phone numbers'];

/** The routes that move a number through its life. */
export function lifeRoutes(app: App, change: Changing): void {
  app.post(
    `${onePath}/assign`,
    operation(
      'change',
      {
        operationId: 'assignNumber',
        summary: 'Assign a number',
        description: `Gives a number to an active user of its organization, at once. Only an unassigned number can be assigned: to move one, unassign it first. ${narrowing}`,
        tags,
        ...target,
        body: AssignBody,
        response: { 200: Assigned },
      },
      [
        'organization_not_active',
        'number_to_assign_not_found',
        'number_assigned',
        'number_not_available',
        'number_leaving',
        'assignee_not_found',
      ],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) =>
        assignedBody(
          await assignNumber(db, caller, { ...request.params, ...request.query }, request.body.user_id),
        ),
      ),
  );

  app.delete(
    `${onePath}/assign`,
    operation(
      'change',
      {
        operationId: 'unassignNumber',
        summary: 'Unassign a number',
        description: `Returns a number to its organization's available pool: at once, or after the cool-down that the tenant has set. ${narrowing}`,
        tags,
        ...target,
        response: { 200: Unassigned },
      },
      ['number_to_assign_not_found', 'number_not_assigned'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        const unassigned = await unassignNumber(db, caller, { ...request.params, ...request.query });
        const status = unassigned.status as 'available' | 'cooling_down';
        return { ...unassigned, status, available_at: timestamp(unassigned.available_at) };
      }),
  );

  app.post(
    '/v1/sms/phone-numbers/claim',
    operation(
      'change',
      {
        operationId: 'claimNumber',
        summary: 'Claim a number',
        description:
          'Gives the user any available number that fits, in one step: the first area code in the given order that has one, and of those the number that has been free the longest. Two claims never get one number. 409 when none fits; `detail` says what was tried and what there is.',
        tags,
        body: ClaimBody,
        response: { 200: Assigned },
      },
      ['organization_not_active', 'organization_not_found', 'assignee_not_found', 'none_available'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        const { area_code, starts_with, ...wish } = request.body;
        const area_codes = area_code === undefined ? undefined : [area_code].flat();
        return assignedBody(
          await claimNumber(db, caller, { ...wish, area_codes, starts_with: starts_with?.replace('+', '') }),
        );
      }),
  );

  app.post(
    `${onePath}/reserve`,
    operation(
      'change',
      {
        operationId: 'reserveNumber',
        summary: 'Reserve a number',
        description: `Keeps an available number for somebody: it is available to no one else until the reservation ends, which it does by itself. ${narrowing}`,
        tags,
        ...target,
        body: ReserveBody,
        response: { 201: Reservation },
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
        description: 'Lets a reservation run for so many seconds from now, longer or shorter than before.',
        tags,
        params: ReservationParams,
        body: RenewBody,
        response: { 200: Reservation },
      },
      ['organization_not_active', 'reservation_not_found'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) =>
        reservationBody(await renew(db, caller, request.params.reservation_id, request.body.expires_in)),
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
        response: { 200: Assigned },
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
        description: 'Ends a reservation before its time: the number is available at once.',
        tags,
        params: ReservationParams,
        response: { 200: Ended },
      },
      ['reservation_not_found'],
    ),
    (request, reply) =>
      change(request, reply, 200, (db, caller) =>
        cancelReservation(db, caller, request.params.reservation_id),
      ),
  );

  app.post(
    `${onePath}/end-cool-down`,
    operation(
      'change',
      {
        operationId: 'endCoolDown',
        summary: 'End a cool-down early',
        description: `Makes a resting number available before its time; the log says who did it. ${narrowing}`,
        tags,
        ...target,
        response: { 200: OneNumber },
      },
      ['number_not_found', 'number_not_cooling_down'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        await endNumberCoolDown(db, caller, { ...request.params, ...request.query });
        return {
          phone_number: await detailOf(
            db,
            caller,
            request.params.phone_number,
            request.query.default_country,
          ),
        };
      }),
  );

  app.post(
    `${onePath}/transfer`,
    operation(
      'change',
      {
        operationId: 'transferNumber',
        summary: 'Transfer a number',
        description: `Moves a number to another organization of the tenant, where it rests for as long as the tenant has set (45 days unless changed). An assignment is ended only with \`end_assignment\`. \`If-Match\` means the organization that it leaves. ${narrowing}`,
        tags,
        ...target,
        body: TransferBody,
        response: { 200: OneNumber },
      },
      [
        'organization_not_active',
        'number_not_found',
        'organization_not_found',
        'number_assigned',
        'number_not_available',
        'number_leaving',
        'already_there',
      ],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        const { to_organization_id, end_assignment = false } = request.body;
        const number = { ...request.params, ...request.query };
        await transferNumber(db, caller, number, { to_organization_id, end_assignment });
        return {
          phone_number: await detailOf(db, caller, number.phone_number, number.default_country),
        };
      }),
  );
}

const assignedBody = (assigned: { phone_number: string; user_id: string; assigned_at: Date }) => ({
  ...assigned,
  assigned_at: timestamp(assigned.assigned_at),
});

const reservationBody = (held: {
  reservation_id: string;
  phone_number: string;
  expires_at: Date;
  note: string | null;
}) => ({
  ...held,
  expires_at: timestamp(held.expires_at),
});
