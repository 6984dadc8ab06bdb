import { invalid } from '../../../errors.ts';
import { withoutApostrophe } from '../../../http/csv.ts';
import { readPhoneNumber } from '../../phone-number.ts';
import type { EditableName } from '../../state.ts';
import { readCell } from './cells.ts';
import { type Columns, columnsByPosition, columnsOf, type FileField, noNumber } from './columns.ts';
import { type CsvRecord, createRecordReader } from './records.ts';
import { createRowReader, type ImportRow, NotTaken, type NumberFile, type ReadOptions } from './rows.ts';
import { NotText } from './text.ts';

/** The names of the columns, and a row or two, are within so many characters. */
const headLength = 16_384;
const separators = [',', ';', '\t'];
/** What Excel writes and reads before the names: `sep=;`. */
const separatorLine = /^"?sep=([^\r\n"])"?[ ,;\t]*(\r\n|\r|\n|$)/i;

/** Opens a file of CSV: finds its separator and its columns. @throws Problem `invalid_request` */
export async function openCsv(text: AsyncGenerator<string>, options: ReadOptions): Promise<NumberFile> {
  let head = '';
  try {
    for (;;) {
      const { done, value } = await text.next();
      if (!done) head += value;
      if (done || head.length >= headLength) break;
    }
  } catch (error) {
    if (!(error instanceof NotText)) throw error;
    throw error.problem(createRecordReader(',').linesBefore(head + error.before) + 1);
  }
  const [declaration = '', declared] = separatorLine.exec(head) ?? [];
  const begin = head.slice(declaration.length);
  const { separator, columns } = findLayout(begin, declared ? [declared] : separators, options);
  const notTaken = new NotTaken();
  return {
    format: 'csv',
    names: columns.names,
    separator,
    fields: new Set([
      ...(Object.keys(columns.places) as FileField[]),
      ...(columns.metadata.length > 0 ? (['metadata'] as const) : []),
    ]),
    rows: readRows(begin, text, separator, declaration === '' ? 0 : 1, columns, options, notTaken),
    notTaken,
  };
}

type Layout = { separator: string; columns: Columns };

function findLayout(text: string, separators: string[], options: ReadOptions): Layout {
  const samples = separators.flatMap(separator => {
    const first = createRecordReader(separator).read(text, true).find(hasContent);
    return first ? [{ separator, first }] : [];
  });
  samples.sort((a, b) => b.first.cells.length - a.first.cells.length);
  const widest = samples[0];
  if (!widest) throw invalid('The file is empty: its first line must name the columns');
  if (widest.first.problem !== undefined) throw invalid(`Line ${widest.first.line}: ${widest.first.problem}`);
  if (options.no_header) return byPosition(samples, options);
  const problems: unknown[] = [];
  const layouts = samples.flatMap(({ separator, first }): Layout[] => {
    try {
      const columns = columnsOf(first.cells, options.columns, options.hasOrganization);
      return columns ? [{ separator, columns }] : [];
    } catch (error) {
      problems.push(error);
      return [];
    }
  });
  const [best] = layouts.sort((a, b) => b.columns.names.length - a.columns.names.length);
  if (best) return best;
  if (isListOfNumbers(widest.first, options)) return byPosition(samples, options);
  throw problems[0] ?? noNumber(widest.first.cells);
}

const hasContent = ({ cells, problem }: CsvRecord) =>
  problem !== undefined || cells.some(cell => cell !== '');

/** The position of the number tells which separator it is that leaves a number there. */
function byPosition(samples: { separator: string; first: CsvRecord }[], options: ReadOptions): Layout {
  const layouts = samples.map(({ separator, first }) => {
    const columns = columnsByPosition(first.cells, options.columns);
    const cell = numberIn(first.cells[columns.places.phone_number!] ?? '');
    return {
      separator,
      columns,
      isNumber: typeof readPhoneNumber(cell, options.default_country) === 'object',
    };
  });
  return layouts.find(({ isNumber }) => isNumber) ?? layouts[0]!;
}

