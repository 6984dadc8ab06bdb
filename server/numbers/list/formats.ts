import { csvLine } from '../../http/csv.ts';
import type { Format } from '../../http/formats.ts';
import { fieldsOf, type View } from '../json.ts';

/** How numbers, of which SQL makes JSON, become a list in some format. */
export type Frame = {
  head: string;
  /** What SQL puts between two numbers. Their JSON has no line breaks. */
  between: ',' | '\n';
  /** A piece of the list, of one number or more as they come from SQL. */
  piece(items: string): string;
  /** What stands between two pieces. */
  seam: string;
};

/** The head of a JSON list; what comes after its numbers hangs on them. */
const json: Frame = {
  head: '{"success":true,"phone_numbers":[',
  between: ',',
  piece: items => items,
  seam: ',',
};

const ndjson: Frame = { head: '', between: '\n', piece: items => `${items}\n`, seam: '' };

const holderColumns = ['user_id', 'user_email', 'user_name'];

/** What a list in CSV calls its columns: the fields of a number in their order, who has it in three of them. */
export const csvColumns = (view: View): string[] =>
  fieldsOf(view).flatMap(name => (name === 'assigned_to' ? holderColumns : [name]));

const csv = { list: csvFrame('list'), full: csvFrame('full') };

function csvFrame(view: View): Frame {
  const names = fieldsOf(view);
  const row = (item: string) => csvLine(cellsOf(JSON.parse(item), names));
  return {
    head: csvLine(csvColumns(view)),
    between: '\n',
    piece: items => items.split('\n').map(row).join(''),
    seam: '',
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
  // Tags, which have no commas.
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
