import { type Command, InvalidArgumentError } from 'commander';
import type { Static } from 'typebox';
import type {
  AssignedBody,
  NumberDetail as NumberSchema,
  UnassignedBody,
} from '../server/numbers/schemas.ts';
import { call, pathOf } from './client.ts';
import { command, group } from './command.ts';
import { wrongUsage } from './failure.ts';
import { defineImport } from './number-import.ts';
import { defineList } from './number-list.ts';
import { fields, note, print, table } from './output.ts';
import { counted } from './text.ts';

type PhoneNumber = Static<typeof NumberSchema>;
type One = { phone_number: PhoneNumber };

export function numberCommands(program: Command): void {
  const numbers = group(program, 'numbers', 'Import, list, add, edit and assign phone numbers.', [
    'numbers import numbers.csv --organization org_abc123',
    'numbers list --organization org_abc123',
  ]);
  defineImport(numbers);
  defineList(numbers);

  onNumber(numbers, 'show', 'Show a number: which organization and which user has it.', [
    'numbers show +14155551234',
    'numbers show "020 7946 0958" --default-country GB',
  ]).action(async (number, options) => {
    await print(options, await call<One>('GET', pathTo(number), { query: country(options) }), one);
  });

  onNumbers(
    command(numbers, 'add', 'Add numbers that you have already, all or none.', [
      'numbers add +14155551234 "(415) 555-5678" --organization org_abc123',
      'numbers add +14155551234 --organization org_abc123 --nickname "Sales Line" --user john@company.com',
    ]).argument('<numbers...>', writing, readNumbers),
  )
    .requiredOption('--organization <id>', 'which organization they belong to')
    .option('--nickname <text>', 'what they are called')
    .option('--user <user>', 'the id or e-mail address of the user to assign them to')
    .action(async (given: string[], options) => {
      const { organization: organization_id, nickname, user: user_id } = options;
      const phone_numbers = given.map(phone_number => ({ phone_number, nickname, user_id }));
      const body = { organization_id, phone_numbers, ...country(options) };
      type Added = { phone_numbers: PhoneNumber[]; count: number };
      const answer = await call<Added>('POST', pathOf('sms', 'phone-numbers'), { body });
      await print(options, answer, added => many(added.phone_numbers));
      if (!options.json) note(`Added ${counted(answer.body.count, 'number')}`);
    });

  onNumber(numbers, 'edit', 'Change the nickname of a number.', [
    'numbers edit +14155551234 --nickname "Sales Line"',
    'numbers edit +14155551234 --no-nickname',
  ])
    .option('--nickname <text>', 'what it is called')
    .option('--no-nickname', 'take its nickname away')
    .action(async (number, options) => {
      if (options.nickname === undefined) throw wrongUsage('Give either --nickname or --no-nickname');
      const request = { query: country(options), body: { nickname: options.nickname || null } };
      await print(options, await call<One>('PATCH', pathTo(number), request), one);
    });

  onNumber(numbers, 'assign', 'Give an available number to a user of its organization.', [
    'numbers assign +14155551234 --user user_xyz789',
  ])
    .requiredOption('--user <id>', "the user's id")
    .action(async (number, options) => {
      const request = { query: country(options), body: { user_id: options.user } };
      const answer = await call<Static<typeof AssignedBody>>('POST', pathTo(number, 'assign'), request);
      await print(options, answer, ({ phone_number, user_id, assigned_at }) =>
        fields({ Number: phone_number, 'Assigned to': user_id, Since: assigned_at }),
      );
    });

  onNumber(numbers, 'unassign', "Return a number to its organization's available pool.", [
    'numbers unassign +14155551234',
  ]).action(async (number, options) => {
    const request = { query: country(options) };
    const answer = await call<Static<typeof UnassignedBody>>('DELETE', pathTo(number, 'assign'), request);
    await print(options, answer, ({ phone_number, user_id }) =>
      fields({ Number: phone_number, 'Taken from': user_id }),
    );
  });
}

const writing = 'in any usual way of writing it';

const onNumber = (parent: Command, name: string, summary: string, examples: string[]) =>
  onNumbers(command(parent, name, summary, examples).argument('<number>', writing, readNumber));

const onNumbers = (made: Command) =>
  made.option('--default-country <country>', 'what a number without + is read as (default: US)');

/** Without a digit it is no number, and in a path it might be the name of something else. */
function readNumber(text: string): string {
  if (!/\d/.test(text)) throw new InvalidArgumentError('It is not a phone number.');
  return text;
}

const readNumbers = (text: string, before: string[] = []) => [...before, readNumber(text)];

const pathTo = (number: string, ...action: string[]) => pathOf('sms', 'phone-numbers', number, ...action);

const country = ({ defaultCountry }: { defaultCountry?: string }) => ({
  default_country: defaultCountry?.toUpperCase(),
});

const holderOf = ({ assigned_to: user }: PhoneNumber) =>
  user && `${user.name} <${user.email}>, ${user.user_id}`;

const one = ({ phone_number: n }: One) =>
  fields({
    Number: n.phone_number,
    Written: n.pretty_phone_number,
    Nickname: n.nickname,
    Status: n.status,
    Organization: `${n.organization_name}, ${n.organization_id}`,
    'Assigned to': holderOf(n),
    Since: n.assigned_at,
    Country: n.country,
    'Area code': n.area_code,
    ID: n.id,
    Created: n.created_at,
    Modified: n.modified_at,
  });

const many = (numbers: PhoneNumber[]) =>
  table(
    ['NUMBER', 'STATUS', 'ASSIGNED TO', 'NICKNAME'],
    numbers.map(n => [n.phone_number, n.status, n.assigned_to?.email ?? null, n.nickname]),
  );
