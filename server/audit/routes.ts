import type { Static } from '../../schema/schema.ts';
import type { Db } from '../db/database.ts';
import { asRead } from '../db/reads.ts';
import { invalid } from '../errors.ts';
import { type App, operation, sharingItself, writingInPieces } from '../http/operation.ts';
import { type AllShares, goneSignal, inTurn } from '../http/shares.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';
import { CountryQuery, NumberParams } from '../numbers/schemas.ts';
import { readVersion } from '../revisions/version.ts';
import { type Place, readBatch, readEvents } from './events.ts';
import { readHistory } from './history.ts';
import { HistoryReply, tenureBody } from './history-schemas.ts';
import { BatchParams, BatchQuery, BatchReply, EventsQuery, EventsReply, eventBody } from './schemas.ts';
import type { Waiters } from './waiters.ts';

/** The audit log, and the history of a number. */
export function eventRoutes(app: App, db: Db, waiters: Waiters, shares: AllShares, brand: string): void {
  app.get(
    '/v1/events',
    writingInPieces(
      sharingItself(
        operation(
          'read',
          {
            operationId: 'listEvents',
            summary: 'Follow the log',
            description:
              'Returns the events of an organization after a revision, in order and without a gap. To go on, pass the `cursor` that you got as `after`: 409 `log_restarted` then tells you if the database was restored or has failed over to a replica that was behind, and what you know never happened. With `wait`, the call waits up to that many seconds for an event.',
            tags: ['Events'],
            querystring: EventsQuery,
            response: { 200: EventsReply },
          },
          ['organization_not_found', 'log_restarted'],
        ),
      ),
    ),
    async (request, reply) => {
      const { caller, query } = request;
      const { organization_id, limit, wait } = query;
      const after = placeIn(query);
      const gone = goneSignal(reply);
      // A connection is taken for the moment of a reading, and none while it waits.
      const read = (gone: AbortSignal) =>
        inTurn(
          shares.requests,
          caller.tenantId,
          () => asRead(gone, () => readEvents(db, caller, organization_id, after, limit)),
          gone,
        );
      const log = await read(gone);
      if (log.events.length > 0 || wait === 0) return bodyOf(log, after);
      const wake = await inTurn(shares.followers, caller.tenantId, () =>
        waiters.wait({ tenantId: caller.tenantId, id: log.id }, after.revision, wait * 1000, gone),
      );
      // Nothing has come: the log is still what was read when the request came.
      if (!wake) return bodyOf(log, after);
      await app.assertStillAllowed(request);
      // The reading is the same for all who see the same part of the log, and no client ends it for the others.
      const same = [caller.tenantId, caller.organizationId, log.id, after.revision, after.moment, limit];
      const text = await wake.once(same.join(), async () => {
        const body = bodyOf(await read(new AbortController().signal), after);
        return reply.serialize({ success: true, ...body, powered_by: brand }) as string;
      });
      return reply.type('application/json; charset=utf-8').send(text as never);
    },
  );

  app.get(
    '/v1/batches/:batch_id',
    operation(
      'read',
      {
        operationId: 'getBatch',
        summary: 'Get the items of a batch',
        description:
          'Returns the changes that a bulk event stands for, in pieces. The event names its batch.',
        tags: ['Events'],
        params: BatchParams,
        querystring: BatchQuery,
        response: { 200: BatchReply },
      },
      ['batch_not_found'],
    ),
    async ({ caller, params, query }, reply) => {
      const { json, has_more } = await readBatch(db, caller, params.batch_id, query.piece);
      const rest = JSON.stringify({ has_more, powered_by: brand }).slice(1);
      reply.type('application/json; charset=utf-8');
      return reply.send(`{"success":true,"items":${json},${rest}` as never);
    },
  );

  app.get(
    '/v1/sms/phone-numbers/:phone_number/history',
    operation(
      'read',
      {
        operationId: 'getNumberHistory',
        summary: 'Who had this number?',
        description:
          'Returns every tenure of a number in the tenant, across releases and transfers: its states, who had it, and who did what. A bound key sees only what happened in its organization. For a number that has left, it sees the last state there, with its end.',
        tags: ['Events'],
        params: NumberParams,
        querystring: CountryQuery,
        response: { 200: HistoryReply },
      },
      ['number_not_found'],
    ),
    async ({ caller, params, query }) => {
      const number = readPhoneNumber(params.phone_number, query.default_country);
      if (typeof number === 'string') throw invalid(`phone_number ${number}`);
      const tenures = await readHistory(db, caller, number.e164);
      return { phone_number: number.e164, tenures: tenures.map(tenureBody) };
    },
  );
}

function bodyOf({ events, revision, cursor }: Awaited<ReturnType<typeof readEvents>>, after: Place) {
  const has_more = (events.at(-1)?.revision ?? after.revision) < revision;
  return { events: events.map(eventBody), count: events.length, revision, cursor, has_more };
}

/** Where to begin: at a cursor, or after a revision. */
function placeIn({ after, after_revision }: Static<typeof EventsQuery>): Place {
  if (after === undefined) return { revision: after_revision ?? 0 };
  if (after_revision !== undefined) throw invalid('after and after_revision cannot be combined');
  const place = readVersion(after);
  if (!place) throw invalid('after must be the cursor of an earlier reply');
  return place;
}
