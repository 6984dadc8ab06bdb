import { crc32 } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from '../../../schema/schema.ts';
import type { Database } from '../../db/database.ts';
import { invalid, Problem } from '../../errors.ts';
import type { Changing } from '../../http/changing.ts';
import { formatOf, mediaTypes } from '../../http/formats.ts';
import { type App, operation } from '../../http/operation.ts';
import { atTurnsEnd } from '../../reading/at-turns-end.ts';
import type { BodyCache } from '../../reading/body-cache.ts';
import { type About, identify } from '../../reading/identify.ts';
import type { Answer, Lookups } from '../../reading/lookups.ts';
import { sendBody } from '../../reading/send-body.ts';
import { addNumbers } from '../life/arrivals.ts';
import { editNumber } from '../life/moves.ts';
import { countries, defaultCountry, readPhoneNumber } from '../phone-number.ts';
import {
  AddNumbersBody,
  AvailableBody,
  AvailableFiles,
  AvailableQuery,
  CountryQuery,
  ListBody,
  ListFiles,
  ListQuery,
  LookedUp,
  LookUpBody,
  NumberDetail,
  NumberEditBody,
  NumberParams,
} from '../schemas.ts';
import { detailOf, findDetails, readE164 } from './details.ts';
import { createLists, readList } from './list.ts';
import type { ListOptions } from './statement.ts';

type NumberRequest = { params: Static<typeof NumberParams>; query: Static<typeof CountryQuery> };

const One = Type.Object({ phone_number: NumberDetail });
const NotModified = Type.Null({
  description: 'Nothing has changed since the revision that If-None-Match names.',
});
const order =
  'The order is that of `phone_number`, character by character, and does not change from call to call.';
const validator =
  "The `ETag` is made from the organization's revision: sent back as `If-None-Match` it answers 304 until anything in the organization changes.";
const formats = `As JSON, or always whole as CSV or NDJSON: \`Accept: text/csv\`, \`Accept: application/x-ndjson\`, or \`format\`.`;

