import { Type } from '../../../schema/schema.ts';
import type { Carriers } from '../../accounts/open.ts';
import type { Db } from '../../db/database.ts';
import { answer, type Changing, changingCaller, once } from '../../http/changing.ts';
import { type App, operation } from '../../http/operation.ts';
import { restoreNumber } from '../life/moves.ts';
import { Released, TargetQuery } from '../life/schemas.ts';
import { detailOf } from '../list/details.ts';
import { NumberDetail, NumberParams } from '../schemas.ts';
import { carryOutRelease } from './carrier-release.ts';
import { beginRelease } from './release.ts';

const one = '/v1/sms/phone-numbers/:phone_number';
const tags: ['Phone numbers'] = ['Phone numbers'];
const narrowing = 'With `organization_id` a number of any other organization is not found.';
const Detail = Type.Object({ phone_number: NumberDetail });
const target = { params: NumberParams, querystring: TargetQuery };

/** The routes that give a number up, and take that back. */
export function releaseRoutes(app: App, db: Db, carriers: Carriers, change: Changing): void {
  app.delete(
    one,
    operation(
      'change',
      {
        operationId: 'releaseNumber',
        summary: 'Release a number',
        description: `Gives a number up; it stays in the records. An assignment or reservation ends with it. Releasing it again answers 200 with \`already_released\`. A number of a carrier account is released there first: 502 tells, with the carrier's own reason in \`detail\`, that this has failed and nothing was changed here, or that the carrier has not said what became of it; that is followed up, and the number is \`leaving\` meanwhile. Either way a repeat is safe, with the same \`Idempotency-Key\` too. With an undo window (see the tenant's settings) it can be taken back until \`released_at\`, and only then is the carrier asked. ${narrowing}`,
        tags,
        ...target,
        response: { 200: Released },
      },
      ['number_not_found', 'number_locked', 'carrier_failed', 'secret_key_missing'],
    ),
    async (request, reply) => {
      const number = { ...request.params, ...request.query };
      const begun = await once(db, request, 200, (db, caller) =>
        beginRelease(db, caller, number, carriers.settings.settleMs),
      );
      const { payload, replayed } = begun;
      if ('released_at' in payload) return answer(reply, { ...begun, payload });
      const caller = changingCaller(request);
      return answer(reply, {
        ...begun,
        payload: await carryOutRelease(db, carriers, caller, number, payload, replayed),
      });
    },
  );

  app.post(
    `${one}/restore`,
    operation(
      'change',
      {
        operationId: 'restoreNumber',
        summary: 'Take a release back',
        description: `Within the undo window: the number is available again, or with the user who had it if they are still active. ${narrowing}`,
        tags,
        ...target,
        response: { 200: Detail },
      },
      ['organization_not_active', 'number_not_found', 'number_not_releasing', 'number_leaving'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        await restoreNumber(db, caller, { ...request.params, ...request.query });
        return {
          phone_number: await detailOf(
            db,
            caller,
            request.params.phone_number,
            request.query.default_country,
          ),
        };
      }),
  );
}
