import { type Static, Type } from '../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp, withDefault } from '../../schema/shapes.ts';
import { exactly } from '../http/moments.ts';
import type { Event } from './events.ts';

export const Actor = Type.Object(
  {
    type: oneOf(['key', 'user', 'system'], { description: 'The kind of actor.' }),
    id: Type.String({ description: 'The id of the key or user, or the name of the job.' }),
  },
  { additionalProperties: false, description: 'Who made the change.' },
);

const EventBody = Type.Object(
  {
    revision: Type.Integer({ description: 'The revision of the organization.' }),
    ordinal: Type.Integer({ description: 'The place of the event in its revision, from 0.' }),
    type: Type.String({ description: 'The type of the event.', examples: ['number.assigned'] }),
    at: Timestamp('When it happened, for people. The order of events is that of their revisions.'),
    actor: Actor,
    request_id: nullable(Type.String({ description: 'The request that made the change.' })),
    data: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: 'The subject of the event, and in `changes` its fields before and after.',
    }),
  },
  { additionalProperties: false },
);

export const exampleEvent: Static<typeof EventBody> = {
  revision: 6,
  ordinal: 0,
  type: 'number.assigned',
  at: '2024-01-15T10:30:00.000Z',
  actor: { type: 'key', id: '0199f3a0-8b30-7d74-9e3c-6f5a0b1c2d3e' },
  request_id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
  data: {
    id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
    phone_number: '+14155551234',
    changes: { status: { from: 'available', to: 'assigned' }, user_id: { from: null, to: 'user_xyz789' } },
  },
};

export const eventBody = (event: Event): Static<typeof EventBody> => ({
  revision: event.revision,
  ordinal: event.ordinal,
  type: event.type,
  at: exactly(event.at),
  actor: { type: event.actor_type, id: event.actor_id },
  request_id: event.request_id,
  data: event.data,
});

export const EventsQuery = Type.Object(
  {
    organization_id: OrganizationId,
    after: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 40,
        description: 'The `cursor` of the reply before.',
        examples: ['6-1705314600000'],
      }),
    ),
    after_revision: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1e15,
        description: 'The last revision that you know, if you have no cursor. 0 is the beginning of the log.',
      }),
    ),
    limit: withDefault(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 100,
        description:
          'The most revisions to return. If they are large, the reply has fewer, and `has_more` is true.',
      }),
    ),
    wait: withDefault(
      Type.Integer({ minimum: 0, maximum: 60, default: 0, description: 'The most seconds to wait.' }),
    ),
  },
  { additionalProperties: false },
);

export const EventsReply = Type.Object(
  {
    events: Type.Array(EventBody, { description: 'The events, in order.' }),
    count: Type.Integer({ description: 'How many events were returned.' }),
    revision: Type.Integer({ description: 'The current revision of the organization.' }),
    cursor: Type.String({ description: 'The place after these events: pass it as `after`.' }),
    has_more: Type.Boolean({ description: 'Whether there are more revisions than were returned.' }),
  },
  {
    examples: [{ events: [exampleEvent], count: 1, revision: 6, cursor: '6-1705314600000', has_more: false }],
  },
);

export const BatchParams = Type.Object({
  batch_id: Type.String({ format: 'uuid', description: 'The id of the batch.' }),
});

export const BatchQuery = Type.Object(
  {
    piece: withDefault(
      Type.Integer({ minimum: 0, maximum: 1_000_000, default: 0, description: 'The piece, from 0.' }),
    ),
  },
  { additionalProperties: false },
);

export const BatchReply = Type.Object(
  {
    items: Type.Array(
      Type.Unsafe<unknown>({
        type: 'object',
        additionalProperties: true,
        description: 'One number and its change.',
      }),
      { description: 'The items, in order.' },
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
);
