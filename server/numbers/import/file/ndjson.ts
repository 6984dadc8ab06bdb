import { invalid, Problem } from '../../../errors.ts';
import type { EditableName } from '../../state.ts';
import { readValue } from './cells.ts';
import { type Columns, type FileField, fieldsIn, fileFields, impliedNames } from './columns.ts';
import { recordLengthMax } from './records.ts';
import { createRowReader, type ImportRow, NotTaken, type NumberFile, type ReadOptions } from './rows.ts';
import { NotText } from './text.ts';

/** Opens a file of NDJSON: a JSON object on each line, whose keys are what the names of columns are in CSV. */
export function openNdjson(text: AsyncGenerator<string>, options: ReadOptions): NumberFile {
  const notTaken = new NotTaken();
  const readObject = objectReader(options, notTaken);
  return {
    format: 'ndjson',
    names: null,
    separator: null,
    fields: new Set(fileFields),
    rows: readRows(text, readObject),
    notTaken,
  };
}

async function* readRows(
  text: AsyncGenerator<string>,
  readObject: (text: string, line: number) => ImportRow,
): AsyncGenerator<ImportRow[]> {
  let line = 0;
  let rest = '';
  let isTooLong = false;
  const rowOf = (text: string): ImportRow[] => {
    line++;
    const tooLong = isTooLong || text.length > recordLengthMax;
    isTooLong = false;
    if (tooLong) {
      const problem = `the line is longer than ${recordLengthMax.toLocaleString('en-US')} characters`;
      return [{ line, source: '', phone_number: '', problem, field: null }];
    }
    return text.trim() === '' ? [] : [readObject(text, line)];
  };
  try {
    for await (const piece of text) {
      const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop()!;
      yield lines.flatMap(rowOf);
      if (rest.length > recordLengthMax) {
        isTooLong = true;
        rest = '';
      }
    }
    if (rest !== '' || isTooLong) yield rowOf(rest);
  } catch (error) {
    throw error instanceof NotText ? error.problem(line + error.before.split(/\r\n|\n|\r/).length) : error;
  }
}

function objectReader(options: ReadOptions, notTaken: NotTaken): (text: string, line: number) => ImportRow {
  let object: Record<string, unknown> = {};
  let keys: string[] = [];
  let layout: Pick<Columns, 'places' | 'metadata'> & { others: string[] } = {
    places: {},
    metadata: [],
    others: [],
  };
  const at = (field: FileField) => object[keys[layout.places[field] ?? -1] ?? ''];
  const text = (field: FileField): string => {
    const value = at(field) ?? '';
    if (isHolder(value) && value === object.assigned_to) return '';
    if (typeof value !== 'string') throw invalid(`${field} must be a string or null`);
    // Blanks around a number or a name are never meant.
    return value.trim();
  };
  /** The user that an export names as `assigned_to`. */
  const holder = () => (isHolder(object.assigned_to) ? object.assigned_to : undefined);
  const readRow = createRowReader(
    {
      text: field => {
        const exported = holder()?.[holderKeys[field] ?? ''];
        return typeof exported === 'string' ? exported : text(field);
      },
      value: (name: EditableName) => readValue(name, at(name)),
      get metadata() {
        return layout.metadata;
      },
      metadataAt: place => object[keys[place]!],
      has: field => layout.places[field] !== undefined || (field in holderKeys && holder() !== undefined),
      nameOf: field => keys[layout.places[field] ?? -1] ?? field,
    },
    options,
    notTaken,
  );

  function findLayout(): void {
    const given = Object.entries(options.columns).filter(([, name]) => keys.includes(name));
    try {
      const { places, metadata } = fieldsIn(keys, Object.fromEntries(given), options.hasOrganization);
      const read = new Set([...Object.values(places), ...metadata.map(({ place }) => place)]);
      const implied = impliedNames(keys, options.hasOrganization);
      const others = keys.filter((key, place) => !read.has(place) && !implied.has(key));
      layout = { places, metadata, others };
    } catch (error) {
      throw error instanceof Problem ? invalid('the line has two keys that mean the same field') : error;
    }
  }

  return (source, line) => {
    const bad = (problem: string): ImportRow => ({ line, source, phone_number: '', problem, field: null });
    let value: unknown;
    try {
      value = JSON.parse(source);
    } catch {
      return bad('the line is not valid JSON');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return bad('the line is not a JSON object');
    object = value as Record<string, unknown>;
    const names = Object.keys(object);
    if (names.length !== keys.length || names.some((name, place) => name !== keys[place])) {
      keys = names;
      try {
        findLayout();
      } catch (error) {
        keys = [];
        if (error instanceof Problem) return bad(error.message);
        throw error;
      }
    }
    for (const name of layout.others) if (!isEmpty(object[name])) notTaken.add(name);
    return readRow(line, source);
  };
}

const holderKeys: Partial<Record<FileField, string>> = {
  user_email: 'email',
  user_id: 'user_id',
  user_name: 'name',
};

const isHolder = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isEmpty = (value: unknown) =>
  value === null || value === '' || (typeof value === 'object' && Object.keys(value as object).length === 0);
