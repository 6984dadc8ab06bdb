import { type Command, InvalidArgumentError } from 'commander';
import { faultCalls, faultKinds } from '../../carriers/sandbox/store.ts';
import type { Static } from '../../schema/schema.ts';
import type { SandboxBook } from '../../server/accounts/sandbox-schemas.ts';
import { change, changeCommand } from '../http/change.ts';
import { call } from '../http/client.ts';
import { command } from '../terminal/command.ts';
import { type Columns, print, sections, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { accountPath, exampleAccount } from './account.ts';

type SandboxBody = Static<typeof SandboxBook>;
type Fault = SandboxBody['faults'][number];

export function defineSandbox(carriers: Command): void {
  command(carriers, 'sandbox', 'Show the numbers and faults of an account at the sandbox.', [
    `carriers sandbox ${exampleAccount}`,
  ])
    .argument('<id>', 'the id of the account')
    .action(async (id, options) => {
      const answer = await call<SandboxBody>('GET', accountPath(id, 'sandbox'));
      await print(options, answer, sandboxTables, countsOf);
    });

  changeCommand(carriers, 'faults', 'Let the next calls of an account at the sandbox fail.', [
    `carriers faults ${exampleAccount} buy:timeout_after search:rate_limited:3`,
    `carriers faults ${exampleAccount}`,
  ])
    .addHelpText(
      'after',
      `
A fault is call:kind, or call:kind:times for more than once. The given faults replace those from
before, so that a command without faults ends them all.

  calls  ${faultCalls.join(', ')}
  kinds  ${wrapped(faultKinds)}`,
    )
    .argument('<id>', 'the id of the account')
    .argument('[fault...]', 'the faults, in their order', readFault)
    .action(async (id, faults, options) => {
      const request = { body: { faults: faults ?? [] } };
      const answer = await change<SandboxBody>(options, 'PUT', accountPath(id, 'sandbox', 'faults'), request);
      await print(options, answer, sandboxTables, countsOf);
    });
}

/** Words with commas between them, in lines of up to 75 characters under the first. */
const wrapped = (words: readonly string[]) =>
  words
    .join(', ')
    .replace(/(.{1,74}(?:,|$)) ?/g, '$1\n         ')
    .trimEnd();

type GivenFault = { call: string; kind: string; times: number };

function readFault(text: string, before: GivenFault[] = []): GivenFault[] {
  const [, call, kind, times = '1'] = /^(\w+):(\w+)(?::([1-9]\d{0,3}))?$/.exec(text) ?? [];
  if (!call || !kind)
    throw new InvalidArgumentError('It must be call:kind or call:kind:times, such as buy:timeout_after.');
  return [...before, { call, kind, times: Number(times) }];
}

const numberColumns: Columns<SandboxBody['numbers'][number]> = {
  NUMBER: number => number.phone_number,
  ID: number => number.id,
  NAME: number => number.name,
  REFERENCE: number => number.reference,
  CHARGES: number => number.charges,
  RELEASED: number => number.released,
};

const faultColumns: Columns<Fault> = {
  CALL: fault => fault.call,
  FAULT: fault => fault.kind,
  TIMES: fault => fault.times,
};

const sandboxTables = ({ numbers, faults }: SandboxBody) =>
  sections(table(numberColumns, numbers), table(faultColumns, faults));

const countsOf = ({ numbers, charges, faults }: SandboxBody) =>
  [counted(numbers.length, 'number'), counted(charges, 'charge'), counted(faults.length, 'fault')].join(', ');
