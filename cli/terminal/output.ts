import { once } from 'node:events';
import { columnsOf, escapeControls } from './text.ts';

/** Printed as text, except null, which is `-`, and a boolean, which is yes or no. */
export type Cell = string | number | boolean | null;

/** The columns of a table: a heading, and the cell under it in each row. */
export type Columns<Row> = Record<string, (row: Row) => Cell>;

// A name with its e-mail address fits. A longer cell moves only the rest of its own line to the right.
const padMax = 80;

/**
 * A table that is written piece by piece. The first piece has the headings, and a column grows when a later piece
 * needs more room. A table without rows is empty: it has no headings either.
 */
export function growingTable<Row>(columns: Columns<Row>): (rows: Row[]) => string {
  const headings = Object.keys(columns);
  const widths = headings.map(columnsOf);
  let pending = [headings];
  return rows => {
    if (rows.length === 0) return '';
    const lines = [...pending, ...rows.map(row => Object.values(columns).map(cell => cellText(cell(row))))];
    pending = [];
    for (const line of lines)
      line.forEach((text, column) => {
        const width = columnsOf(text);
        if (width <= padMax) widths[column] = Math.max(widths[column]!, width);
      });
    return lines.map(line => `${aligned(line, widths)}\n`).join('');
  };
}

export const table = <Row>(columns: Columns<Row>, rows: Row[]): string => growingTable(columns)(rows);

const aligned = (line: string[], widths: number[]) =>
  line
    .map((text, column) => pad(text, widths[column]!))
    .join('  ')
    .trimEnd();

/** One record: a name and its value on each line. A value that is undefined has no line. */
export function fields(record: Record<string, Cell | undefined>): string {
  const present = Object.entries(record).filter((entry): entry is [string, Cell] => entry[1] !== undefined);
  const width = Math.max(...present.map(([name]) => columnsOf(name)));
  return present.map(([name, value]) => `${pad(name, width)}  ${cellText(value)}\n`).join('');
}

/** Several tables and records, with a blank line between them. Those that are empty are left out. */
export const sections = (...parts: string[]): string => parts.filter(part => part !== '').join('\n');

function cellText(cell: Cell): string {
  if (cell === null || cell === '') return '-';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return escapeControls(String(cell));
}

const pad = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - columnsOf(text)));

/** Writes to stdout, no faster than its reader reads. */
export async function write(piece: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
}

/** Says something to a person on stderr, out of the way of a program that reads stdout. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Prints what a command found: with --json the document as the server sent it, and otherwise `shown` on stdout and
 * `noted`, if there is one, on stderr.
 */
export async function print<T>(
  options: { json?: boolean },
  { text, body }: { text: string; body: T },
  shown: (body: T) => string,
  noted?: (body: T) => string | undefined,
): Promise<void> {
  await write(options.json ? `${text}\n` : shown(body));
  const remark = options.json ? undefined : noted?.(body);
  if (remark !== undefined) note(remark);
}

/** Goes with every new key or token. It is null when an earlier call with the same idempotency key has shown it. */
export const secretNote = (noun: 'key' | 'token', secret: string | null): string =>
  secret === null
    ? `The ${noun} was shown when it was made, and cannot be shown again.`
    : `Keep the ${noun}: it is shown only this once.`;
