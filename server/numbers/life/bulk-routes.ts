import { type Static, type TSchema, Type } from '../../../schema/schema.ts';
import { type Db, refreshStatistics } from '../../db/database.ts';
import { problems } from '../../errors.ts';
import type { Changing } from '../../http/changing.ts';
import { type App, nullable, operation, withDefault } from '../../http/operation.ts';
import { OrganizationId } from '../../organizations/schemas.ts';
import { UserId } from '../../users/schemas.ts';
import { summarize } from '../list/summary.ts';
import { AnyWriting, DefaultCountry, Metadata, Nickname, Tags } from '../schemas.ts';
import { type BulkItem, changeInBulk } from './bulk.ts';

const named = <const A extends string, P extends Record<string, TSchema>>(action: A, fields: P) =>
  Type.Object(
    { action: Type.Literal(action, { description: 'What to do.' }), phone_number: AnyWriting, ...fields },
    { additionalProperties: false },
  );

const Items = Type.Unsafe<BulkItem[]>({
  type: 'array',
  minItems: 1,
  maxItems: 10_000,
  description: 'What to do, in order.',
  items: {
    type: 'object',
    required: ['action', 'phone_number'],
    properties: {
      action: {
        type: 'string',
        enum: ['assign', 'unassign', 'tag', 'transfer', 'release', 'edit'],
        description: 'What to do.',
      },
    },
    discriminator: { propertyName: 'action' },
    oneOf: [
      named('assign', { user_id: UserId }),
      named('unassign', {}),
      named('tag', { add: Type.Optional(Tags), remove: Type.Optional(Tags) }),
      named('transfer', {
        to_organization_id: OrganizationId,
        end_assignment: Type.Optional(
          Type.Boolean({ description: 'Whether an assignment that stands in the way is ended.' }),
        ),
      }),
      named('release', {}),
      named('edit', {
        nickname: Type.Optional(nullable(Nickname)),
        tags: Type.Optional(nullable(Tags)),
        locked: Type.Optional(nullable(Type.Boolean({ description: 'Whether it must not be released.' }))),
        metadata: Type.Optional(nullable(Metadata)),
      }),
    ],
  },
});

const BulkBody = Type.Object(
  {
    items: Items,
    atomic: withDefault(
      Type.Boolean({
        default: false,
        description: 'If true, one rejected item means that nothing is changed.',
      }),
    ),
    dry_run: withDefault(
      Type.Boolean({ default: false, description: 'If true, only tells what would happen.' }),
    ),
    default_country: DefaultCountry,
  },
  {
    additionalProperties: false,
    examples: [
      {
        items: [
          { action: 'assign', phone_number: '+14155555678', user_id: 'user_xyz789' },
          { action: 'tag', phone_number: '+14155551234', add: ['west'] },
        ],
      },
    ],
  },
);

const Result = Type.Object(
  {
    index: Type.Integer({ description: 'The place of the item, from 0.' }),
    phone_number: Type.String({ description: 'The number, in E.164 where it could be read.' }),
    done: Type.Boolean({ description: 'Whether it was done, or would be.' }),
    code: Type.Optional(Type.String({ description: 'Why not, for programs.' })),
    error: Type.Optional(Type.String({ description: 'Why not, for people.' })),
  },
  { additionalProperties: false },
);

const results = [
  { index: 0, phone_number: '+14155555678', done: true },
  {
    index: 1,
    phone_number: '+14155551234',
    done: false,
    code: 'number_not_found',
    error: 'Phone number not found',
  },
];

const Done = Type.Object(
  {
    dry_run: Type.Boolean({ description: 'Whether this was only a rehearsal.' }),
    done: Type.Integer({ description: 'How many items were done, or would be.' }),
    rejected: Type.Integer({ description: 'How many were not.' }),
    results: Type.Array(Result, { description: 'One for each item, in order.' }),
  },
  { examples: [{ dry_run: false, done: 1, rejected: 1, results }] },
);

