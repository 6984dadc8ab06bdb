import { once } from 'node:events';
import { columnsOf, escapeControls } from './text.ts';

/** What a cell shows: null is `-`, a boolean yes or no. */
export type Cell = string | number | boolean | null;

// One long name must not push a whole column aside: what is longer juts out on its own line.
const padMax = 50;

/**
 * A table that is written piece by piece: the first piece brings the headings, and a column grows when a later one
 * needs more room. Without rows there is nothing, not even headings.
 */
export function growingTable(headings: string[]): (rows: Cell[][]) => string {
  const widths = headings.map(columnsOf);
  let pending: Cell[][] = [headings];
  return rows => {
    if (rows.length === 0) return '';
    const texts = [...pending, ...rows].map(row => row.map(cellText));
    pending = [];
    for (const row of texts)
      row.forEach((text, column) => {
        widths[column] = Math.max(widths[column]!, Math.min(columnsOf(text), padMax));
      });
    return texts
      .map(
        row =>
          `${row
            .map((text, column) => pad(text, widths[column]!))
            .join('  ')
            .trimEnd()}\n`,
      )
      .join('');
  };
}

export const table = (headings: string[], rows: Cell[][]): string => growingTable(headings)(rows);

/** One record: a name and its value on each line. */
export function fields(pairs: Record<string, Cell>): string {
  const width = Math.max(...Object.keys(pairs).map(columnsOf));
  return Object.entries(pairs)
    .map(([name, value]) => `${pad(name, width)}  ${cellText(value)}\n`)
    .join('');
}

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

/** Says something to a person without getting into what a program reads. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The one document of --json as the server sent it, or else what a person is shown of it. */
export async function print<T>(
  options: { json?: boolean },
  answer: { text: string; body: T },
  forPeople: (body: T) => string,
): Promise<void> {
  await write(options.json ? `${answer.text}\n` : forPeople(answer.body));
}
