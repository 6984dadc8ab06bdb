import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Database } from '../db/database.ts';
import { type App, operation, timestamp } from '../http/operation.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { assignNumber, unassignNumber } from './assignments.ts';
import { type ListQuery as ListOptions, listTag, matchesTag, openList } from './list.ts';
import { addNumbers, editNumber, getNumber } from './numbers.ts';
import {
  AddNumbersBody,
  AssignBody,
  AssignedBody,
  AssignQuery,
  AvailableBody,
  AvailableQuery,
  CountryQuery,
  ListBody,
  ListQuery,
  NumberDetail,
  NumberEditBody,
  NumberParams,
  numberBody,
  UnassignedBody,
} from './schemas.ts';

const NotModified = Type.Null({
  description: 'Nothing has changed since the revision that If-None-Match names.',
});
const order =
  'The order is that of `phone_number`, character by character, and does not change from call to call.';
const narrowing = 'With `organization_id` a number of any other organization is not found.';
const validator =
  "The `ETag` is made from the organization's revision: sent back as `If-None-Match` it answers 304 until anything in the organization changes.";

export function numberRoutes(app: App, database: Database, brand: string): void {
  const { db } = database;

  app.get(
    '/v1/sms/phone-numbers',
    operation(
      'read',
      {
        operationId: 'listNumbers',
        summary: 'List SMS numbers',
        description: `Retrieve all SMS phone numbers belonging to an organization, including their assignment status. ${order} ${validator}`,
        tags: ['Phone numbers'],
        querystring: ListQuery,
        response: { 200: ListBody, 304: NotModified },
      },
      ['organization_not_found'],
    ),
    (request, reply) => sendList(request, reply, request.query),
  );

  app.get(
    '/v1/sms/phone-numbers/available',
    operation(
      'read',
      {
        operationId: 'listAvailableNumbers',
        summary: 'List available SMS numbers',
        description: `Only the unassigned numbers: the same as the list with \`include_assigned=false\`. ${order} ${validator}`,
        tags: ['Phone numbers'],
        querystring: AvailableQuery,
        response: { 200: AvailableBody, 304: NotModified },
      },
      ['organization_not_found'],
    ),
    (request, reply) => sendList(request, reply, { ...request.query, include_assigned: false }),
  );

  app.post(
    '/v1/sms/phone-numbers',
    operation(
      'admin',
      {
        operationId: 'addNumbers',
        summary: 'Add numbers',
        description:
          'Adds up to 1,000 numbers that you have already to an organization, all or none; with `user_id` (a unique_id or an e-mail address) a number is assigned at once. The reply has them in the order given.',
        tags: ['Phone numbers'],
        body: AddNumbersBody,
        response: {
          201: Type.Object({
            phone_numbers: Type.Array(NumberDetail, { description: 'The numbers, in the order given.' }),
            count: Type.Integer({ description: 'How many numbers were added.' }),
          }),
        },
      },
      ['organization_not_found', 'number_taken'],
    ),
    async (request, reply) => {
      const numbers = (await addNumbers(db, request.who, request.body)).map(numberBody);
      return reply.status(201).send({ phone_numbers: numbers, count: numbers.length });
    },
  );

  app.get(
    '/v1/sms/phone-numbers/:phone_number',
    operation(
      'read',
      {
        operationId: 'getNumber',
        summary: 'Get a number',
        description: 'One number of the tenant, in full: which organization and which user has it.',
        tags: ['Phone numbers'],
        params: NumberParams,
        querystring: CountryQuery,
        response: { 200: Type.Object({ phone_number: NumberDetail }) },
      },
      ['number_not_found'],
    ),
    async ({ who, params, query }) => ({
      phone_number: numberBody(await getNumber(db, who, params.phone_number, query.default_country)),
    }),
  );

  app.patch(
    '/v1/sms/phone-numbers/:phone_number',
    operation(
      'admin',
      {
        operationId: 'editNumber',
        summary: 'Edit a number',
        description: 'Changes the nickname; null clears it.',
        tags: ['Phone numbers'],
        params: NumberParams,
        querystring: CountryQuery,
        body: NumberEditBody,
        response: { 200: Type.Object({ phone_number: NumberDetail }) },
      },
      ['number_not_found'],
    ),
    async ({ who, params, query, body }) => ({
      phone_number: numberBody(await editNumber(db, who, params.phone_number, query.default_country, body)),
    }),
  );

  app.post(
    '/v1/sms/phone-numbers/:phone_number/assign',
    operation(
      'admin',
      {
        operationId: 'assignNumber',
        summary: 'Assign a number',
        description: `Gives a number to an active user of its organization, at once. Only an unassigned number can be assigned: to move one, unassign it first. ${narrowing}`,
        tags: ['Phone numbers'],
        params: NumberParams,
        querystring: AssignQuery,
        body: AssignBody,
        response: { 200: AssignedBody },
      },
      ['number_to_assign_not_found', 'number_assigned', 'number_not_available', 'assignee_not_found'],
    ),
    async ({ who, params, query, body }) => {
      const { assigned_at, ...assigned } = await assignNumber(db, who, { ...params, ...query }, body.user_id);
      return { ...assigned, assigned_at: timestamp(assigned_at) };
    },
  );

  app.delete(
    '/v1/sms/phone-numbers/:phone_number/assign',
    operation(
      'admin',
      {
        operationId: 'unassignNumber',
        summary: 'Unassign a number',
        description: `Returns a number to its organization's available pool, at once. ${narrowing}`,
        tags: ['Phone numbers'],
        params: NumberParams,
        querystring: AssignQuery,
        response: { 200: UnassignedBody },
      },
      ['number_to_assign_not_found', 'number_not_assigned', 'body_too_large', 'media_type_unsupported'],
    ),
    ({ who, params, query }) => unassignNumber(db, who, { ...params, ...query }),
  );

  async function sendList(request: FastifyRequest, reply: FastifyReply, query: ListOptions) {
    // Revalidated at every use: a change must be seen by the very next request.
    reply.header('cache-control', 'private, no-cache');
    const known = request.headers['if-none-match'];
    if (known !== undefined) {
      const { id, revision } = await findOrganization(db, request.who, query.organization_id);
      const tag = listTag(revision, id, brand);
      if (matchesTag(known, tag)) return reply.status(304).header('etag', tag).send();
    }
    const { revision, organizationId, body } = await openList(database, request.who, query, brand);
    reply.header('etag', listTag(revision, organizationId, brand)).type('application/json; charset=utf-8');
    return reply.send(body);
  }
}
