import type { Static } from '../../../../schema/schema.ts';
import { type Db, refreshStatistics } from '../../../db/database.ts';
import type { Changing } from '../../../http/changing.ts';
import { type App, checkingTexts, operation, withBodyOf, writingInPieces } from '../../../http/operation.ts';
import { compileValidator } from '../../../http/validation.ts';
import { changeInBulk } from './bulk.ts';
import { AcceptedBulkBody, BulkBody, BulkDoneBody, BulkRejectedBody } from './schemas.ts';

type ValidatedPart = Parameters<typeof compileValidator>[0];

/** 10,000 items with some metadata. */
const bodyBytesMax = 16 * 1_048_576;

/** The route that changes many numbers at once. */
export function bulkRoutes(app: App, db: Db, change: Changing): void {
  app.post(
    '/v1/sms/phone-numbers/bulk',
    withBodyOf(
      bodyBytesMax,
      writingInPieces({
        // The API reference shows the values that an item takes, and each item is checked by itself.
        validatorCompiler: (part: ValidatedPart) =>
          compileValidator(part.httpPart === 'body' ? { ...part, schema: AcceptedBulkBody } : part),
        ...checkingTexts(
          operation(
            'change',
            {
              operationId: 'changeNumbersInBulk',
              summary: 'Change many numbers',
              description:
                'Applies up to 10,000 items in order. Each item sees what the items before it have changed. A rejected item carries its error, also if a value of it is wrong; the others are applied, unless `atomic` is set. A request is refused for an item with an unknown action or field. Each organization gets one revision, whose event names the batch.',
              tags: ['Phone numbers'],
              body: BulkBody,
              response: { 200: BulkDoneBody, 422: BulkRejectedBody },
            },
            ['organization_not_found'],
          ),
        ),
      }),
    ),
    async (request, reply) => {
      let changed = 0;
      const answer = await change(
        request,
        reply,
        200,
        async (db, caller): Promise<Static<typeof BulkDoneBody>> => {
          const results = await changeInBulk(db, caller, request.body);
          const done = results.filter(result => result.done).length;
          if (!request.body.dry_run) changed = done;
          return { dry_run: request.body.dry_run, done, rejected: results.length - done, results };
        },
      );
      await refreshStatistics(db, changed);
      return answer;
    },
  );
}