/** An atomic bulk that was refused: an error with the result of each item. */
const Rejected = Type.Object(
  {
    success: Type.Literal(false, { description: 'Whether the request was successful.' }),
    error: Type.String({ description: 'What is wrong, for people.' }),
    detail: Type.Optional(Type.String({ description: 'More of it.' })),
    code: Type.String({ description: 'What is wrong, for programs.' }),
    request_id: Type.String({ description: 'Names this request in the log of the server.' }),
    results: Type.Optional(Type.Array(Result, { description: 'One for each item, in order.' })),
    powered_by: Type.String({ description: "The server's brand." }),
  },
  {
    additionalProperties: false,
    examples: [
      {
        success: false,
        error: '1 of 2 items was rejected, so nothing was changed',
        code: 'bulk_rejected',
        request_id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
        results,
        powered_by: 'Teli',
      },
      {
        success: false,
        error: problems.idempotency_mismatch[1],
        code: 'idempotency_mismatch',
        request_id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
        powered_by: 'Teli',
      },
    ],
  },
);

const Count = Type.Integer({ description: 'How many numbers.' });

const SummaryBody = Type.Object(
  {
    total: Count,
    by_status: Type.Array(
      Type.Object({ status: Type.String({ description: 'The status.' }), count: Count }),
      { description: 'The most frequent first.' },
    ),
    by_area_code: Type.Array(
      Type.Object({
        area_code: nullable(Type.String({ description: 'The area code; null for numbers that have none.' })),
        count: Count,
        available: Type.Integer({ description: 'How many of them are available.' }),
      }),
      { description: 'The most frequent first.' },
    ),
    by_user: Type.Array(
      Type.Object({
        user_id: UserId,
        name: Type.String({ description: "The user's full name." }),
        email: Type.String({ description: "The user's e-mail address." }),
        count: Count,
      }),
      { description: 'Who has how many, the most first.' },
    ),
    stock: Type.Object(
      {
        available: Type.Integer({ description: 'How many numbers are available.' }),
        threshold: nullable(Type.Integer({ description: "The tenant's low_stock_threshold, or null." })),
        low: Type.Boolean({ description: 'Whether fewer are available than the threshold.' }),
      },
      { description: 'Whether there are enough.' },
    ),
  },
  {
    examples: [
      {
        total: 2,
        by_status: [
          { status: 'assigned', count: 1 },
          { status: 'available', count: 1 },
        ],
        by_area_code: [{ area_code: '415', count: 2, available: 1 }],
        by_user: [{ user_id: 'user_xyz789', name: 'John Smith', email: 'john@company.com', count: 1 }],
        stock: { available: 1, threshold: 5, low: true },
      },
    ],
  },
);

/** 10,000 items do not fit into what any other call may send. */
export const bulky = <O extends object>(options: O) => ({ ...options, bodyLimit: 16 * 1_048_576 });

/** The routes that are about many numbers at once. */
export function bulkRoutes(app: App, db: Db, change: Changing): void {
  app.post(
    '/v1/sms/phone-numbers/bulk',
    bulky(
      operation(
        'change',
        {
          operationId: 'changeNumbersInBulk',
          summary: 'Change many numbers',
          description:
            'Up to 10,000 items, each done on what the ones before it have left. What is wrong with one is told in its result; the others are done, unless `atomic`. One revision of each organization, whose event names the batch.',
          tags: ['Phone numbers'],
          body: BulkBody,
          response: { 200: Done, 422: Rejected },
        },
        ['organization_not_found'],
      ),
    ),
    async (request, reply) => {
      const answer = await change(request, reply, 200, async (db, caller): Promise<Static<typeof Done>> => {
        const results = await changeInBulk(db, caller, request.body);
        const done = results.filter(result => result.done).length;
        return { dry_run: request.body.dry_run, done, rejected: results.length - done, results };
      });
      await refreshStatistics(db, request.body.items.length);
      return answer;
    },
  );

  app.get(
    '/v1/sms/phone-numbers/summary',
    operation(
      'read',
      {
        operationId: 'summarizeNumbers',
        summary: 'Count numbers',
        description:
          'How many numbers an organization has: by status, by area code, by user; and whether the stock is low.',
        tags: ['Phone numbers'],
        querystring: Type.Object({ organization_id: OrganizationId }, { additionalProperties: false }),
        response: { 200: SummaryBody },
      },
      ['organization_not_found'],
    ),
    ({ caller, query }) => summarize(db, caller, query.organization_id),
  );
}
