import { invalid, Problem } from '../../../errors.ts';
import { composedText } from '../../../http/composed.ts';
import { type EditableName, editableNames } from '../../state.ts';
import { isStorable, readValue } from './cells.ts';
import { type ColumnNames, type Columns, type FileField, fileFields } from './columns.ts';
import { fieldOfProblem, readState, type StateInFile } from './status.ts';

/* A row of a file as the fields of a number: the same for CSV and NDJSON, which give it the texts and the values. */

/** A row of a file. `line` is where it ends, from 1. `source` is its text. */
export type ImportRow = { line: number; source: string; phone_number: string } & (
  | {
      organization: OrganizationInFile;
      user: string;
      user_name: string;
      values: Values;
      state: StateInFile | undefined;
    }
  | { problem: string; field: string | null }
);

/** How a row names its organization. Empty: it does not. */
export type OrganizationInFile = { reference: string; id: string; name: string };

/** The fields that a row gives, normalized. */
export type Values = Partial<Record<EditableName, unknown>>;

export type ReadOptions = {
  columns: ColumnNames;
  no_header: boolean;
  /** Whether the request names an organization. */
  hasOrganization: boolean;
  default_country: string;
  /** The tenant's time zone. */
  zone: string;
};

/** A file whose columns are known. */
export type NumberFile = {
  format: 'csv' | 'ndjson';
  /** The names of its columns; null for NDJSON. */
  names: string[] | null;
  separator: string | null;
  /** The fields that a row can give. */
  fields: ReadonlySet<FileField>;
  /** Several at a time: a promise for each row would cost more than the row. */
  rows: AsyncGenerator<ImportRow[]>;
  notTaken: NotTaken;
};

/** Counts the rows that say something which is not imported, by the name of the column. */
export class NotTaken {
  readonly #rows = new Map<string, number>();

  add(name: string, rows = 1): void {
    const isNew = !this.#rows.has(name);
    const counted = isNew && this.#rows.size >= 200 ? 'other fields' : name.slice(0, 100);
    this.#rows.set(counted, (this.#rows.get(counted) ?? 0) + rows);
  }

  list(): { column: string; rows: number }[] {
    return [...this.#rows].filter(([, rows]) => rows > 0).map(([column, rows]) => ({ column, rows }));
  }
}

/** How a format gives the parts of the row that is being read. */
export type RowSource = {
  /** The text of a field, or ''. @throws Problem `invalid_request` */
  text(field: FileField): string;
  /** @throws Problem `invalid_request` */
  value(name: EditableName): unknown;
  metadata: Columns['metadata'];
  metadataAt(place: number): unknown;
  has(field: FileField): boolean;
  /** The name of a field's column, for what is not taken. */
  nameOf(field: FileField): string;
};

/** @returns the function that reads a row of the source */
export function createRowReader(
  source: RowSource,
  { zone }: ReadOptions,
  notTaken: NotTaken,
): (line: number, text: string) => ImportRow {
  const now = Date.now();

  return (line, text) => {
    let phone_number = '';
    try {
      phone_number = source.text('phone_number');
      const values: Values = {};
      for (const name of editableNames) {
        const value = source.has(name) ? source.value(name) : undefined;
        if (value !== undefined) values[name] = value;
      }
      if (source.metadata.length > 0) addMetadata(values);
      const user = firstOf('user', 'user_email', 'user_id');
      const state = source.has('status') || source.has('until') ? stateOf(user !== '') : undefined;
      const user_name = source.has('user_name') ? storableText('user_name') : '';
      if (user === '' && user_name !== '') notTaken.add(source.nameOf('user_name'));
      return {
        line,
        source: text,
        phone_number,
        organization: organizationOf(),
        user,
        user_name,
        values,
        state,
      };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const field = fieldOfProblem(error, fileFields);
      return { line, source: text, phone_number, problem: error.message, field };
    }
  };

  function firstOf(...fields: FileField[]): string {
    for (const field of fields) {
      const text = source.has(field) ? storableText(field) : '';
      if (text !== '') return text;
    }
    return '';
  }

  function storableText(field: FileField): string {
    const text = composedText(source.text(field));
    if (text.length > textLengthMax) throw invalid(`${field} is longer than ${textLengthMax} characters`);
    if (!isStorable(text)) throw invalid(`${field} has a character that cannot be stored`);
    return text;
  }

  function organizationOf(): OrganizationInFile {
    const reference = firstOf('organization', 'organization_id', 'organization_name');
    if (reference === '') return nowhere;
    return { reference, id: firstOf('organization_id'), name: firstOf('organization_name', 'organization') };
  }

  function addMetadata(values: Values): void {
    const given = source.metadata.flatMap(({ key, place }) => {
      const value = source.metadataAt(place);
      return value === '' || value === null || value === undefined ? [] : [[key, value] as const];
    });
    if (given.length === 0) return;
    const before = Object.entries((values.metadata as object | undefined) ?? {});
    values.metadata = readValue('metadata', Object.fromEntries([...before, ...given]));
  }

  function stateOf(hasUser: boolean): StateInFile | undefined {
    const text = (field: FileField) => (source.has(field) ? storableNote(field) : '');
    const given = {
      status: text('status'),
      until: text('until'),
      reservation_note: text('reservation_note'),
    };
    const state = readState(given, hasUser, zone, now);
    const isForeign = typeof state === 'string';
    if (isForeign) notTaken.add(source.nameOf('status'));
    if ((isForeign || given.status === '') && given.until !== '') notTaken.add(source.nameOf('until'));
    return isForeign ? undefined : state;
  }

  /** A note may be longer than other texts; readState() knows its limit. */
  function storableNote(field: FileField): string {
    const text = composedText(source.text(field));
    if (!isStorable(text)) throw invalid(`${field} has a character that cannot be stored`);
    return text;
  }
}

/** No unique_id, name or e-mail address is longer. */
const textLengthMax = 320;

const nowhere: OrganizationInFile = { reference: '', id: '', name: '' };
