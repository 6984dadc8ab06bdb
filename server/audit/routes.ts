import { type Static, Type } from '../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp, withDefault } from '../../schema/shapes.ts';
import type { Db } from '../db/database.ts';
import { invalid } from '../errors.ts';
import { type App, operation, timestamp } from '../http/operation.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';
import { CountryQuery, E164, NumberParams } from '../numbers/schemas.ts';
import { type Event, readBatch, readEvents, readHistory } from './events.ts';
import { createFollowers } from './followers.ts';

const Actor = Type.Object(
  {
    type: oneOf(['key', 'user', 'system'], { description: 'What kind of actor.' }),
    id: Type.String({ description: 'The id of the key or user, or what part of the system.' }),
  },
  { additionalProperties: false, description: 'Who made the change.' },
);

const EventBody = Type.Object(
  {
    revision: Type.Integer({ description: 'The revision of the organization.' }),
    ordinal: Type.Integer({ description: 'The place within the revision, from 0.' }),
    type: Type.String({ description: 'What happened.', examples: ['number.assigned'] }),
    at: Timestamp('When, for people: the order is that of the revisions.'),
    actor: Actor,
    request_id: nullable(Type.String({ description: 'The request that made the change.' })),
    data: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: 'What it is about, and in `changes` what changed from what.',
    }),
  },
  { additionalProperties: false },
);

const example: Static<typeof EventBody> = {
  revision: 6,
  ordinal: 0,
  type: 'number.assigned',
  at: '2024-01-15T10:30:00Z',
  actor: { type: 'key', id: '0199f3a0-8b30-7d74-9e3c-6f5a0b1c2d3e' },
  request_id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
  data: {
    id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
    phone_number: '+14155551234',
    changes: { status: { from: 'available', to: 'assigned' }, user_id: { from: null, to: 'user_xyz789' } },
  },
};

const eventBody = (event: Event): Static<typeof EventBody> => ({
  revision: event.revision,
  ordinal: event.ordinal,
  type: event.type,
  at: timestamp(event.at),
  actor: { type: event.actor_type, id: event.actor_id },
  request_id: event.request_id,
  data: event.data,
});

const State = Type.Object(
  {
    revision: Type.Integer({ description: 'The revision of the organization that made it so.' }),
    at: Timestamp('Since when.'),
    ended_at: nullable(Timestamp('Until when; null for the present.')),
    organization_id: OrganizationId,
    status: Type.String({ description: 'Its status then.' }),
    user_id: nullable(Type.String({ description: 'Who had it then.' })),
    nickname: nullable(Type.String({ description: 'Its nickname then.' })),
    until: nullable(Timestamp('When that status was to end by itself.')),
    reservation_id: nullable(Type.String({ format: 'uuid', description: 'The reservation that kept it.' })),
    reservation_note: nullable(Type.String({ description: 'What the reservation was for.' })),
    event: nullable(Type.String({ description: 'The event that made it so.' })),
    actor: Type.Unsafe<Static<typeof Actor> | null>({
      type: ['object', 'null'],
      properties: Actor.properties,
      required: ['type', 'id'],
      additionalProperties: false,
      description: 'Who made it so.',
    }),
    request_id: nullable(Type.String({ description: 'The request that made it so.' })),
  },
  { additionalProperties: false },
);

const Tenure = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'The id of the phone record.' }),
    organization_id: OrganizationId,
    status: Type.String({ description: 'The status at the end, or at present.' }),
    created_at: Timestamp('When it came.'),
    released_at: nullable(Timestamp('When it was released.')),
    assignments: Type.Array(
      Type.Object(
        {
          organization_id: OrganizationId,
          user_id: Type.String({ description: 'Who had it.' }),
          email: Type.String({ description: "The user's e-mail address today." }),
          name: Type.String({ description: "The user's name today." }),
          assigned_at: Timestamp('From when.'),
          ended_at: nullable(Timestamp('Until when; null if they still have it.')),
        },
        { additionalProperties: false },
      ),
      { description: 'Who had it, the latest first.' },
    ),
    states: Type.Array(State, {
      description: 'What it was, the latest first, each with the event that made it so.',
    }),
  },
  { additionalProperties: false },
);

const tenure: Static<typeof Tenure> = {
  id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
  organization_id: 'org_abc123',
  status: 'assigned',
  created_at: '2024-01-10T09:00:00Z',
  released_at: null,
  assignments: [
    {
      organization_id: 'org_abc123',
      user_id: 'user_xyz789',
      email: 'john@company.com',
      name: 'John Smith',
      assigned_at: '2024-01-15T10:30:00Z',
      ended_at: null,
    },
  ],
  states: [
    {
      revision: 6,
      at: '2024-01-15T10:30:00Z',
      ended_at: null,
      organization_id: 'org_abc123',
      status: 'assigned',
      user_id: 'user_xyz789',
      nickname: 'Sales Line',
      until: null,
      reservation_id: null,
      reservation_note: null,
      event: 'number.assigned',
      actor: example.actor,
      request_id: example.request_id,
    },
  ],
};