export function numberRoutes(
  app: App,
  database: Database,
  lookups: Lookups,
  bodyCache: BodyCache,
  brand: string,
  change: Changing,
): void {
  const { db } = database;
  const lists = createLists(database, brand);
  const tail = `,"powered_by":${JSON.stringify(brand)}}`;

  app.get(
    '/v1/sms/phone-numbers',
    operation(
      'own',
      {
        operationId: 'listNumbers',
        summary: 'List SMS numbers',
        description: `Retrieve all SMS phone numbers belonging to an organization, including their assignment status. ${order} ${formats} ${validator}`,
        tags: ['Phone numbers'],
        querystring: ListQuery,
        response: { 200: ListBody, 304: NotModified },
        files: ListFiles,
      },
      ['organization_not_found'],
      aboutOrganization,
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
        description: `Only the unassigned numbers: the same as the list with \`include_assigned=false\`. ${order} ${formats} ${validator}`,
        tags: ['Phone numbers'],
        querystring: AvailableQuery,
        response: { 200: AvailableBody, 304: NotModified },
        files: AvailableFiles,
      },
      ['organization_not_found'],
      aboutOrganization,
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
      change(request, reply, 201, async (db, caller) => {
        const phone_numbers = await addNumbers(db, caller, request.body);
        return { phone_numbers, count: phone_numbers.length };
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
      aboutNumber,
    ),
    (request, reply) => {
      const bytes = bytesOf(request.found.number, request);
      if (bytes) return void atTurnsEnd(() => send(bytes));
      // The version that was at hand is not the right one, or has gone by now: once more, and this time without it.
      const { number } = aboutNumber(request);
      return identify(lookups, request, { number }).then(({ found }) =>
        send(bytesOf(found.number, request)!),
      );

      function send(bytes: Buffer): never {
        return reply.type('application/json; charset=utf-8').send(bytes as never) as never;
      }
    },
  );

  app.post(
    '/v1/sms/phone-numbers/lookup',
    operation('own', {
      operationId: 'lookUpNumbers',
      summary: 'Look up many numbers',
      description:
        'Up to 1,000 numbers at once, in any usual way of writing them: which organization and which user has each. It changes nothing.',
      tags: ['Phone numbers'],
      body: LookUpBody,
      response: { 200: LookedUp },
    }),
    async ({ caller, body }, reply) => {
      const numbers = body.phone_numbers.map((text, index) =>
        readE164(text, body.default_country, `phone_numbers[${index}]`),
      );
      const found = await findDetails(db, caller, numbers);
      const results = body.phone_numbers.map(
        (asked, index) =>
          `{"asked":${JSON.stringify(asked)},"phone_number":${found.get(numbers[index]!) ?? null}}`,
      );
      const rest = JSON.stringify({
        count: numbers.filter(number => found.has(number)).length,
        powered_by: brand,
      });
      reply.type('application/json; charset=utf-8');
      return reply.send(`{"success":true,"results":[${results}],${rest.slice(1)}` as never);
    },
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
      change(request, reply, 200, async (db, caller) => {
        const target = { ...request.params, ...request.query };
        await editNumber(db, caller, target, request.body);
        return {
          phone_number: await detailOf(db, caller, target.phone_number, target.default_country),
        };
      }),
  );

  /** The detail of a number that was looked up; undefined if it did not come along and is not at hand. */
  function bytesOf(number: Answer['number'], { params, query }: NumberRequest): Buffer | undefined {
    if (!number) {
      readE164(params.phone_number, query.default_country);
      throw new Problem('number_not_found');
    }
    const { e164, version, json } = number;
    if (json === undefined) return bodyCache.find(e164, version)?.bytes;
    const bytes = Buffer.from(`{"success":true,"phone_number":${json}${tail}`);
    bodyCache.keep(e164, { version, bytes });
    return bytes;
  }

  function aboutNumber({ params, query }: FastifyRequest): About {
    const { phone_number } = params as { phone_number: string };
    const { default_country = defaultCountry } = query as { default_country?: string };
    const read = countries.has(default_country) ? readPhoneNumber(phone_number, default_country) : '';
    if (typeof read === 'string') return {};
    return { number: read.e164, known: bodyCache.versionOf(read.e164) };
  }

  function sendList(request: FastifyRequest, reply: FastifyReply, asked: ListOptions) {
    const { caller, found, url } = request;
    const query = inFormat(asked, request.headers.accept);
    if (!found.organization) throw new Problem('organization_not_found');
    const { id, revision } = found.organization;
    // The others have no brand in them.
    const scope = `${id} ${caller.ownUserId ?? ''} ${query.format === 'json' ? brand : query.format}`;
    return sendBody(bodyCache, request, reply, {
      name: `${url} ${scope}`,
      version: String(revision),
      headers: headersOf(query),
      tag: revision => listTag(revision, scope),
      build: () => lists.build(caller, id, readList(query), String(revision)),
      stream: () => lists.stream(caller, id, readList(query)),
    });
  }
}

/** @throws Problem `invalid_request` for what only pages have */
function inFormat(query: ListOptions, accept: string | undefined) {
  const format = formatOf(query.format, accept, ['csv', 'ndjson']);
  if (format !== 'json')
    for (const field of ['limit', 'cursor', 'total'] as const)
      if (query[field])
        throw invalid(`${field} cannot be combined with ${format.toUpperCase()}, which has all numbers`);
  return { ...query, format };
}

function headersOf({ format, organization_id }: ReturnType<typeof inFormat>): Record<string, string> {
  const type = { 'content-type': `${mediaTypes[format]}; charset=utf-8` };
  if (format === 'json') return type;
  // An id may have a colon, which some systems have no file names with.
  const file = `numbers-${organization_id.replaceAll(':', '_')}.${format}`;
  return { ...type, 'content-disposition': `attachment; filename="${file}"` };
}

/**
 * The validator of a list: changes with the organization's revision, and with everything else that the body is made
 * of. The revision comes first, so that a person can read it.
 */
const listTag = (revision: string, scope: string): string => `"${revision}-${crc32(scope).toString(36)}"`;

/** What no text column can be compared with would fail the look-up of everybody who shares it. */
const storable = (text: unknown): text is string =>
  typeof text === 'string' && text.length <= 200 && !text.includes('\0') && text.isWellFormed();

function aboutOrganization({ query }: FastifyRequest): About {
  const { organization_id } = query as { organization_id?: unknown };
  return { organization: storable(organization_id) ? organization_id : undefined };
}
