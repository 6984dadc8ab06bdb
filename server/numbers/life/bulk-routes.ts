import type { Static } from '../../../schema/schema.ts';
import { type Db, refreshStatistics } from '../../db/database.ts';
import type { Changing } from '../../http/changing.ts';
import { type App, operation } from '../../http/operation.ts';
import { changeInBulk } from './bulk.ts';
import { BulkBody, Done, Rejected } from './bulk-schemas.ts';

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
}
