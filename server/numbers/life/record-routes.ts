import { Type } from '../../../schema/schema.ts';
import type { Changing } from '../../http/changing.ts';
import { type App, operation, withBodyOf } from '../../http/operation.ts';
import { detailOf } from '../list/details.ts';
import { CountryQuery, NumberDetail, NumberParams, OneNumber } from '../schemas.ts';
import { addNumbers } from './arrivals.ts';
import { editNumber } from './moves.ts';
import { AddNumbersBody, NumberEditBody } from './schemas.ts';

/** The routes that add numbers and edit one. */
export function recordRoutes(app: App, change: Changing): void {
  app.post(
    '/v1/sms/phone-numbers',
    withBodyOf(
      1_048_576,
      operation(
        'change',
        {
          operationId: 'addNumbers',
          summary: 'Add numbers',
          description:
            'Adds up to 1,000 numbers that you already own to an organization, all or none. A number with `user_id` (a unique_id or an e-mail address) is assigned at once.',
          tags: ['Phone numbers'],
          body: AddNumbersBody,
          response: {
            201: Type.Object({
              phone_numbers: Type.Array(NumberDetail, { description: 'The numbers, in the order given.' }),
              count: Type.Integer({ description: 'How many numbers were added.' }),
            }),
          },
        },
        [
          ...(['organization_not_active', 'organization_not_found', 'number_taken', 'value_taken'] as const),
          'tenant_limit_reached',
        ],
      ),
    ),
    (request, reply) =>
      change(request, reply, 201, async (db, caller) => {
        const phone_numbers = await addNumbers(db, caller, request.body);
        return { phone_numbers, count: phone_numbers.length };
      }),
  );

  app.patch(
    '/v1/sms/phone-numbers/:phone_number',
    operation(
      'change',
      {
        operationId: 'editNumber',
        summary: 'Edit a number',
        description: 'Changes the fields that are given. Null clears a field.',
        tags: ['Phone numbers'],
        params: NumberParams,
        querystring: CountryQuery,
        body: NumberEditBody,
        response: { 200: OneNumber },
      },
      ['number_not_found', 'value_taken'],
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
}
