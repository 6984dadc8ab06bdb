import type { Command } from 'commander';
import { change, organizationChangeCommand } from '../http/change.ts';
import { type Columns, print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { editOf, withFields } from './fields.ts';
import { defaultCountry, numbersPath, type PhoneNumber, withNumbers } from './number.ts';

type AddedBody = { phone_numbers: PhoneNumber[]; count: number };

export function defineAdd(numbers: Command): void {
  const made = organizationChangeCommand(
    numbers,
    'add',
    'Add numbers that you already have: all of them, or none.',
    [
      'numbers add +14155551234 "(415) 555-5678" --organization org_abc123',
      'numbers add +14155551234 --organization org_abc123 --nickname "Sales Line" --user john@company.com',
    ],
  )
    .requiredOption('--organization <id>', 'the organization that they belong to')
    .option('--user <user>', 'the id or e-mail address of the user to assign them to');
  withFields(withNumbers(made)).action(async (given: string[], options) => {
    const { organization: organization_id, user: user_id } = options;
    const phone_numbers = given.map(phone_number => ({ phone_number, user_id, ...editOf(options) }));
    const body = { organization_id, phone_numbers, ...defaultCountry(options) };
    await print(
      options,
      await change<AddedBody>(options, 'POST', numbersPath(), { body }),
      added => table(columns, added.phone_numbers),
      ({ count }) => `Added ${counted(count, 'number')}`,
    );
  });
}

const columns: Columns<PhoneNumber> = {
  NUMBER: n => n.phone_number,
  STATUS: n => n.status,
  'ASSIGNED TO': n => n.assigned_to?.email ?? null,
  NICKNAME: n => n.nickname,
};
