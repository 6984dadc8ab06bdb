import { Type } from '../../schema/schema.ts';
import type { Db } from '../db/database.ts';
import type { Changing } from '../http/changing.ts';
import { type App, operation } from '../http/operation.ts';
import { rowsAtOnce, sendLongList } from '../http/pieces/long-list.ts';
import type { AllShares } from '../http/shares.ts';
import {
  createOrganization,
  editOrganization,
  getOrganization,
  listOrganizations,
  listOrganizationsById,
  organizationIds,
} from './organizations.ts';
import {
  NewOrganizationBody,
  Organization,
  OrganizationEditBody,
  OrganizationParams,
  organizationBody,
} from './schemas.ts';

const OrganizationReply = Type.Object({ organization: Organization });

export function organizationRoutes(
  app: App,
  db: Db,
  change: Changing,
  shares: AllShares,
  brand: string,
): void {
  app.post(
    '/v1/organizations',
    operation(
      'setting',
      {
        operationId: 'createOrganization',
        summary: 'Create an organization',
        description: 'Creates an organization of the tenant. A bound key cannot do this.',
        tags: ['Organizations'],
        body: NewOrganizationBody,
        response: { 201: OrganizationReply },
      },
      ['key_bound', 'organization_id_taken'],
    ),
    (request, reply) =>
      change(request, reply, 201, async (db, caller) => ({
        organization: organizationBody(await createOrganization(db, caller, request.body)),
      })),
  );

  app.get(
    '/v1/organizations',
    operation('read', {
      operationId: 'listOrganizations',
      summary: 'List organizations',
      description: 'Returns every organization that the key can see, the oldest first.',
      tags: ['Organizations'],
      response: {
        200: Type.Object({
          count: Type.Integer({ description: 'How many organizations were returned.' }),
          organizations: Type.Array(Organization, { description: 'The organizations.' }),
        }),
      },
    }),
    async (request, reply) => {
      const { caller } = request;
      const first = await listOrganizations(db, caller, rowsAtOnce + 1);
      if (first.length > rowsAtOnce)
        return sendLongList(shares, request, reply, {
          name: 'organizations',
          ids: await organizationIds(db, caller),
          read: async ids => (await listOrganizationsById(db, caller, ids)).map(organizationBody),
          brand,
        });
      const organizations = first.map(organizationBody);
      return { count: organizations.length, organizations };
    },
  );

  app.get(
    '/v1/organizations/:organization_id',
    operation(
      'read',
      {
        operationId: 'getOrganization',
        summary: 'Get an organization',
        description: 'Returns one organization.',
        tags: ['Organizations'],
        params: OrganizationParams,
        response: { 200: OrganizationReply },
      },
      ['organization_not_found'],
    ),
    async request => ({
      organization: organizationBody(
        await getOrganization(db, request.caller, request.params.organization_id),
      ),
    }),
  );

  app.patch(
    '/v1/organizations/:organization_id',
    operation(
      'change',
      {
        operationId: 'editOrganization',
        summary: 'Edit an organization',
        description:
          'Changes the given fields. A new `sms_registration_status` also sets the date of its step. Bound keys and users cannot change the carrier account, the spending cap or the registration at the carrier: the tenant decides these.',
        tags: ['Organizations'],
        params: OrganizationParams,
        body: OrganizationEditBody,
        response: { 200: OrganizationReply },
      },
      ['key_bound', 'organization_not_found'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => ({
        organization: organizationBody(
          await editOrganization(db, caller, request.params.organization_id, request.body),
        ),
      })),
  );
}
