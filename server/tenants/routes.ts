import { Type } from '../../schema/schema.ts';
import type { Db } from '../db/database.ts';
import type { Changing } from '../http/changing.ts';
import { type App, operation } from '../http/operation.ts';
import { NumbersConfig, TenantBody, TenantEditBody } from './schemas.ts';
import { editTenant, getTenant, numbersConfig } from './tenants.ts';

const TenantReply = Type.Object({ tenant: TenantBody });

export function tenantRoutes(app: App, db: Db, change: Changing): void {
  app.get(
    '/v1/tenant',
    operation('read', {
      operationId: 'getTenant',
      summary: 'Get the settings',
      description: 'Returns the tenant of the key, with its settings for all organizations.',
      tags: ['Settings'],
      response: { 200: TenantReply },
    }),
    async request => ({ tenant: await getTenant(db, request.caller) }),
  );

  app.patch(
    '/v1/tenant',
    operation(
      'setting',
      {
        operationId: 'editTenant',
        summary: 'Change the settings',
        description:
          'Changes the given fields. They apply to everything that happens from now on. A bound key cannot do this.',
        tags: ['Settings'],
        body: TenantEditBody,
        response: { 200: TenantReply },
      },
      ['key_bound'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => ({
        tenant: await editTenant(db, caller, request.body),
      })),
  );

  app.get(
    '/v1/sms/phone-numbers/config',
    operation('own', {
      operationId: 'getNumbersConfig',
      summary: 'Get the purchase settings',
      description:
        'Returns whether organizations of the tenant may buy numbers, how many, and at what price. A client needs this to decide whether to offer purchases.',
      tags: ['Phone numbers'],
      response: { 200: NumbersConfig },
    }),
    async request => numbersConfig(db, request.caller),
  );
}
