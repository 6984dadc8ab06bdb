import { type Static, Type } from 'typebox';
import type { Db } from '../db/database.ts';
import type { Changing } from '../http/changing.ts';
import { type App, nullable, operation } from '../http/operation.ts';
import { editTenant, getTenant } from './tenants.ts';

const Seconds = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 315_360_000, description: `${description}, in seconds.` });

const settings = {
  name: Type.String({ minLength: 1, maxLength: 200, description: 'What the tenant is called.' }),
  cool_down_seconds: Seconds('How long a number rests after it is unassigned'),
  transfer_cool_down_seconds: Seconds('How long a number rests after it has changed organizations'),
  release_undo_seconds: Seconds('For how long a release can be taken back'),
  low_stock_threshold: nullable(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000,
      description: 'Fewer available numbers than this are a low stock; null for none.',
    }),
  ),
};

const TenantBody = Type.Object(
  { id: Type.String({ format: 'uuid', description: 'The id of the tenant.' }), ...settings },
  {
    description: 'The tenant and its settings.',
    additionalProperties: false,
    examples: [
      {
        id: '0199f3a0-5f1b-7a11-8c0d-7a5e9b3c1d2e',
        name: 'Demonstration',
        cool_down_seconds: 0,
        transfer_cool_down_seconds: 3_888_000,
        release_undo_seconds: 0,
        low_stock_threshold: null,
      },
    ],
  },
);

const EditBody = Type.Partial(Type.Object(settings), {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ release_undo_seconds: 86_400, low_stock_threshold: 20 }],
});

export type TenantEdit = Partial<Omit<Static<typeof TenantBody>, 'id'>>;

const One = Type.Object({ tenant: TenantBody });

export function tenantRoutes(app: App, db: Db, change: Changing): void {
  app.get(
    '/v1/tenant',
    operation('read', {
      operationId: 'getTenant',
      summary: 'Get the settings',
      description:
        'The tenant that the key belongs to, and what it has decided for all of its organizations.',
      tags: ['Settings'],
      response: { 200: One },
    }),
    async request => ({ tenant: await getTenant(db, request.who) }),
  );

  app.patch(
    '/v1/tenant',
    operation(
      'setting',
      {
        operationId: 'editTenant',
        summary: 'Change the settings',
        description:
          'Changes the fields that are given, for everything that happens from now on. A bound key cannot.',
        tags: ['Settings'],
        body: EditBody,
        response: { 200: One },
      },
      ['key_bound'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, who) => ({ tenant: await editTenant(db, who, request.body) })),
  );
}