/** The log and the history. @returns what sends waiting requests home when the server stops */
export function eventRoutes(app: App, db: Db): () => void {
  const followers = createFollowers(db);

  app.get(
    '/v1/events',
    operation(
      'read',
      {
        operationId: 'listEvents',
        summary: 'Follow the log',
        description:
          'What happened in an organization after a revision, in order and without a gap. Go on with the last `revision` you got. With `wait` the answer is held back, for that many seconds at most, until there is something to tell.',
        tags: ['Events'],
        querystring: Type.Object(
          {
            organization_id: OrganizationId,
            after_revision: withDefault(
              Type.Integer({
                minimum: 0,
                maximum: 1e15,
                default: 0,
                description: 'The last revision that you know.',
              }),
            ),
            limit: withDefault(
              Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Revisions at most.' }),
            ),
            wait: withDefault(
              Type.Integer({ minimum: 0, maximum: 60, default: 0, description: 'Seconds to wait at most.' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object(
            {
              events: Type.Array(EventBody, { description: 'The events, in order.' }),
              count: Type.Integer({ description: 'How many events were returned.' }),
              revision: Type.Integer({ description: 'The present revision of the organization.' }),
              has_more: Type.Boolean({ description: 'Whether there are more revisions than were returned.' }),
            },
            { examples: [{ events: [example], count: 1, revision: 6, has_more: false }] },
          ),
        },
      },
      ['organization_not_found'],
    ),
    async (request, reply) => {
      const { organization_id, after_revision, limit, wait } = request.query;
      const read = () => readEvents(db, request.caller, organization_id, after_revision, limit);
      let log = await read();
      if (log.events.length === 0 && wait > 0) {
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        if (reply.raw.closed) gone.abort();
        await followers.wait(log.id, after_revision, wait * 1000, gone.signal);
        if (!gone.signal.aborted) log = await read();
      }
      const { events, revision } = log;
      const has_more = (events.at(-1)?.revision ?? after_revision) < revision;
      return { events: events.map(eventBody), count: events.length, revision, has_more };
    },
  );

  app.get(
    '/v1/batches/:batch_id',
    operation(
      'read',
      {
        operationId: 'getBatch',
        summary: 'Get what a batch changed',
        description: 'What a bulk event, which names its batch, stands for; in pieces.',
        tags: ['Events'],
        params: Type.Object({
          batch_id: Type.String({ format: 'uuid', description: 'The id of the batch.' }),
        }),
        querystring: Type.Object(
          {
            piece: withDefault(
              Type.Integer({
                minimum: 0,
                maximum: 1_000_000,
                default: 0,
                description: 'Which piece, from 0.',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object(
            {
              items: Type.Array(
                Type.Unsafe<unknown>({
                  type: 'object',
                  additionalProperties: true,
                  description: 'One number and what became of it.',
                }),
                { description: 'What was done, in order.' },
              ),
              has_more: Type.Boolean({ description: 'Whether another piece follows.' }),
            },
            {
              examples: [
                {
                  items: [
                    {
                      id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
                      phone_number: '+14155551234',
                      nickname: null,
                      user_id: null,
                    },
                  ],
                  has_more: false,
                },
              ],
            },
          ),
        },
      },
      ['batch_not_found'],
    ),
    ({ caller, params, query }) => readBatch(db, caller, params.batch_id, query.piece),
  );

  app.get(
    '/v1/sms/phone-numbers/:phone_number/history',
    operation(
      'read',
      {
        operationId: 'getNumberHistory',
        summary: 'Who had this number?',
        description:
          'Every tenure of a number in the tenant, across releases and transfers: each state that it was in, who had it, and who did what. A key that is bound to an organization sees what happened there, also of a number that has left it: its last state there has ended.',
        tags: ['Events'],
        params: NumberParams,
        querystring: CountryQuery,
        response: {
          200: Type.Object(
            {
              phone_number: E164,
              tenures: Type.Array(Tenure, { description: 'The latest first.' }),
            },
            { examples: [{ phone_number: '+14155551234', tenures: [tenure] }] },
          ),
        },
      },
      ['number_not_found'],
    ),
    async ({ caller, params, query }) => {
      const number = readPhoneNumber(params.phone_number, query.default_country);
      if (typeof number === 'string') throw invalid(`phone_number ${number}`);
      const tenures = await readHistory(db, caller, number.e164);
      return {
        phone_number: number.e164,
        tenures: tenures.map(tenure => ({
          ...tenure,
          created_at: timestamp(tenure.created_at),
          released_at: timestamp(tenure.released_at),
          assignments: tenure.assignments.map(({ phone_number_id: _, ...held }) => ({
            ...held,
            assigned_at: timestamp(held.assigned_at),
            ended_at: timestamp(held.ended_at),
          })),
          states: tenure.states.map(
            ({
              revision,
              organization_id,
              status,
              user_id,
              nickname,
              reservation_id,
              reservation_note,
              ...state
            }) => ({
              revision,
              at: timestamp(state.at),
              ended_at: timestamp(state.ended_at),
              organization_id,
              status,
              user_id,
              nickname,
              until: timestamp(state.until),
              reservation_id,
              reservation_note,
              event: state.type,
              actor:
                state.actor_type === null ? null : { type: state.actor_type as 'key', id: state.actor_id! },
              request_id: state.request_id,
            }),
          ),
        })),
      };
    },
  );

  return followers.stop;
}
