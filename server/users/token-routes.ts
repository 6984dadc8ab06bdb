import { Type } from '../../schema/schema.ts';
import { nullable, Timestamp } from '../../schema/shapes.ts';
import type { Changing } from '../http/changing.ts';
import { type App, operation, timestamp } from '../http/operation.ts';
import { UserParams } from './schemas.ts';
import { createToken, revokeToken, type Token } from './tokens.ts';

const TokenBody = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'The id of the token.' }),
    created_at: Timestamp('When the token was created.'),
    expires_at: Timestamp('When the token expires.', '2024-01-15T11:30:00Z'),
    revoked_at: nullable(Timestamp('When the token was revoked.')),
  },
  {
    description: 'A token, without its secret.',
    additionalProperties: false,
    examples: [
      {
        id: '0199f3a0-be63-70a7-b16f-9c8d3e4f5061',
        created_at: '2024-01-15T10:30:00Z',
        expires_at: '2024-01-15T11:30:00Z',
        revoked_at: null,
      },
    ],
  },
);

const tokenBody = (token: Token) => ({
  id: token.id,
  created_at: timestamp(token.created_at),
  expires_at: timestamp(token.expires_at),
  revoked_at: timestamp(token.revoked_at),
});

export function tokenRoutes(app: App, change: Changing): void {
  app.post(
    '/v1/organizations/:organization_id/users/:user_id/tokens',
    operation(
      'setting',
      {
        operationId: 'createToken',
        summary: 'Create a token for a user',
        description:
          "Creates a short-lived token for a user's calls (`Authorization: Bearer …`), which may carry a key too. A user with permission `user` sees their own numbers; an `admin` manages the organization. Only a key can create tokens.",
        tags: ['Users'],
        params: UserParams,
        body: Type.Object(
          {
            expires_in: Type.Integer({
              minimum: 1,
              maximum: 86_400,
              description: 'How long the token is valid, in seconds: a day at most.',
            }),
          },
          { additionalProperties: false, examples: [{ expires_in: 3600 }] },
        ),
        response: {
          201: Type.Object({
            token: TokenBody,
            access_token: nullable(
              Type.String({
                description: "The token's secret. Null in the replay of a request with an Idempotency-Key.",
                examples: ['lk_user_4fQz9TnB2xKc7LmR5vYw8HsJ3dPg6AeU0fZqXy'],
              }),
            ),
          }),
        },
      },
      ['organization_not_found', 'user_not_found', 'user_not_active'],
    ),
    (request, reply) =>
      change(
        request,
        reply,
        201,
        async (db, caller) => {
          const { organization_id, user_id } = request.params;
          const { token, secret } = await createToken(
            db,
            caller,
            organization_id,
            user_id,
            request.body.expires_in,
          );
          return { token: tokenBody(token), access_token: secret as string | null };
        },
        payload => ({ ...payload, access_token: null }),
      ),
  );

  app.delete(
    '/v1/organizations/:organization_id/users/:user_id/tokens/:token_id',
    operation(
      'setting',
      {
        operationId: 'revokeToken',
        summary: 'Revoke a token',
        description:
          'Revokes a token for good. The very next request with it is refused. Revoking it again changes nothing.',
        tags: ['Users'],
        params: Type.Object({
          ...UserParams.properties,
          token_id: Type.String({ format: 'uuid', description: 'The id of the token.' }),
        }),
        response: { 200: Type.Object({ token: TokenBody }) },
      },
      ['organization_not_found', 'user_not_found', 'token_not_found'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        const { organization_id, user_id, token_id } = request.params;
        return { token: tokenBody(await revokeToken(db, caller, organization_id, user_id, token_id)) };
      }),
  );
}
