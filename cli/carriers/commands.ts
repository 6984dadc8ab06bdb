import type { Command } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { TestReply } from '../../server/accounts/schemas.ts';
import { change, changeCommand } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { command, group } from '../terminal/command.ts';
import { type Columns, fields, print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import {
  type Account,
  type AccountBody,
  accountFields,
  accountPath,
  exampleAccount,
  fieldsOf,
} from './account.ts';
import type { CarrierKind } from './credentials.ts';
import { defineAdd, defineEdit } from './edit.ts';
import { defineSandbox } from './sandbox.ts';

type TestedBody = Static<typeof TestReply>;
type KindsBody = { carriers: CarrierKind[] };
type AccountList = { carrier_accounts: Account[]; count: number };

/** @returns the group, to which reconciliation adds its own commands */
export function carrierCommands(program: Command): Command {
  const carriers = group(program, 'carriers', 'Work with your accounts at carriers.', [
    'carriers kinds',
    'carriers list',
    'carriers add twilio --name Main --credentials twilio.json',
  ]);
  defineKinds(carriers);
  defineList(carriers);

  command(carriers, 'show', 'Show an account, without its secrets.', [`carriers show ${exampleAccount}`])
    .argument('<id>', 'the id of the account, from `carriers list`')
    .action(async (id, options) => {
      await print(options, await call<AccountBody>('GET', accountPath(id)), accountFields);
    });

  defineAdd(carriers);
  defineEdit(carriers);

  changeCommand(carriers, 'test', 'Ask the carrier whether it accepts the credentials of an account.', [
    `carriers test ${exampleAccount}`,
  ])
    .argument('<id>', 'the id of the account')
    .action(async (id, options) => {
      await print(options, await change<TestedBody>(options, 'POST', accountPath(id, 'test')), testedFields);
    });

  changeCommand(carriers, 'remove', 'Remove an account that nothing refers to.', [
    `carriers remove ${exampleAccount}`,
  ])
    .argument('<id>', 'the id of the account')
    .action(async (id, options) => {
      await print(options, await change<AccountBody>(options, 'DELETE', accountPath(id)), accountFields);
    });

  defineSandbox(carriers);
  return carriers;
}

function defineKinds(carriers: Command): void {
  command(carriers, 'kinds', 'List the carriers, and the credentials that their accounts need.', [
    'carriers kinds',
  ]).action(async options => {
    const answer = await call<KindsBody>('GET', pathOf('carriers'));
    await print(options, answer, body => table(kindColumns, body.carriers));
  });
}

const kindColumns: Columns<CarrierKind> = {
  CARRIER: kind => kind.name,
  TITLE: kind => kind.title,
  BUYS: kind => kind.can.buy,
  'ATTACHES TO': kind => kind.can.messaging.join(', '),
  CREDENTIALS: kind =>
    kind.credentials.map(field => (field.required ? field.name : `[${field.name}]`)).join(', '),
};

function defineList(carriers: Command): void {
  command(carriers, 'list', 'List the accounts, the oldest first.', ['carriers list']).action(
    async options => {
      await print(
        options,
        await call<AccountList>('GET', accountPath()),
        body => table(accountColumns, body.carrier_accounts),
        ({ count }) => counted(count, 'account'),
      );
    },
  );
}

const accountColumns: Columns<Account> = {
  ID: account => account.id,
  CARRIER: account => account.carrier,
  NAME: account => account.name,
  STATUS: account => account.status,
  'LAST VERIFIED': account => account.verified_at,
  PROBLEM: account => account.problem,
};

const testedFields = ({ account, balance, carrier_account }: TestedBody) =>
  fields({
    Account: account,
    Balance: balance && `${balance.amount} ${balance.currency}`,
    ...fieldsOf(carrier_account),
  });
