import { Type } from '../../schema/schema.ts';
import type { Db } from '../db/database.ts';
import type { Changing } from '../http/changing.ts';
import { type App, operation } from '../http/operation.ts';
import { rowsAtOnce, sendLongList } from '../http/pieces/long-list.ts';
import type { AllShares } from '../http/shares.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { OrganizationParams } from '../organizations/schemas.ts';
import { NewUserBody, User, UserEditBody, UserParams, userBody } from './schemas.ts';
import { createUser, editUser, getUser, listUsers, listUsersById, userIds } from './users.ts';

const UserReply = Type.Object({ user: User });

export function userRoutes(app: App, db: Db, change: Changing, shares: AllShares, brand: string): void {
  app.post(
    '/v1/organizations/:organization_id/users',
    operation(
      'change',
      {
        operationId: 'createUser',
        summary: 'Create a user',
        description:
          'Creates a user of an organization. The e-mail address must be unique in the organization, regardless of case.',
        tags: ['Users'],
        params: OrganizationParams,
        body: NewUserBody,
        response: { 201: UserReply },
      },
      ['organization_not_found', 'email_taken', 'user_id_taken'],
    ),
    (request, reply) =>
      change(request, reply, 201, async (db, caller) => ({
        user: userBody(await createUser(db, caller, request.params.organization_id, request.body)),
      })),
  );

  app.get(
    '/v1/organizations/:organization_id/users',
    operation(
      'read',
      {
        operationId: 'listUsers',
        summary: 'List users',
        description: 'Returns every user of an organization, the oldest first.',
        tags: ['Users'],
        params: OrganizationParams,
        response: {
          200: Type.Object({
            count: Type.Integer({ description: 'How many users were returned.' }),
            users: Type.Array(User, { description: 'The users.' }),
          }),
        },
      },
      ['organization_not_found'],
    ),
    async (request, reply) => {
      const { caller, params } = request;
      const { id } = await findOrganization(db, caller, params.organization_id);
      const first = await listUsers(db, caller, id, rowsAtOnce + 1);
      if (first.length > rowsAtOnce)
        return sendLongList(shares, request, reply, {
          name: 'users',
          ids: await userIds(db, caller, id),
          read: async ids => (await listUsersById(db, caller, id, ids)).map(userBody),
          brand,
        });
      const users = first.map(userBody);
      return { count: users.length, users };
    },
  );

  app.get(
    '/v1/organizations/:organization_id/users/:user_id',
    operation(
      'read',
      {
        operationId: 'getUser',
        summary: 'Get a user',
        description: 'Returns one user of an organization.',
        tags: ['Users'],
        params: UserParams,
        response: { 200: UserReply },
      },
      ['organization_not_found', 'user_not_found'],
    ),
    async request => {
      const { organization_id, user_id } = request.params;
      return { user: userBody(await getUser(db, request.caller, organization_id, user_id)) };
    },
  );

  app.patch(
    '/v1/organizations/:organization_id/users/:user_id',
    operation(
      'change',
      {
        operationId: 'editUser',
        summary: 'Edit a user',
        description:
          'Changes the given fields. A user who is no longer active keeps their numbers but gets no new ones.',
        tags: ['Users'],
        params: UserParams,
        body: UserEditBody,
        response: { 200: UserReply },
      },
      ['organization_not_found', 'user_not_found', 'email_taken'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        const { organization_id, user_id } = request.params;
        return { user: userBody(await editUser(db, caller, organization_id, user_id, request.body)) };
      }),
  );
}
