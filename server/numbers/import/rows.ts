import type { Writable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { invalid, Problem } from '../../errors.ts';
import { withoutApostrophe } from '../../http/csv.ts';
import { fieldsOf } from '../json.ts';
import { csvColumns } from '../list/formats.ts';
import { type EditableName, editableNames } from '../state.ts';
import { readCell, readValue } from './cells.ts';

/** A row of a file. `line` is where the row ends, from 1. A bad row carries its error as `problem`. */
export type ImportRow =
  | { line: number; phone_number: string; user: string; values: Values }
  | { line: number; phone_number?: string; problem: string };

/** The fields that a row gives, normalized. */
export type Values = Partial<Record<EditableName, unknown>>;

export type ImportFormat = 'csv' | 'ndjson';

const columns = ['phone_number', 'user', ...editableNames];
/** The columns that name the user. The first that is not empty counts. An export has the last two. */
const userColumns = ['user', 'user_email', 'user_id'];
/** An export has more columns. They are accepted and ignored, so that an export can be imported unchanged. */
const knownColumns = new Set<string>([...columns, ...csvColumns('full')]);
const knownFields = new Set<string>([...columns, ...fieldsOf('full')]);
/** No line of an export is longer. */
const lineBytesMax = 65_536;
/** Some 270 short rows are parsed at once, which makes other requests wait for about a millisecond. */
const pieceBytes = 4_096;
/** An error text quotes at most this much of an unknown name. */
const quotedMax = 100;

/**
 * Reads the rows of a file, several at a time: a promise for each row would cost more than the row. A bad row carries
 * its error. A bad file throws.
 */
export function readRows(
  source: AsyncIterable<Uint8Array>,
  format: ImportFormat,
): AsyncGenerator<ImportRow[]> {
  const text = decode(source);
  return format === 'csv' ? readCsv(text) : readNdjson(text);
}

/** Rejects all but UTF-8, since another encoding would garble names silently. Strips a byte order mark. */
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
    // Returning null keeps the record out of the parser's stream, which nobody reads.
    on_record: (record: string[], { lines }) => {
      if (readRow) rows.push(readRow(record, lines));
      else readRow = readHeader(record);
      return null;
    },
  });
  parser.on('error', () => {}); // the callback of write() reports it
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

/** @param record the first line @returns the function that reads the rows below it */
function readHeader(record: string[]): (record: string[], line: number) => ImportRow {
  const names = record.map(name => name.toLowerCase());
  const unknown = record.find((_, index) => !knownColumns.has(names[index]!));
  if (unknown !== undefined || !names.includes('phone_number')) {
    const problem = names.includes('phone_number')
      ? `"${unknown}" is not a column`
      : 'there is no column phone_number';
    throw invalid(`The first line must name the columns (${columns.join(', ')}): ${problem}`);
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
      return {
        line,
        problem: `the row has ${row.length} ${row.length === 1 ? 'column' : 'columns'}, but the first line names ${width}`,
      };
    const at = (place: number | undefined) => withoutApostrophe(row[place ?? -1] ?? '');
    const phone_number = at(number);
    const user = at(users.find(place => row[place] !== ''));
    return badValueAsProblem(line, phone_number, () => {
      const values: Values = {};
      for (const { name, place } of given) values[name] = readCell(name, at(place));
      return { line, phone_number, user, values };
    });
  };
}

/** Turns the error of a bad value into a bad row. */
function badValueAsProblem(line: number, phone_number: string, read: () => ImportRow): ImportRow {
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
    for (const text of lines) {
      line++;
      if (text.trim() !== '') rows.push(readObject(text, line));
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
  if (unknown !== undefined) return { line, problem: `${unknown.slice(0, quotedMax)} is not a known field` };
  const { phone_number = '', user = '', ...fields } = value as Record<string, unknown>;
  for (const [name, text] of Object.entries({ phone_number, user }))
    if (text !== null && typeof text !== 'string')
      return { line, problem: `${name} must be a string or null` };
  // Spaces around a number or a user are never intended.
  const number = ((phone_number as string | null) ?? '').trim();
  return badValueAsProblem(line, number, () => {
    const values: Values = {};
    for (const name of editableNames) values[name] = readValue(name, fields[name]);
    const holder = ((user as string | null) ?? '').trim() || (holderOf(value) ?? '');
    return { line, phone_number: number, user: holder, values };
  });
}

/** The user that an export names as `assigned_to`. */
function holderOf(value: object): string | undefined {
  const { assigned_to: holder } = value as { assigned_to?: { email?: unknown; user_id?: unknown } | null };
  return [holder?.email, holder?.user_id].find(reference => typeof reference === 'string');
}