/** A file of numbers and nothing else: its first line is one already. */
function isListOfNumbers({ cells }: CsvRecord, { columns, default_country }: ReadOptions): boolean {
  const texts = cells.filter(cell => cell !== '').map(numberIn);
  if (texts.length !== 1 || cells[0] === '' || Object.keys(columns).length > 0) return false;
  const isNumeric = /^[^\p{L}]*\p{Nd}[^\p{L}]*$/u.test(texts[0]!);
  return isNumeric || typeof readPhoneNumber(texts[0]!, default_country) === 'object';
}

async function* readRows(
  begin: string,
  text: AsyncGenerator<string>,
  separator: string,
  linesBefore: number,
  columns: Columns,
  options: ReadOptions,
  notTaken: NotTaken,
): AsyncGenerator<ImportRow[]> {
  const reader = createRecordReader(separator, linesBefore);
  const readRow = csvRowReader(columns, options, notTaken);
  let names = columns.hasNames;
  function rowsOf(piece: string, isLast: boolean): ImportRow[] {
    const rows: ImportRow[] = [];
    for (const record of reader.read(piece, isLast)) {
      // The names are the first row with something in it.
      if (names) {
        if (hasContent(record)) names = false;
        continue;
      }
      const row = readRow(record);
      if (row) rows.push(row);
    }
    return rows;
  }
  try {
    yield rowsOf(begin, false);
    for await (const piece of text) yield rowsOf(piece, false);
    yield rowsOf('', true);
  } catch (error) {
    throw error instanceof NotText ? error.problem(reader.linesBefore(error.before) + 1) : error;
  }
}

/** @returns the function that reads a row; undefined for an empty one */
function csvRowReader(
  columns: Columns,
  options: ReadOptions,
  notTaken: NotTaken,
): (record: CsvRecord) => ImportRow | undefined {
  const { names, places, metadata, others, width, hasNames } = columns;
  const number = places.phone_number!;
  let cells: string[] = [];
  const at = (place: number | undefined) => meant(cells[place ?? -1] ?? '');
  const numberAt = (cells: string[]) => numberIn(cells[number] ?? '');
  const readRow = createRowReader(
    {
      text: field => (field === 'phone_number' ? numberAt(cells) : at(places[field])),
      value: (name: EditableName) => readCell(name, at(places[name])),
      metadata,
      metadataAt: at,
      has: field => places[field] !== undefined,
      nameOf: field => names[places[field]!] ?? field,
    },
    options,
    notTaken,
  );
  return ({ line, cells: given, source, problem }) => {
    cells = given;
    const bad = (text: string): ImportRow => ({
      line,
      source,
      phone_number: numberAt(cells),
      problem: text,
      field: null,
    });
    if (problem !== undefined) return bad(problem);
    if (cells.every(cell => cell === '')) return undefined;
    if (cells.length !== width) {
      const count = Math.max(cells.findLastIndex(cell => cell !== '') + 1, Math.min(cells.length, width));
      const has = `the row has ${count} ${count === 1 ? 'column' : 'columns'}`;
      if (hasNames && count !== width) return bad(`${has}, but the first line names ${width}`);
      if (count < width) return bad(`${has}, but the number is in column ${width}`);
    }
    for (const place of others) if (cells[place]) notTaken.add(names[place]!);
    if (!hasNames)
      for (let place = names.length; place < cells.length; place++)
        if (cells[place] !== '') notTaken.add(`column ${place + 1}`);
    return readRow(line, source);
  };
}

/** A cell without the apostrophe or the formula `="…"` that keeps a spreadsheet from changing it. */
const meant = (cell: string): string => (/^=".*"$/.test(cell) ? cell.slice(2, -1) : withoutApostrophe(cell));

/** A number may have an apostrophe even where no formula could begin. */
const numberIn = (cell: string): string => meant(cell).replace(/^'/, '');

/** The cells of a row, from its text, as they are meant. */
export function cellsOf(source: string, separator: string): string[] {
  const [record] = createRecordReader(separator).read(source, true);
  return record?.cells.map(meant) ?? [];
}
