import { type Command, Option } from 'commander';
import type { Field } from '../../server/numbers/field.ts';
import {
  type Edit,
  type Editable,
  type EditableName,
  editableNames,
  field,
  filterNames,
} from '../../server/numbers/state.ts';
import { orNull, readObject, readWords } from '../terminal/arguments.ts';
import type { Cell, Columns } from '../terminal/output.ts';

/*
 * The fields that users give to a number, as options, as parts of a body and as lines of a record. All of it is made
 * from the server's list of fields, so that a new field needs no code here.
 */

/** Options that give a field its value, such as `--nickname <text>`, `--tags <words>` and `--lock`. */
export const withFields = (made: Command): Command =>
  withOptions(
    made,
    editableNames.map(name => givingOption(name)),
  );

/** The same, each with the option that clears the field: `--no-nickname`, `--no-tags`, `--unlock`. */
export const withFieldEdits = (made: Command): Command =>
  withOptions(
    made,
    editableNames.flatMap(name => [givingOption(name), clearingOption(name)]),
  );

/** Options that choose the numbers with a value, for the fields that lists can be filtered by. */
export const withFieldFilters = (made: Command): Command =>
  withOptions(
    made,
    filterNames.map(name => givingOption(name)),
  );

type GivenOptions = Record<string, unknown>;

export const filtersOf = (options: GivenOptions): GivenOptions =>
  Object.fromEntries(filterNames.map(name => [name, options[attributeOf(flagOf(name))]]));

/** The fields that the options give; null clears. */
export const editOf = (options: GivenOptions): Edit =>
  Object.fromEntries(editableNames.map(name => [name, givenValue(name, options)]));

/** The fields of a number that are not empty, as lines of a record. */
export const fieldLines = (number: Editable): Record<string, Cell> =>
  Object.fromEntries(
    editableNames
      .map(name => [headingOf(name), cellOf(number[name])] as const)
      .filter(([, cell]) => cell !== null && cell !== '' && cell !== false),
  );

/** The same fields as columns of a table, except JSON objects, which are too wide. */
export const fieldColumns = (only: (field: Field) => boolean = () => true): Columns<Partial<Editable>> =>
  Object.fromEntries(
    editableNames
      .filter(name => schemaOf(name).type !== 'object' && only(field(name)))
      .map(name => [headingOf(name).toUpperCase(), number => cellOf(number[name])]),
  );

const withOptions = (made: Command, options: Option[]) =>
  options.reduce((before, option) => before.addOption(option), made);

/** How a value of each type of JSON is written. */
const valueOptions: Record<string, (flag: string, description: string) => Option> = {
  array: (flag, description) =>
    new Option(`${flag} <words>`, `${description}, with commas between them`).argParser(readWords),
  object: (flag, description) => new Option(`${flag} <json>`, description).argParser(readObject),
  string: (flag, description) => new Option(`${flag} <text>`, description),
};

function givingOption(name: EditableName): Option {
  const { edit } = field(name);
  const { type, description } = schemaOf(name);
  if (edit?.switches) {
    const [on, off] = edit.switches;
    return new Option(`--${on}`, description.replace(/^whether /, '')).conflicts(attributeOf(off));
  }
  return valueOptions[type]!(`--${flagOf(name)}`, description);
}

function clearingOption(name: EditableName): Option {
  const switches = field(name).edit?.switches;
  if (switches) return new Option(`--${switches[1]}`, `the opposite of --${switches[0]}`);
  return new Option(`--no-${flagOf(name)}`, `remove its ${name.replaceAll('_', ' ')}`);
}

function givenValue(name: EditableName, options: GivenOptions): unknown {
  const switches = field(name).edit?.switches;
  if (!switches) return orNull(options[attributeOf(flagOf(name))]);
  const [on, off] = switches.map(flag => options[attributeOf(flag)] === true);
  return on || off ? on === true : undefined;
}

/** The first sentence of a field's description, in the form of a help text: `a friendly name`. */
function schemaOf(name: EditableName): { type: string; description: string } {
  const { type, description } = field(name).schema as unknown as { type: string; description: string };
  const [sentence] = description.split(/\.(?: |$)/);
  return { type, description: sentence![0]!.toLowerCase() + sentence!.slice(1) };
}

const flagOf = (name: EditableName) => name.replaceAll('_', '-');
const attributeOf = (flag: string) => new Option(`--${flag}`).attributeName();

/** `External ID`. */
const headingOf = (name: EditableName) =>
  (name[0]!.toUpperCase() + name.slice(1)).replaceAll('_', ' ').replace(/\bid\b/, 'ID');

function cellOf(value: unknown): Cell {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object' || value === null) return value as Cell;
  return Object.keys(value).length > 0 ? JSON.stringify(value) : null;
}
