import type { Carriers } from '../../accounts/open.ts';
import type { Db } from '../../db/database.ts';
import { type Changing, changeOnce, changingCaller, sendReply } from '../../http/changing.ts';
import { type App, operation } from '../../http/operation.ts';
import { restoreNumber } from '../life/moves.ts';
import { narrowing, onePath, Released, target } from '../life/schemas.ts';
import { detailOf } from '../list/details.ts';
import { OneNumber } from '../schemas.ts';
import { resumeNumberAttachment } from './attachment.ts';
import { carryOutRelease } from './carrier-release.ts';
import { beginRelease } from './release.ts';

const tags: ['Phone numbers'] = ['Phone numbers'];

/** The routes whose work goes on at a carrier: to release a number, to take that back, to attach it. */
export function atCarrierRoutes(app: App, db: Db, carriers: Carriers, change: Changing): void {
  app.delete(
    onePath,
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
      const begun = await changeOnce(db, request, 200, (db, caller) =>
        beginRelease(db, caller, number, carriers.settings.settleMs),
      );
      const { payload, replayed } = begun;
      if ('released_at' in payload) return sendReply(reply, { ...begun, payload });
      const caller = changingCaller(request);
      return sendReply(reply, {
        ...begun,
        payload: await carryOutRelease(db, carriers, caller, number, payload, replayed),
      });
    },
  );

  app.post(
    `${onePath}/restore`,
    operation(
      'change',
      {
        operationId: 'restoreNumber',
        summary: 'Take a release back',
        description: `Within the undo window: the number is available again, or with the user who had it if they are still active. ${narrowing}`,
        tags,
        ...target,
        response: { 200: OneNumber },
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

  app.post(
    `${onePath}/attach`,
    operation(
      'change',
      {
        operationId: 'attachNumber',
        summary: 'Attach a pending number again',
        description: `A bought number is \`pending\` until its carrier has attached it to the organization's 10DLC registration. That is tried by itself; where the carrier has refused, \`pending_reason\` says why, and this has it tried again. ${narrowing}`,
        tags,
        ...target,
        response: { 200: OneNumber },
      },
      ['number_not_found', 'number_not_pending', 'number_leaving'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        const number = { ...request.params, ...request.query };
        await resumeNumberAttachment(db, caller, number);
        return {
          phone_number: await detailOf(db, caller, number.phone_number, number.default_country),
        };
      }),
  );
}
