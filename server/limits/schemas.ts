import { Type } from '../../schema/schema.ts';
import { nullable, oneOf, Timestamp } from '../../schema/shapes.ts';
import { TenantLimitNames } from './limits.ts';

const CurrentLimit = Type.Object(
  {
    of: oneOf(['tenant', 'key'], {
      description:
        '`tenant`: all calls of the tenant count. `key`: those with this key, and with what it created.',
    }),
    limit: oneOf(TenantLimitNames, {
      description: 'The name of the limit. An error that refuses a call names it.',
    }),
    max: nullable(Type.Number({ description: 'The limit. Null: there is none.' })),
    used: nullable(
      Type.Number({ description: 'How much of it is used now, or today. Null: it is not counted.' }),
    ),
    renews_at: nullable(
      Timestamp('When all of it is free again. Null: when calls end, or numbers are released.'),
    ),
  },
  { additionalProperties: false },
);

export const LimitsReply = Type.Object(
  { limits: Type.Array(CurrentLimit, { description: 'The limits that the caller may see.' }) },
  {
    examples: [
      {
        limits: [
          {
            of: 'tenant',
            limit: 'requests_per_day',
            max: 1_000_000,
            used: 48_113,
            renews_at: '2024-01-16T00:00:00Z',
          },
          { of: 'tenant', limit: 'imports', max: 2, used: 0, renews_at: null },
        ],
      },
    ],
  },
);
