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

export function atCarrierRoutes(app: App, db: Db, carriers: Carriers, change: Changing): void {
  app.delete(
    onePath,
    operation(
      'change',
      {
        operationId: 'releaseNumber',
        summary: 'Release a number',
        description: `Releases a number. Its records stay, and its assignment or reservation ends. Releasing it again returns 200 with \`already_released\`. A number of a carrier account is released at the carrier first. If that fails, the response is 502 with the carrier's reason in \`detail\`. The error says whether nothing was changed, or the outcome is unknown. In the second case the server keeps trying, and the number is \`leaving\` meanwhile. A repeat is safe either way, also with the same \`Idempotency-Key\`. With an undo window (a tenant setting), the release can be undone until \`released_at\`, and the carrier is called only after that. ${narrowing}`,
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
        summary: 'Undo a release',
        description: `Undoes a release within the undo window. The number returns to its user if they are still active, and is available otherwise. ${narrowing}`,
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
        description: `Retries a failed attachment. A bought number is \`pending\` until its carrier has attached it to the organization's 10DLC registration. The server attaches it automatically. If the carrier refuses, \`pending_reason\` says why, and the server does not retry until this route is called. ${narrowing}`,
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
