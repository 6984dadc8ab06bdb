import { type Command, InvalidArgumentError, Option } from 'commander';
import { faultCalls, faultKinds } from '../carriers/sandbox/store.ts';
import type { Static } from '../schema/schema.ts';
import type { SandboxBook } from '../server/accounts/sandbox-schemas.ts';
import type { CarrierAccount, TestReply } from '../server/accounts/schemas.ts';
import { readDuration } from './arguments.ts';
import { credentialsHelp, type Kind, readCredentials } from './carrier-credentials.ts';
import { defineRuns } from './carrier-runs.ts';
import { change, idempotent } from './changing.ts';
import { call, pathOf } from './client.ts';
import { command, group } from './command.ts';
import { edited } from './organizations.ts';
import { fields, note, print, table } from './output.ts';
import { counted, durationOf } from './text.ts';

type Account = Static<typeof CarrierAccount>;
type One = { carrier_account: Account };
type Book = Static<typeof SandboxBook>;

const id = '0199f3a0-9d41-7c02-b5ae-1f2e3d4c5b6a';
const accountPath = (...more: string[]) => pathOf('carrier-accounts', ...more);

export function carrierCommands(program: Command): void {
  const carriers = group(program, 'carriers', 'Work with the carriers that numbers come from.', [
    'carriers kinds',
    'carriers list',
    'carriers add twilio --name Main --credentials twilio.json',
  ]);
  defineReading(carriers);
  defineChanging(carriers);
  defineSandbox(carriers);
  defineRuns(carriers);
}

function defineReading(carriers: Command): void {
  command(carriers, 'kinds', 'List the carriers that there can be accounts at.', ['carriers kinds']).action(
    async options => {
      const answer = await call<{ carriers: Kind[] }>('GET', pathOf('carriers'));
      await print(options, answer, body => kinds(body.carriers));
    },
  );

  command(carriers, 'list', 'List the accounts, the oldest first.', ['carriers list']).action(
    async options => {
      type All = { carrier_accounts: Account[]; count: number };
      const answer = await call<All>('GET', accountPath());
      await print(options, answer, body => many(body.carrier_accounts));
      if (!options.json) note(counted(answer.body.count, 'account'));
    },
  );

  command(carriers, 'show', 'Show an account, without its secrets.', [`carriers show ${id}`])
    .argument('<id>', 'the id of the account, from `carriers list`')
    .action(async (id, options) => {
      await print(options, await call<One>('GET', accountPath(id)), one);
    });
}

function defineChanging(carriers: Command): void {
  idempotent(carriers, 'add', 'Add an account, whose credentials are tested at the carrier first.', [
    'carriers add twilio --name Main --credentials twilio.json --compare-every 1d',
    'pass twilio | linekeeper carriers add twilio --name Main --credentials -',
    'carriers add sandbox --name "To try things out"',
  ])
    .addHelpText('after', credentialsHelp)
    .argument('<carrier>', 'which carrier, from `carriers kinds`')
    .requiredOption('--name <name>', 'what you call the account')
    .option('--credentials <file>', 'a file with its credentials (default: the environment)')
    .option(
      '--compare-every <duration>',
      'how often its book is compared with ours, such as 6h or 1d',
      readDuration,
    )
    .option('--no-verify', 'keep the credentials without testing them')
    .action(async (carrier, options) => {
      const body = {
        carrier,
        name: options.name,
        credentials: await readCredentials(options.credentials ?? true, carrier),
        compare_every_seconds: options.compareEvery,
        verify: options.verify,
      };
      await print(options, await change<One>(options, 'POST', accountPath(), { body }), one);
    });

  idempotent(carriers, 'edit', 'Change what is given of an account.', [
    `carriers edit ${id} --name Main --compare-every 6h`,
    `carriers edit ${id} --status disabled`,
    `carriers edit ${id} --credentials new.json`,
  ])
    .addHelpText('after', credentialsHelp)
    .argument('<id>', 'the id of the account')
    .option('--name <name>', 'what you call it')
    .addOption(
      new Option('--status <status>', 'disabled: nothing more is bought through it').choices([
        'active',
        'disabled',
      ]),
    )
    .option(
      '--compare-every <duration>',
      'how often its book is compared with ours, such as 6h or 1d',
      readDuration,
    )
    .option('--no-compare-every', 'its book is not compared by itself')
    .option(
      '--credentials [file]',
      'new credentials, tested first: from a file, or without one from the environment',
    )
    .action(async (id, options) => {
      const { name, status, compareEvery, credentials } = options;
      const body = edited({
        name,
        status,
        compare_every_seconds: compareEvery === false ? null : compareEvery,
        credentials: credentials && (await readCredentials(credentials, await carrierOf(id))),
      });
      await print(options, await change<One>(options, 'PATCH', accountPath(id), { body }), one);
    });

  idempotent(carriers, 'test', 'Ask the carrier whether it accepts the credentials of an account.', [
    `carriers test ${id}`,
  ])
    .argument('<id>', 'the id of the account')
    .action(async (id, options) => {
      const answer = await change<Static<typeof TestReply>>(options, 'POST', accountPath(id, 'test'));
      await print(options, answer, tested =>
        fields({
          Account: tested.account,
          Balance: tested.balance && `${tested.balance.amount} ${tested.balance.currency}`,
          ...fieldsOf(tested.carrier_account),
        }),
      );
    });

  idempotent(carriers, 'remove', 'Forget an account that nothing refers to.', [`carriers remove ${id}`])
    .argument('<id>', 'the id of the account')
    .action(async (id, options) => {
      await print(options, await change<One>(options, 'DELETE', accountPath(id)), one);
    });
}

