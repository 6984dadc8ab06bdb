import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Session } from '../../db/database.ts';
import { invalid } from '../../errors.ts';
import { isEmail } from '../../organizations/schemas.ts';
import { readPhoneNumber } from '../phone-number.ts';
import { type EditableName, editableNames, field } from '../state.ts';
import { copyText } from './file/cells.ts';
import type { ImportRow, NumberFile, OrganizationInFile } from './file/rows.ts';

/* Copies the rows of a file into a temporary table of the session. */

/** What a row can say of a number that comes in, beside the fields that admins edit. */
const stateColumns = { status: 'text', until: 'timestamptz', reservation_note: 'text' } as const;
export type StagedName = EditableName | keyof typeof stateColumns;
export const stagedNames: StagedName[] = [...editableNames, ...(Object.keys(stateColumns) as StagedName[])];

const typeOf = (name: StagedName) =>
  name in stateColumns ? stateColumns[name as keyof typeof stateColumns] : field(name as EditableName).column;
const valueColumns = stagedNames.map(name => `${name} ${typeOf(name)}`).join(', ');

/** The most organizations that one file names. */
const organizationsMax = 10_000;

export type StagedFile = {
  /** The fields that at least one row gives. */
  given: StagedName[];
  /** The organizations that rows name, each in its place. The first may be the one of the request. */
  organizations: OrganizationInFile[];
};

export type StagingOptions = {
  default_country: string;
  /** The unique_id of the organization of rows that name none. */
  organization_id: string | undefined;
  create_users: boolean;
};

/** Normalizes the values of the rows. Bad rows have an error. */
export async function stageRows(
  session: Session,
  file: NumberFile,
  options: StagingOptions,
): Promise<StagedFile> {
  await session.client.query(`
    set work_mem = '64MB';
    set random_page_cost = 1.1;
    create temporary table staged (
      line integer not null, input text, phone_number text collate "C", pretty text, country text, organization integer,
      user_reference text, new_user_name text, error text, error_field text, source text, ${valueColumns});
    create temporary table named_organizations (
      organization integer primary key, target integer not null, organization_id uuid, code text, problem text,
      revision bigint, at timestamptz);
    create temporary table classified (
      line integer not null, input text, phone_number text collate "C", pretty text, country text, target integer,
      user_id uuid, user_unique_id text, new_user_name text, code text collate "C", detail text, first_line integer,
      taken_by uuid, existing uuid, is_equal boolean not null default false, reservation_id uuid,
      place integer, id uuid, ${valueColumns})`);
  // Columns that the file cannot give are not sent: each is two bytes of a row.
  const names = stagedNames.filter(
    name => file.fields.has(name) || (file.fields.has('status') && name in stateColumns),
  );
  const stager = createStager(names, options);
  const copy = session.client.query(
    copyFrom(`copy staged (${[...ownColumns, ...names].join(', ')}) from stdin`),
  );
  await pipeline(file.rows, rows => copyLines(rows, stager.lineOf), copy);
  await session.client.query('analyze staged (phone_number, user_reference, organization)');
  return { given: names.filter(name => stager.given.has(name)), organizations: stager.organizations() };
}

/** Rows in COPY's text format. */
async function* copyLines(
  batches: AsyncIterable<ImportRow[]>,
  lineOf: (row: ImportRow) => string,
): AsyncGenerator<string> {
  for await (const rows of batches) {
    let text = '';
    for (const row of rows) text += lineOf(row);
    yield text;
    // A long file must not keep other requests waiting.
    await new Promise(setImmediate);
  }
}

const ownColumns = [
  ...[
    'line',
    'input',
    'phone_number',
    'pretty',
    'country',
    'organization',
    'user_reference',
    'new_user_name',
  ],
  ...['error', 'error_field', 'source'],
];

function createStager(
  names: StagedName[],
  { default_country, organization_id, create_users }: StagingOptions,
) {
  const given = new Set<StagedName>();
  const organizations = new Map<string, OrganizationInFile & { place: number }>();
  if (organization_id !== undefined) placeOf({ reference: organization_id, id: '', name: '' });
  const noValues = names.map(() => null);

  function placeOf(organization: OrganizationInFile): number {
    const reference = organization.reference || organization_id!;
    const known = organizations.get(reference);
    if (known) return known.place;
    if (organizations.size === organizationsMax)
      throw invalid(`The file names more than ${organizationsMax} organizations: divide it`);
    const place = organizations.size;
    organizations.set(reference, { ...organization, reference, place });
    return place;
  }

  function rejected(row: ImportRow, input: string, error: string, field: string | null): string {
    const own = [row.line, input, null, null, null, null, null, null, error, field, storable(row.source)];
    return copyFields([...own, ...noValues]);
  }

  function lineOf(row: ImportRow): string {
    const input = storable(row.phone_number).slice(0, 64);
    if ('problem' in row) return rejected(row, input, row.problem, row.field);
    const number = readPhoneNumber(row.phone_number, default_country);
    if (typeof number === 'string') return rejected(row, input, `phone_number ${number}`, 'phone_number');
    if (row.organization.reference === '' && organization_id === undefined)
      return rejected(
        row,
        input,
        'organization is empty: the row does not say where it belongs',
        'organization',
      );
    const { e164, pretty, country } = number;
    // Stored only if it differs from E.164, which most files use.
    const otherInput = input === e164 ? null : input;
    const isNewUser = create_users && isEmail(row.user);
    const newUserName = isNewUser ? (row.user_name || row.user).slice(0, 200) : null;
    const own = [
      row.line,
      otherInput,
      e164,
      pretty,
      country,
      placeOf(row.organization),
      row.user || null,
      newUserName,
    ];
    const values = names.map(name => {
      const isState = name in stateColumns;
      const value = isState
        ? row.state?.[name as keyof typeof stateColumns]
        : row.values[name as EditableName];
      if (value === undefined) return null;
      given.add(name);
      if (!isState) return copyText(name as EditableName, value);
      return value instanceof Date ? value.toISOString() : String(value);
    });
    return copyFields([...own, null, null, storable(row.source), ...values]);
  }

  return { given, lineOf, organizations: () => [...organizations.values()] };
}

/** The text without what PostgreSQL rejects: U+0000 and lone surrogates. */
export const storable = (text: string): string =>
  (text.includes('\0') ? text.replaceAll('\0', '') : text).toWellFormed();

/** https://www.postgresql.org/docs/current/sql-copy.html, "Text Format" */
function copyFields(fields: (string | number | null)[]): string {
  return `${fields.map(copyField).join('\t')}\n`;
}

function copyField(field: string | number | null): string | number {
  if (field === null) return '\\N';
  if (typeof field === 'number' || !special.test(field)) return field;
  return field.replace(/[\\\n\r\t]/g, char => escapes[char]!);
}

const special = /[\\\n\r\t]/;
const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
