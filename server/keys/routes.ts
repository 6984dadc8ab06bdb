import { Type } from '../../schema/schema.ts';
import { nullable } from '../../schema/shapes.ts';
import type { Db } from '../db/database.ts';
import type { Changing } from '../http/changing.ts';
import { type App, operation } from '../http/operation.ts';
import { createKey, limitKey, listKeys, revokeKey } from './keys.ts';
import { ApiKey, KeyEditBody, KeyParams, keyBody, NewKeyBody } from './schemas.ts';

export function keyRoutes(app: App, db: Db, change: Changing): void {
  app.post(
    '/v1/keys',
    operation(
      'setting',
      {
        operationId: 'createKey',
        summary: 'Create an API key',
        description:
          'Creates a key and shows its secret this once: only a hash is stored. With `organization_id` the key is bound: it sees only that organization. A bound key can create only keys with the same binding.',
        tags: ['Keys'],
        body: NewKeyBody,
        response: {
          201: Type.Object({
            key: ApiKey,
            api_key: nullable(
              Type.String({
                description: "The key's secret. Null in the replay of a request with an Idempotency-Key.",
                examples: ['lk_live_4fQz9TnB2xKc7LmR5vYw8HsJ3dPg6AeU0fZqXy'],
              }),
            ),
          }),
        },
      },
      ['key_bound', 'organization_not_found'],
    ),
    (request, reply) =>
      change(
        request,
        reply,
        201,
        async (db, caller) => {
          const { key, secret } = await createKey(db, caller, request.body);
          return { key: keyBody(key), api_key: secret as string | null };
        },
        payload => ({ ...payload, api_key: null }),
      ),
  );

  app.get(
    '/v1/keys',
    operation('admin', {
      operationId: 'listKeys',
      summary: 'List API keys',
      description:
        'Returns every key of the tenant, the oldest first, including revoked ones. A bound key sees only the keys of its organization.',
      tags: ['Keys'],
      response: {
        200: Type.Object({
          count: Type.Integer({ description: 'How many keys were returned.' }),
          keys: Type.Array(ApiKey, { description: 'The keys.' }),
        }),
      },
    }),
    async request => {
      const keys = (await listKeys(db, request.caller)).map(keyBody);
      return { count: keys.length, keys };
    },
  );

  app.patch(
    '/v1/keys/:key_id',
    operation(
      'setting',
      {
        operationId: 'limitKey',
        summary: "Change a key's limits",
        description:
          'Changes the given limits of a key, from the next request on. A bound key cannot do this. Keys and tokens that a bound key creates share its limits.',
        tags: ['Keys'],
        params: KeyParams,
        body: KeyEditBody,
        response: { 200: Type.Object({ key: ApiKey }) },
      },
      ['key_bound', 'key_not_found', 'key_shares_limits'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => ({
        key: keyBody(await limitKey(db, caller, request.params.key_id, request.body.limits)),
      })),
  );

  app.delete(
    '/v1/keys/:key_id',
    operation(
      'setting',
      {
        operationId: 'revokeKey',
        summary: 'Revoke an API key',
        description:
          'Revokes a key for good. The very next request with it is refused. Revoking it again changes nothing.',
        tags: ['Keys'],
        params: KeyParams,
        response: { 200: Type.Object({ key: ApiKey }) },
      },
      ['key_not_found'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => ({
        key: keyBody(await revokeKey(db, caller, request.params.key_id)),
      })),
  );
}
