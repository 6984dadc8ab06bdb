import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Database } from '../db/database.ts';
import type { Changing } from '../http/changing.ts';
import { type App, operation } from '../http/operation.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { listTag, matchesTag, numberItem, openList } from './list.ts';
import type { ListOptions } from './list-statement.ts';
import { editNumber } from './moves.ts';
import { addNumbers, getNumber } from './numbers.ts';
import {
  AddNumbersBody,
  AvailableBody,
  AvailableQuery,
  CountryQuery,
  ListBody,
  ListQuery,
  NumberDetail,
  NumberEditBody,
  NumberParams,
} from './schemas.ts';

const One = Type.Object({ phone_number: NumberDetail });
const NotModified = Type.Null({
  description: 'Nothing has changed since the revision that If-None-Match names.',
});
const order =
  'The order is that of `phone_number`, character by character, and does not change from call to call.';
const validator =
  "The `ETag` is made from the organization's revision: sent back as `If-None-Match` it answers 304 until anything in the organization changes.";

export function numberRoutes(app: App, database: Database, brand: string, change: Changing): void {
  const { db } = database;

  app.get(
    '/v1/sms/phone-numbers',
    operation(
      'own',
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
      'own',
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
      'change',
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
      ['organization_not_active', 'organization_not_found', 'number_taken'],
    ),
    (request, reply) =>
      change(request, reply, 201, async (db, who) => {
        const numbers = (await addNumbers(db, who, request.body)).map(numberItem);
        return { phone_numbers: numbers, count: numbers.length };
      }),
  );

  app.get(
    '/v1/sms/phone-numbers/:phone_number',
    operation(
      'own',
      {
        operationId: 'getNumber',
        summary: 'Get a number',
        description: 'One number of the tenant, in full: which organization and which user has it.',
        tags: ['Phone numbers'],
        params: NumberParams,
        querystring: CountryQuery,
        response: { 200: One },
      },
      ['number_not_found'],
    ),
    async ({ who, params, query }) => ({
      phone_number: numberItem(await getNumber(db, who, params.phone_number, query.default_country)),
    }),
  );

  app.patch(
    '/v1/sms/phone-numbers/:phone_number',
    operation(
      'change',
      {
        operationId: 'editNumber',
        summary: 'Edit a number',
        description: 'Changes the fields that are given; null clears one. Any field may be left out.',
        tags: ['Phone numbers'],
        params: NumberParams,
        querystring: CountryQuery,
        body: NumberEditBody,
        response: { 200: One },
      },
      ['number_not_found'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, who) => {
        const target = { ...request.params, ...request.query };
        await editNumber(db, who, target, request.body);
        return {
          phone_number: numberItem(await getNumber(db, who, target.phone_number, target.default_country)),
        };
      }),
  );

  async function sendList(request: FastifyRequest, reply: FastifyReply, query: ListOptions) {
    // Revalidated at every use: a change must be seen by the very next request.
    reply.header('cache-control', 'private, no-cache');
    const known = request.headers['if-none-match'];
    if (known !== undefined) {
      const { id, revision } = await findOrganization(db, request.who, query.organization_id);
      const tag = listTag(revision, id, request.who, brand);
      if (matchesTag(known, tag)) return reply.status(304).header('etag', tag).send();
    }
    const { revision, organizationId, body } = await openList(database, request.who, query, brand);
    reply
      .header('etag', listTag(revision, organizationId, request.who, brand))
      .type('application/json; charset=utf-8');
    return reply.send(body);
  }
}
