import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Unassigned } from '../../server/numbers/life/schemas.ts';
import { change, changing } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { defineBuying } from '../orders/commands.ts';
import { edited } from '../organizations/commands.ts';
import { readObject, readWords } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { fields, note, print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { defineBulk } from './bulk.ts';
import { defineExport } from './export.ts';
import { defineHistory } from './history.ts';
import { defineImport } from './import.ts';
import { defineLife } from './life.ts';
import { defineList } from './list.ts';
import { defineLookup } from './lookup.ts';
import {
  type Assigned,
  assigned,
  country,
  type One,
  one,
  onNumber,
  onNumbers,
  type PhoneNumber,
  pathTo,
} from './number.ts';
import { defineSummary } from './summary.ts';

export function numberCommands(program: Command): void {
  const numbers = group(program, 'numbers', 'Import, list, edit and hand out phone numbers.', [
    'numbers import numbers.csv --organization org_abc123',
    'numbers list --organization org_abc123',
  ]);
  defineImport(numbers);
  defineList(numbers);
  defineExport(numbers);
  defineSummary(numbers);

  onNumber(
    command(numbers, 'show', 'Show a number: which organization and which user has it.', [
      'numbers show +14155551234',
      'numbers show "020 7946 0958" --default-country GB',
    ]),
  ).action(async (number, options) => {
    await print(options, await call<One>('GET', pathTo(number), { query: country(options) }), one);
  });
  defineLookup(numbers);
  defineHistory(numbers);

  onNumbers(
    changing(numbers, 'add', 'Add numbers that you have already, all or none.', [
      'numbers add +14155551234 "(415) 555-5678" --organization org_abc123',
      'numbers add +14155551234 --organization org_abc123 --nickname "Sales Line" --user john@company.com',
    ]),
  )
    .requiredOption('--organization <id>', 'which organization they belong to')
    .option('--nickname <text>', 'what they are called')
    .option('--user <user>', 'the id or e-mail address of the user to assign them to')
    .action(async (given: string[], options) => {
      const { organization: organization_id, nickname, user: user_id } = options;
      const phone_numbers = given.map(phone_number => ({ phone_number, nickname, user_id }));
      const body = { organization_id, phone_numbers, ...country(options) };
      type Added = { phone_numbers: PhoneNumber[]; count: number };
      const answer = await change<Added>(options, 'POST', pathOf('sms', 'phone-numbers'), { body });
      await print(options, answer, added => many(added.phone_numbers));
      if (!options.json) note(`Added ${counted(answer.body.count, 'number')}`);
    });

  onNumber(
    changing(numbers, 'edit', 'Change what is given of a number.', [
      'numbers edit +14155551234 --nickname "Sales Line" --tags sales,west',
      'numbers edit +14155551234 --no-nickname --lock',
    ]),
  )
    .option('--nickname <text>', 'what it is called')
    .option('--no-nickname', 'take its nickname away')
    .option('--tags <tags>', 'words to find it by, with commas between them', readWords)
    .option('--no-tags', 'take its tags away')
    .addOption(new Option('--lock', 'let it not be released').conflicts('unlock'))
    .option('--unlock', 'let it be released again')
    .option('--metadata <json>', 'anything of your own, a JSON object', readObject)
    .option('--no-metadata', 'take its metadata away')
    .action(async (number, options) => {
      const { nickname, tags, lock, unlock, metadata } = options;
      const body = edited({
        nickname: orNull(nickname),
        tags: orNull(tags),
        locked: lock || unlock ? lock === true : undefined,
        metadata: orNull(metadata),
      });
      const answer = await change<One>(options, 'PATCH', pathTo(number), { query: country(options), body });
      await print(options, answer, one);
    });

  onNumber(
    changing(numbers, 'assign', 'Give an available number to a user of its organization.', [
      'numbers assign +14155551234 --user user_xyz789',
    ]),
  )
    .requiredOption('--user <id>', "the user's id")
    .action(async (number, options) => {
      const request = { query: country(options), body: { user_id: options.user } };
      await print(
        options,
        await change<Assigned>(options, 'POST', pathTo(number, 'assign'), request),
        assigned,
      );
    });

  onNumber(
    changing(numbers, 'unassign', 'Take a number from its user: it is available again, or rests first.', [
      'numbers unassign +14155551234',
    ]),
  ).action(async (number, options) => {
    const path = pathTo(number, 'assign');
    const request = { query: country(options) };
    const answer = await change<Static<typeof Unassigned>>(options, 'DELETE', path, request);
    await print(options, answer, ({ phone_number, user_id, status, available_at }) =>
      fields({
        Number: phone_number,
        'Taken from': user_id,
        Status: status,
        ...(available_at && { Until: available_at }),
      }),
    );
  });

  defineLife(numbers);
  defineBuying(numbers);
  defineBulk(numbers);
}

/** What is taken away, by `--no-…` or by giving nothing, is null. */
const orNull = <T>(value: T | false | undefined) => (value === undefined ? undefined : value || null);

const many = (numbers: PhoneNumber[]) =>
  table(
    ['NUMBER', 'STATUS', 'ASSIGNED TO', 'NICKNAME'],
    numbers.map(n => [n.phone_number, n.status, n.assigned_to?.email ?? null, n.nickname]),
  );
