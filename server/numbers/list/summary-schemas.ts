import { Type } from '../../../schema/schema.ts';
import { nullable, UserId } from '../../../schema/shapes.ts';

const Count = Type.Integer({ description: 'How many numbers.' });

export const SummaryBody = Type.Object(
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
        available: Type.Integer({ description: 'How many of these are available.' }),
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
      { description: 'The user with the most numbers first.' },
    ),
    stock: Type.Object(
      {
        available: Type.Integer({ description: 'How many numbers are available.' }),
        threshold: nullable(Type.Integer({ description: "The tenant's low_stock_threshold, or null." })),
        low: Type.Boolean({ description: 'Whether fewer are available than the threshold.' }),
      },
      { description: 'Whether enough numbers are available.' },
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