function defineSandbox(carriers: Command): void {
  command(carriers, 'sandbox', 'Show what the sandbox remembers of an account there.', [
    `carriers sandbox ${id}`,
  ])
    .argument('<id>', 'the id of the account')
    .action(async (id, options) => {
      const answer = await call<Book>('GET', accountPath(id, 'sandbox'));
      await print(options, answer, book);
      if (!options.json) annotate(answer.body);
    });

  idempotent(carriers, 'faults', 'Let the next calls of an account at the sandbox go wrong.', [
    `carriers faults ${id} buy:timeout_after search:rate_limited:3`,
    `carriers faults ${id}`,
  ])
    .addHelpText(
      'after',
      `
A fault is call:kind, or call:kind:times for more than once. They take the place of what was
said before, so none at all ends it.

  calls  ${faultCalls.join(', ')}
  kinds  ${wrapped(faultKinds)}`,
    )
    .argument('<id>', 'the id of the account')
    .argument('[fault...]', 'what is to go wrong, in this order', readFault)
    .action(async (id, faults, options) => {
      const path = accountPath(id, 'sandbox', 'faults');
      const answer = await change<Book>(options, 'PUT', path, { body: { faults: faults ?? [] } });
      await print(options, answer, book);
      if (!options.json) annotate(answer.body);
    });
}

const wrapped = (words: readonly string[]) =>
  words
    .join(', ')
    .replace(/(.{1,75})(?:, |$)/g, (_, line) => `${line}\n         `)
    .trimEnd();

function readFault(text: string, before: object[] = []): object[] {
  const [, call, kind, times = '1'] = /^(\w+):(\w+)(?::([1-9]\d{0,3}))?$/.exec(text) ?? [];
  if (!kind)
    throw new InvalidArgumentError('It must be call:kind or call:kind:times, such as buy:timeout_after.');
  return [...before, { call, kind, times: Number(times) }];
}

const carrierOf = async (id: string) =>
  (await call<One>('GET', accountPath(id))).body.carrier_account.carrier;

const one = ({ carrier_account }: One) => fields(fieldsOf(carrier_account));

const fieldsOf = (account: Account) => ({
  ID: account.id,
  Carrier: account.carrier,
  Name: account.name,
  Status: account.status,
  Credentials:
    account.credentials === null
      ? 'the server lacks the key that they were kept with'
      : Object.entries(account.credentials)
          .map(([name, value]) => `${name} ${value}`)
          .join(', '),
  'Worked at': account.verified_at,
  Problem: account.problem,
  'Compared every': account.compare_every_seconds && durationOf(account.compare_every_seconds),
  'Compared next': account.compare_due_at,
  Added: account.created_at,
  Modified: account.modified_at,
});

const many = (accounts: Account[]) =>
  table(
    ['ID', 'CARRIER', 'NAME', 'STATUS', 'WORKED AT', 'PROBLEM'],
    accounts.map(account => [
      account.id,
      account.carrier,
      account.name,
      account.status,
      account.verified_at,
      account.problem,
    ]),
  );

const kinds = (all: Kind[]) =>
  table(
    ['CARRIER', 'TITLE', 'BUYS', 'ATTACHES TO', 'CREDENTIALS'],
    all.map(({ name, title, can, credentials }) => [
      name,
      title,
      can.buy,
      can.messaging.join(', '),
      credentials.map(field => (field.required ? field.name : `[${field.name}]`)).join(', '),
    ]),
  );

const book = ({ numbers, faults }: Book) =>
  [
    table(
      ['NUMBER', 'ID', 'NAME', 'REFERENCE', 'CHARGES', 'RELEASED'],
      numbers.map(number => [
        number.phone_number,
        number.id,
        number.name,
        number.reference,
        number.charges,
        number.released,
      ]),
    ),
    table(
      ['CALL', 'GOES WRONG', 'TIMES'],
      faults.map(({ call, kind, times }) => [call, kind, times]),
    ),
  ]
    .filter(part => part !== '')
    .join('\n');

const annotate = ({ numbers, charges, faults }: Book) =>
  note(
    [counted(numbers.length, 'number'), counted(charges, 'charge'), counted(faults.length, 'fault')].join(
      ', ',
    ),
  );
