import type { Changing } from '../../http/changing.ts';
import { type App, operation, timestamp } from '../../http/operation.ts';
import { detailOf } from '../list/details.ts';
import { OneNumber } from '../schemas.ts';
import { type Assigned, assignNumber, claimNumber, unassignNumber } from './assignments.ts';
import { endNumberCoolDown, transferNumber } from './moves.ts';
import {
  AssignBody,
  AssignedBody,
  ClaimBody,
  narrowing,
  onePath,
  TransferBody,
  target,
  UnassignedBody,
} from './schemas.ts';

const tags: ['Phone numbers'] = ['Phone numbers'];

/** The routes that assign numbers, return them and transfer them. reservation-routes.ts has those of reservations. */
export function lifeRoutes(app: App, change: Changing): void {
  app.post(
    `${onePath}/assign`,
    operation(
      'change',
      {
        operationId: 'assignNumber',
        summary: 'Assign a number',
        description: `Assigns a number to an active user of its organization, at once. Only an unassigned number can be assigned: unassign it first to move it. ${narrowing}`,
        tags,
        ...target,
        body: AssignBody,
        response: { 200: AssignedBody },
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
        description: `Returns a number to its organization's available pool, at once or after the tenant's cool-down. ${narrowing}`,
        tags,
        ...target,
        response: { 200: UnassignedBody },
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
          'Assigns any available number that fits, in one step: from the first of the given area codes that has one, the number that has been available the longest. Two claims never get the same number. If none fits the reply is 409, and `detail` says what was tried and what is available.',
        tags,
        body: ClaimBody,
        response: { 200: AssignedBody },
      },
      ['organization_not_active', 'organization_not_found', 'assignee_not_found', 'none_available'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        const { area_code, ...claim } = request.body;
        const area_codes = area_code === undefined ? undefined : [area_code].flat();
        return assignedBody(await claimNumber(db, caller, { ...claim, area_codes }));
      }),
  );

  app.post(
    `${onePath}/end-cool-down`,
    operation(
      'change',
      {
        operationId: 'endCoolDown',
        summary: 'End a cool-down early',
        description: `Makes a number that is cooling down available at once. The audit log says who did it. ${narrowing}`,
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
        description: `Moves a number to another organization of the tenant. There it cools down for the time that the tenant has set, by default 45 days. If it has another 10DLC registration there, it is taken off the former one and attached to the new one; until that is done it is \`pending\` instead of available. An assignment is ended only with \`end_assignment\`. \`If-Match\` is compared with the revision of the organization that the number leaves. ${narrowing}`,
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

export const assignedBody = (assigned: Assigned) => ({
  ...assigned,
  assigned_at: timestamp(assigned.assigned_at),
});
