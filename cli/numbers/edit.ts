import type { Command } from 'commander';
import { change, organizationChangeCommand } from '../http/change.ts';
import { requireChange } from '../terminal/arguments.ts';
import { print } from '../terminal/output.ts';
import { editOf, withFieldEdits } from './fields.ts';
import { defaultCountry, type NumberBody, numberFields, numbersPath, withNumber } from './number.ts';

export function defineEdit(numbers: Command): void {
  withFieldEdits(
    withNumber(
      organizationChangeCommand(numbers, 'edit', 'Change the given fields of a number.', [
        'numbers edit +14155551234 --nickname "Sales Line" --tags sales,west',
        'numbers edit +14155551234 --no-nickname --lock',
      ]),
    ),
  ).action(async (number, options) => {
    const request = { query: defaultCountry(options), body: requireChange(editOf(options)) };
    await print(
      options,
      await change<NumberBody>(options, 'PATCH', numbersPath(number), request),
      numberFields,
    );
  });
}
