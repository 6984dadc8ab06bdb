import type { Writable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { invalid, Problem } from '../../errors.ts';
import { withoutApostrophe } from '../../http/csv.ts';
import { fieldsOf } from '../json.ts';
import { csvColumns } from '../list/formats.ts';
import { type EditableName, editableNames } from '../state.ts';
import { readCell, readValue } from './cells.ts';

/** One row of an import; `line` is where it ends in the file, from 1. A row that cannot be taken carries its error. */
export type ImportRow =
  | { line: number; phone_number: string; user: string; values: Values }
  | { line: number; phone_number?: string; problem: string };

/** What a row says of a number, in the form that is stored. */
export type Values = Partial<Record<EditableName, unknown>>;

export type ImportFormat = 'csv' | 'ndjson';

const columns = ['phone_number', 'user', ...editableNames];
/** Where a file says who has a number, the first that says it counts: an export has no `user`, but the other two. */
const userColumns = ['user', 'user_email', 'user_id'];
/** An export says more. That is known, and not imported: a file that was exported is taken as it is. */
const knownColumns = new Set<string>([...columns, ...csvColumns('full')]);
const knownFields = new Set<string>([...columns, ...fieldsOf('full')]);
/** As long as the longest line of an export. */
const lineBytesMax = 65_536;
/** So much is read at once, some 270 short rows: about a millisecond, in which other requests wait. */
const pieceBytes = 4_096;
/** As much of a wrong name as is repeated to its author. */
const nameMax = 100;

/**
 * Reads a file of numbers, some rows at a time: a promise for each would cost more than the row. A bad row carries its
 * error. A bad file throws.
 */
export function readRows(
  source: AsyncIterable<Uint8Array>,
  format: ImportFormat,
): AsyncGenerator<ImportRow[]> {
  const text = decode(source);
  return format === 'csv' ? readCsv(text) : readNdjson(text);
}

/** Anything but UTF-8 would turn names into rubbish without a word. Strips a byte order mark. */
async function* decode(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const bytes of source)
      for (let from = 0; from < bytes.length; from += pieceBytes)
        yield decoder.decode(bytes.subarray(from, from + pieceBytes), { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw invalid('The file is not UTF-8 text');
    throw error;
  }
}

async function* readCsv(text: AsyncGenerator<string>): AsyncGenerator<ImportRow[]> {
  let rows: ImportRow[] = [];
  let readRow: ((record: string[], line: number) => ImportRow) | undefined;
  const parser = parse({
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: lineBytesMax,
    trim: true,
    // Taken from it here, none is left to be read from the stream.
    on_record: (record: string[], { lines }) => {
      if (readRow) rows.push(readRow(record, lines));
      else readRow = readHeader(record);
      return null;
    },
  });
  parser.on('error', () => {}); // told of by the write that it happens in
  try {
    for await (const piece of text) {
      await settled(done => parser.write(piece, done));
      yield rows;
      rows = [];
    }
    await settled(done => (parser as Writable).end(done));
    yield rows;
  } catch (error) {
    if (error instanceof CsvError) throw invalid(`The file is not CSV: ${error.message}`);
    throw error;
  } finally {
    parser.destroy();
  }
  if (!readRow) throw invalid('The file is empty: its first line must name the columns');
}

const settled = (begin: (done: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => begin(error => (error ? reject(error) : resolve())));

/** @returns how the rows under this first line are read */
function readHeader(record: string[]): (record: string[], line: number) => ImportRow {
  const names = record.map(name => name.toLowerCase());
  const unknown = record.find((_, index) => !knownColumns.has(names[index]!));
  if (unknown !== undefined || !names.includes('phone_number')) {
    const what = names.includes('phone_number')
      ? `"${unknown}" is not a column`
      : 'there is no column phone_number';
    throw invalid(`The first line must name the columns (${columns.join(', ')}): ${what}`);
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw invalid(`The first line names ${twice} twice`);
  const width = names.length;
  const users = userColumns.map(column => names.indexOf(column)).filter(place => place >= 0);
  const number = names.indexOf('phone_number');
  const given = editableNames
    .map(name => ({ name, place: names.indexOf(name) }))
    .filter(({ place }) => place >= 0);
  return (row, line) => {
    if (row.length !== width)
      return { line, problem: `the row has ${row.length} columns, and the first line names ${width}` };
    const at = (place: number | undefined) => withoutApostrophe(row[place ?? -1] ?? '');
    const phone_number = at(number);
    const user = at(users.find(place => row[place] !== ''));
    return reading(line, phone_number, () => {
      const values: Values = {};
      for (const { name, place } of given) values[name] = readCell(name, at(place));
      return { line, phone_number, user, values };
    });
  };
}

/** A bad value makes a bad row, not a bad file. */
function reading(line: number, phone_number: string, read: () => ImportRow): ImportRow {
  try {
    return read();
  } catch (error) {
    if (error instanceof Problem) return { line, phone_number, problem: error.message };
    throw error;
  }
}

async function* readNdjson(text: AsyncGenerator<string>): AsyncGenerator<ImportRow[]> {
  let line = 0;
  let rest = '';
  for await (const piece of text) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    const rows: ImportRow[] = [];
    for (const one of lines) {
      line++;
      if (one.trim() !== '') rows.push(readObject(one, line));
    }
    yield rows;
    if (rest.length > lineBytesMax)
      throw invalid(`line ${line + 1} is longer than ${lineBytesMax} characters`);
  }
  if (rest.trim() !== '') yield [readObject(rest, line + 1)];
}

function readObject(text: string, line: number): ImportRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line, problem: 'the line is not valid JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { line, problem: 'the line is not a JSON object' };
  const unknown = Object.keys(value).find(name => !knownFields.has(name));
  if (unknown !== undefined) return { line, problem: `${unknown.slice(0, nameMax)} is not a known field` };
  const { phone_number = '', user = '', ...fields } = value as Record<string, unknown>;
  for (const [name, text] of Object.entries({ phone_number, user }))
    if (text !== null && typeof text !== 'string')
      return { line, problem: `${name} must be a string or null` };
  // Nobody has blanks around a number or a user on purpose.
  const number = ((phone_number as string | null) ?? '').trim();
  return reading(line, number, () => {
    const values: Values = {};
    for (const name of editableNames) values[name] = readValue(name, fields[name]);
    const holder = ((user as string | null) ?? '').trim() || (holderOf(value) ?? '');
    return { line, phone_number: number, user: holder, values };
  });
}

/** Whom an export says that a number is assigned to. */
function holderOf(value: object): string | undefined {
  const { assigned_to: holder } = value as { assigned_to?: { email?: unknown; user_id?: unknown } | null };
  return [holder?.email, holder?.user_id].find(reference => typeof reference === 'string');
}
