import { Type } from '../../schema/schema.ts';
import type { Db } from '../db/database.ts';
import type { Changing } from '../http/changing.ts';
import { type App, operation } from '../http/operation.ts';
import {
  addAccount,
  checkAccount,
  checkEdit,
  checkNewAccount,
  editAccount,
  getAccount,
  listAccounts,
  recordTest,
  removeAccount,
} from './accounts.ts';
import { assertOffered, type Carriers } from './open.ts';
import { getBook, setFaults } from './sandbox-account.ts';
import { FaultsBody, SandboxBook, sandboxBody } from './sandbox-schemas.ts';
import {
  AccountEditBody,
  AccountParams,
  AccountReply,
  accountBody,
  CarrierAccount,
  CarrierKinds,
  factsBody,
  kindBodies,
  NewAccountBody,
  TestReply,
} from './schemas.ts';

const testErrors = ['carrier_rejected', 'carrier_failed', 'secret_key_missing'] as const;
const accountErrors = ['key_bound', 'carrier_account_not_found'] as const;

export function carrierRoutes(app: App, db: Db, carriers: Carriers, change: Changing): void {
  const { vault } = carriers;

  app.get(
    '/v1/carriers',
    operation('read', {
      operationId: 'listCarriers',
      summary: 'List the carriers',
      description:
        'Returns every kind of carrier that an account can be added at, and the credentials that it needs.',
      tags: ['Carriers'],
      response: { 200: CarrierKinds },
    }),
    async () => {
      const kinds = kindBodies().filter(({ name }) => name !== 'sandbox' || carriers.settings.sandbox);
      return { count: kinds.length, carriers: kinds };
    },
  );

  app.get(
    '/v1/carrier-accounts',
    operation(
      'read',
      {
        operationId: 'listCarrierAccounts',
        summary: 'List carrier accounts',
        description: 'Returns every account of the tenant, the oldest first. A bound key cannot see them.',
        tags: ['Carriers'],
        response: {
          200: Type.Object({
            count: Type.Integer({ description: 'How many accounts were returned.' }),
            carrier_accounts: Type.Array(CarrierAccount, { description: 'The accounts.' }),
          }),
        },
      },
      ['key_bound'],
    ),
    async request => {
      const accounts = await listAccounts(db, request.caller);
      return { count: accounts.length, carrier_accounts: accounts.map(row => accountBody(row, vault)) };
    },
  );

  app.post(
    '/v1/carrier-accounts',
    operation(
      'setting',
      {
        operationId: 'createCarrierAccount',
        summary: 'Add a carrier account',
        description:
          'Adds an account at a carrier. Its credentials are first tested there, then stored encrypted. Secrets are never shown again.',
        tags: ['Carriers'],
        body: NewAccountBody,
        response: { 201: AccountReply },
      },
      ['key_bound', 'carrier_account_taken', 'carrier_incapable', ...testErrors],
    ),
    async (request, reply) => {
      const account = await checkNewAccount(carriers, request.caller, request.body);
      return change(request, reply, 201, async (db, caller) => ({
        carrier_account: accountBody(await addAccount(db, caller, account), vault),
      }));
    },
  );

  app.get(
    '/v1/carrier-accounts/:account_id',
    operation(
      'read',
      {
        operationId: 'getCarrierAccount',
        summary: 'Get a carrier account',
        description: 'Returns one account, without its secrets.',
        tags: ['Carriers'],
        params: AccountParams,
        response: { 200: AccountReply },
      },
      [...accountErrors],
    ),
    async ({ caller, params }) => ({
      carrier_account: accountBody(await getAccount(db, caller, params.account_id), vault),
    }),
  );

  app.patch(
    '/v1/carrier-accounts/:account_id',
    operation(
      'setting',
      {
        operationId: 'editCarrierAccount',
        summary: 'Edit a carrier account',
        description:
          'Changes the given fields. New credentials must be of the same account at the carrier. They replace all old ones after passing the test, and the next use of the account has them.',
        tags: ['Carriers'],
        params: AccountParams,
        body: AccountEditBody,
        response: { 200: AccountReply },
      },
      [...accountErrors, 'carrier_account_taken', 'carrier_incapable', ...testErrors],
    ),
    async (request, reply) => {
      const id = request.params.account_id;
      const edit = await checkEdit(db, carriers, request.caller, id, request.body);
      return change(request, reply, 200, async (db, caller) => ({
        carrier_account: accountBody(await editAccount(db, caller, id, edit), vault),
      }));
    },
  );

  app.delete(
    '/v1/carrier-accounts/:account_id',
    operation(
      'setting',
      {
        operationId: 'removeCarrierAccount',
        summary: 'Remove a carrier account',
        description:
          'Removes an account that no settings, numbers or orders refer to. Nothing changes at the carrier.',
        tags: ['Carriers'],
        params: AccountParams,
        response: { 200: AccountReply },
      },
      [...accountErrors, 'carrier_account_used'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => ({
        carrier_account: accountBody(await removeAccount(db, caller, request.params.account_id), vault),
      })),
  );

  app.post(
    '/v1/carrier-accounts/:account_id/test',
    operation(
      'setting',
      {
        operationId: 'testCarrierAccount',
        summary: 'Test a carrier account',
        description:
          'Asks the carrier whether it accepts the credentials. If it does not, `problem` of the account has the reason.',
        tags: ['Carriers'],
        params: AccountParams,
        response: { 200: TestReply },
      },
      [...accountErrors, ...testErrors],
    ),
    async (request, reply) => {
      const result = await checkAccount(db, carriers, request.caller, request.params.account_id);
      return change(request, reply, 200, async (db, caller) => ({
        carrier_account: accountBody(await recordTest(db, caller, result), vault),
        ...factsBody(result.facts),
      }));
    },
  );

  app.get(
    '/v1/carrier-accounts/:account_id/sandbox',
    operation(
      'read',
      {
        operationId: 'getSandbox',
        summary: "Get the sandbox's book",
        description:
          "Returns the sandbox's book of an account: its numbers, its charges, and the faults still to come.",
        tags: ['Carriers'],
        params: AccountParams,
        response: { 200: SandboxBook },
      },
      [...accountErrors, 'carrier_incapable'],
    ),
    async ({ caller, params }) => sandboxBody(await getBook(db, caller, params.account_id)),
  );

  app.put(
    '/v1/carrier-accounts/:account_id/sandbox/faults',
    operation(
      'setting',
      {
        operationId: 'setSandboxFaults',
        summary: 'Set faults of the sandbox',
        description:
          'Makes the next calls of an account at the sandbox fail as given. Replaces earlier faults.',
        tags: ['Carriers'],
        params: AccountParams,
        body: FaultsBody,
        response: { 200: SandboxBook },
      },
      [...accountErrors, 'carrier_incapable'],
    ),
    (request, reply) =>
      change(request, reply, 200, async (db, caller) => {
        const { account_id } = request.params;
        assertOffered(carriers.settings, (await getAccount(db, caller, account_id)).carrier);
        return sandboxBody(await setFaults(db, caller, account_id, request.body.faults));
      }),
  );
}
