import type { Command } from 'commander';
import { call } from '../http/client.ts';
import { command, group } from '../terminal/command.ts';
import { print } from '../terminal/output.ts';
import { defineAdd } from './add.ts';
import { defineAssignments } from './assignments.ts';
import { defineEdit } from './edit.ts';
import { defineBulk } from './files/bulk.ts';
import { defineExport } from './files/export.ts';
import { defineImport } from './files/import.ts';
import { defineHistory } from './history.ts';
import { defineLife } from './life.ts';
import { defineList } from './list.ts';
import { defineLookup } from './lookup.ts';
import { defaultCountry, type NumberBody, numberFields, numbersPath, withNumber } from './number.ts';
import { defineSummary } from './summary.ts';

/** @returns the group, to which orders add their own commands */
export function numberCommands(program: Command): Command {
  const numbers = group(program, 'numbers', 'Import, list, edit and assign phone numbers.', [
    'numbers import numbers.csv --organization org_abc123',
    'numbers list --organization org_abc123',
  ]);
  defineImport(numbers);
  defineList(numbers);
  defineExport(numbers);
  defineSummary(numbers);
  defineShow(numbers);
  defineLookup(numbers);
  defineHistory(numbers);
  defineAdd(numbers);
  defineEdit(numbers);
  defineAssignments(numbers);
  defineLife(numbers);
  defineBulk(numbers);
  return numbers;
}

function defineShow(numbers: Command): void {
  withNumber(
    command(numbers, 'show', 'Show a number, with its organization and its user.', [
      'numbers show +14155551234',
      'numbers show "020 7946 0958" --default-country GB',
    ]),
  ).action(async (number, options) => {
    const query = defaultCountry(options);
    await print(options, await call<NumberBody>('GET', numbersPath(number), { query }), numberFields);
  });
}
