import { csvLine } from '../../http/csv.ts';
import type { Format } from '../../http/formats.ts';
import { fieldsOf, type View } from '../json.ts';

/** How the JSON of numbers, which SQL prints, becomes a list in some format. */
export type Frame = {
  head: string;
  /** SQL puts it between two numbers. Their JSON has no line breaks. */
  separator: ',' | '\n';
  /** @param items one number or more as SQL prints them @returns the same in this format */
  piece(items: string): string;
  pieceSeparator: string;
};

/** Only the head: list.ts writes the end, which depends on the numbers. */
const json: Frame = {
  head: '{"success":true,"phone_numbers":[',
  separator: ',',
  piece: items => items,
  pieceSeparator: ',',
};

const ndjson: Frame = { head: '', separator: '\n', piece: items => `${items}\n`, pieceSeparator: '' };

const holderColumns = ['user_id', 'user_email', 'user_name'];

/** The columns of a list in CSV: the fields of a number in their order. The user takes three columns. */
export const csvColumns = (view: View): string[] =>
  fieldsOf(view).flatMap(name => (name === 'assigned_to' ? holderColumns : [name]));

const csv = { list: csvFrame('list'), full: csvFrame('full') };

function csvFrame(view: View): Frame {
  const names = fieldsOf(view);
  const row = (item: string) => csvLine(cellsOf(JSON.parse(item), names));
  return {
    head: csvLine(csvColumns(view)),
    separator: '\n',
    piece: items => items.split('\n').map(row).join(''),
    pieceSeparator: '',
  };
}

export function frameOf({ format, view }: { format?: Format; view: 'list' | 'full' }): Frame {
  if (format === 'csv') return csv[view];
  return format === 'ndjson' ? ndjson : json;
}

function cellsOf(number: Record<string, unknown>, names: readonly string[]): string[] {
  const cells: string[] = [];
  for (const name of names) {
    const value = number[name];
    if (name === 'assigned_to') {
      const { user_id = '', email = '', name = '' } = (value ?? {}) as Record<string, string>;
      cells.push(user_id, email, name);
    } else cells.push(cellOf(value));
  }
  return cells;
}

function cellOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  // Only tags are arrays, and they have no commas.
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
