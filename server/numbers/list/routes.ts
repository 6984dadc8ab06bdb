import { crc32 } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from '../../../schema/schema.ts';
import { OrganizationId } from '../../../schema/shapes.ts';
import { timeZoneOf } from '../../access/time-zone.ts';
import type { Database } from '../../db/database.ts';
import { asRead } from '../../db/reads.ts';
import { invalid, Problem } from '../../errors.ts';
import { formatOf, mediaTypes } from '../../http/formats.ts';
import { type App, operation, type Subject, sharingItself } from '../../http/operation.ts';
import { openInTurn } from '../../http/pace/long-answers.ts';
import { type AllShares, inTurn } from '../../http/shares.ts';
import type { BodyCache } from '../../reading/body-cache.ts';
import { sendBody } from '../../reading/send-body.ts';
import { numberJson } from '../json.ts';
import { shareOf } from './cost.ts';
import { createLists } from './list.ts';
import { namesDay, readList } from './query.ts';
import { AvailableBody, AvailableFiles, AvailableQuery, ListBody, ListFiles, ListQuery } from './schemas.ts';
import type { ListOptions } from './statement.ts';
import { summarize } from './summary.ts';
import { SummaryBody } from './summary-schemas.ts';

const NotModified = Type.Null({
  description: 'Nothing has changed since the revision that If-None-Match names.',
});
const order = 'Sorted by `phone_number`, character by character; the order is the same in every call.';
const validator =
  "The `ETag` is made from the organization's revision. Send it back as `If-None-Match`: the reply is 304 until something in the organization changes.";
const formats =
  'As JSON, or the whole list as CSV or NDJSON: set `format`, `Accept: text/csv` or `Accept: application/x-ndjson`.';

/** The routes that list and count an organization's numbers. */
export function listRoutes(
  app: App,
  database: Database,
  bodyCache: BodyCache,
  brand: string,
  shares: AllShares,
): void {
  const { db } = database;
  const lists = createLists(database, brand);

  app.get(
    '/v1/sms/phone-numbers',
    sharingItself(
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
    ),
    (request, reply) => sendList(request, reply, request.query),
  );

  app.get(
    '/v1/sms/phone-numbers/available',
    sharingItself(
      operation(
        'own',
        {
          operationId: 'listAvailableNumbers',
          summary: 'List available SMS numbers',
          description: `The unassigned numbers only: the same as the list with \`include_assigned=false\`. ${order} ${formats} ${validator}`,
          tags: ['Phone numbers'],
          querystring: AvailableQuery,
          response: { 200: AvailableBody, 304: NotModified },
          files: AvailableFiles,
        },
        ['organization_not_found'],
        aboutOrganization,
      ),
    ),
    (request, reply) => sendList(request, reply, { ...request.query, include_assigned: false }),
  );

  app.get(
    '/v1/sms/phone-numbers/summary',
    operation(
      'read',
      {
        operationId: 'summarizeNumbers',
        summary: 'Count numbers',
        description:
          'How many numbers an organization has, by status, area code and user, and whether its stock is low.',
        tags: ['Phone numbers'],
        querystring: Type.Object({ organization_id: OrganizationId }, { additionalProperties: false }),
        response: { 200: SummaryBody },
      },
      ['organization_not_found'],
    ),
    ({ caller, query }) => summarize(db, caller, query.organization_id),
  );

  function sendList(request: FastifyRequest, reply: FastifyReply, asked: ListOptions) {
    const query = inFormat(asked, request.headers.accept);
    // Days are the tenant's: without one, the time zone is not asked for.
    if (!namesDay(query)) return send(request, reply, query, '');
    return timeZoneOf(db, request.caller).then(zone => send(request, reply, query, zone));
  }

  function send(
    request: FastifyRequest,
    reply: FastifyReply,
    query: ReturnType<typeof inFormat>,
    zone: string,
  ) {
    const { caller, lookup, url } = request;
    if (!lookup.organization) throw new Problem('organization_not_found');
    const { id, version } = lookup.organization;
    // Only JSON contains the brand.
    const scope = `${id} ${caller.ownUserId ?? ''} ${zone} ${query.format === 'json' ? brand : query.format}`;
    return sendBody(bodyCache, request, reply, {
      name: `${url} ${scope}`,
      version,
      headers: headersOf(query),
      tag: version => listTag(version, scope),
      build: async abandoned => {
        const list = readList(query, zone);
        const share = await shareOf(db, shares, caller, id, list.query);
        const build = () => lists.build(caller, id, list, version);
        return inTurn(share, caller.tenantId, () => asRead(abandoned, build), abandoned);
      },
      stream: () =>
        openInTurn(shares, 'streams', request, reply, () => lists.stream(caller, id, readList(query, zone))),
    });
  }
}

/** @throws Problem `invalid_request` if a format without pages is combined with paging */
function inFormat(query: ListOptions, accept: string | undefined) {
  const format = formatOf(query.format, accept, ['csv', 'ndjson']);
  if (format !== 'json')
    for (const field of ['limit', 'cursor', 'total'] as const)
      if (query[field])
        throw invalid(
          `${field} cannot be combined with ${format.toUpperCase()}, which always has all numbers`,
        );
  return { ...query, format };
}

function headersOf({ format, organization_id }: ReturnType<typeof inFormat>): Record<string, string> {
  const type = { 'content-type': `${mediaTypes[format]}; charset=utf-8` };
  if (format === 'json') return type;
  // An id may contain a colon, which some systems do not allow in file names.
  const file = `numbers-${organization_id.replaceAll(':', '_')}.${format}`;
  return { ...type, 'content-disposition': `attachment; filename="${file}"` };
}

/**
 * The ETag of a list. It changes with the organization's revision, and with everything else in the body. The revision
 * comes first, so that people can read it.
 */
const listTag = (version: string, scope: string): string =>
  `"${version}-${crc32(scope, shapes).toString(36)}"`;

/** Changes when numbers are printed in another way: a client must not keep the list of an earlier release. */
const shapes = crc32(Object.values(numberJson).join());

/** PostgreSQL rejects NUL and lone surrogates, and one bad value would fail the whole batch of look-ups. */
const storable = (text: unknown): text is string =>
  typeof text === 'string' && text.length <= 200 && !text.includes('\0') && text.isWellFormed();

function aboutOrganization({ query }: FastifyRequest): Subject {
  const { organization_id } = query as { organization_id?: unknown };
  return { organization: storable(organization_id) ? organization_id : undefined };
}
