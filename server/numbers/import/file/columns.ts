import { invalid } from '../../../errors.ts';
import { type EditableName, editableNames } from '../../state.ts';

/* Which column of a file means which field of a number. */

/** What a file can say of a number beside the fields that admins edit. */
const otherFields = [
  'phone_number',
  'user',
  'user_email',
  'user_id',
  'user_name',
  'organization',
  'organization_id',
  'organization_name',
  'status',
  'until',
  'reservation_note',
] as const;
export type FileField = (typeof otherFields)[number] | EditableName;
export const fileFields: readonly FileField[] = [...otherFields, ...editableNames];

/** The names that other programs and people give to a field, the likeliest first. Case, blanks and marks do not count. */
const usualNames: Partial<Record<FileField, string[]>> = {
  phone_number: [
    ...['Number', 'Phone', 'Telephone Number', 'Telephone', 'Phone No', 'Phone Num', 'Tel', 'Tel No', 'DID'],
    ...['DID Number', 'DDI', 'TN', 'WTN', 'E164', 'E.164 Number', 'MSISDN', 'SMS Number', 'SMS Phone Number'],
    ...[
      'Virtual Number',
      'Full Number',
      'Full Phone Number',
      'Incoming Phone Number',
      'Phone Numbers',
      'Numbers',
    ],
    ...[
      'DIDs',
      'TNs',
      'Mobile',
      'Mobile Number',
      'Mobile Phone',
      'Mobile No',
      'Cell',
      'Cell Phone',
      'Cellphone',
    ],
    ...[
      'Rufnummer',
      'Telefonnummer',
      'Telefon',
      'Numéro',
      'Téléphone',
      'Número',
      'Teléfono',
      'Numero',
      'Telefono',
    ],
    'Pretty Phone Number',
  ],
  nickname: ['Friendly Name', 'Label', 'Alias', 'Name', 'Description'],
  external_id: ['Reference', 'CRM ID', 'Customer Reference'],
  tags: ['Tag', 'Labels'],
  user: ['Assigned To', 'Assignee', 'Owner', 'Holder', 'Agent'],
  user_email: ['Email', 'E-mail', 'Email Address', 'Mail', 'Owner Email', 'Agent Email'],
  user_name: ['Full Name', 'Owner Name', 'Agent Name'],
  organization: [
    'Organisation',
    'Customer',
    'Company',
    'Client',
    'Account',
    'Customer Name',
    'Company Name',
    'Account Name',
  ],
  organization_id: ['Organisation ID', 'Org ID', 'Customer ID'],
  organization_name: ['Organisation Name', 'Org Name'],
  until: ['Status Until', 'Reserved Until', 'Cool Down Until'],
};

const metadataName = /^metadata[.:](.+)$/i;

/** `Phone Number`, `PhoneNumber` and `phone_number` are one name. */
const plain = (name: string) =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');

/** For each name in plain writing, the field that it means, and how likely: 0 is the field's own name. */
const meanings = new Map<string, { field: FileField; rank: number }>();
for (const field of fileFields) meanings.set(plain(field), { field, rank: 0 });
for (const [field, names] of Object.entries(usualNames))
  for (const [index, name] of names.entries())
    if (!meanings.has(plain(name))) meanings.set(plain(name), { field: field as FileField, rank: index + 1 });

/** The meaning of a name, also where a remark follows in brackets: `Phone (E.164)`. */
const meaningOf = (name: string) =>
  meanings.get(plain(name)) ?? meanings.get(plain(name.replace(/\(.*\)\s*$/, '')));

/** Names that say nothing if they stand together: a file of rejected rows has them, and an export has them. */
const silent = [
  ['line', 'field', 'reason'],
  ['is_available', 'pretty_phone_number', 'country', 'area_code', 'assigned_to'],
].map(names => names.map(plain));
/** How many of the names tell that it is such a file. */
const telling = [3, 2];

/** What a file says that is not lost if it is not read, because it follows from the rest. */
export function impliedNames(names: string[], hasOrganization: boolean): Set<string> {
  const plainNames = new Set(names.map(plain));
  const isThere = (group: string[], index: number) =>
    group.slice(0, telling[index]).every(name => plainNames.has(name));
  const implied = new Set(silent.filter(isThere).flat());
  return new Set(
    names.filter(
      name => implied.has(plain(name)) || (hasOrganization && isExportedOrganization(meaningOf(name)?.field)),
    ),
  );
}

/** The column or key of a file that gives each field, by the caller: `{"phone_number": "Phone Number"}`. */
export type ColumnNames = Record<string, string>;

/** @throws Problem `invalid_request` */
export function readColumnNames(text: string | undefined): ColumnNames {
  if (text === undefined) return {};
  const rule =
    'columns must be a JSON object of fields and the names of their columns, such as {"phone_number":"Phone Number"}';
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch {
    throw invalid(rule);
  }
  if (typeof names !== 'object' || names === null || Array.isArray(names)) throw invalid(rule);
  for (const [field, name] of Object.entries(names)) {
    if (typeof name !== 'string' || name.trim() === '') throw invalid(rule);
    if (!fileFields.includes(field as FileField) && !metadataName.test(field))
      throw invalid(
        `columns: ${field.slice(0, 100)} is not a field. Fields are ${fileFields.join(', ')} and metadata.NAME`,
      );
  }
  return names as ColumnNames;
}

/** Where the fields stand in a row, and what of the row is not read. */
export type Columns = {
  /** The names in the file, or `column 1` and so on. */
  names: string[];
  places: Partial<Record<FileField, number>>;
  metadata: { key: string; place: number }[];
  /** Columns that are not read. */
  others: number[];
  /** The least cells of a row. Further cells must be empty, unless there are no names. */
  width: number;
  hasNames: boolean;
};

/** @returns undefined if no column is the number's @throws Problem `invalid_request` */
export function columnsOf(
  header: string[],
  given: ColumnNames,
  hasOrganization: boolean,
): Columns | undefined {
  const { places, metadata } = fieldsIn(header, given, hasOrganization);
  if (places.phone_number === undefined) return undefined;
  const read = new Set([...Object.values(places), ...metadata.map(({ place }) => place)]);
  const width = header.findLastIndex(name => name !== '') + 1;
  const names = header.slice(0, width).map((name, place) => name || `column ${place + 1}`);
  const implied = impliedNames(names, hasOrganization);
  const others = names.flatMap((name, place) => (read.has(place) || implied.has(name) ? [] : [place]));
  return { names, places, metadata, others, width, hasNames: true };
}

/** With an organization for the whole file, those that an export names are where its numbers were before. */
const isExportedOrganization = (field: FileField | undefined) =>
  field === 'organization_id' || field === 'organization_name';

/**
 * Finds the fields among the names of columns, or of keys.
 * @throws Problem `invalid_request`, if a given name is not there, or a name is there twice
 */
export function fieldsIn(
  names: string[],
  given: ColumnNames,
  hasOrganization: boolean,
): Pick<Columns, 'places' | 'metadata'> {
  const places: Columns['places'] = {};
  const metadata: Columns['metadata'] = [];
  const plainNames = names.map(plain);
  const taken = new Set<number>();
  for (const [field, name] of Object.entries(given)) {
    const exact = names.indexOf(name);
    const place = exact >= 0 ? exact : plainNames.indexOf(plain(name));
    if (place < 0) throw invalid(`There is no column "${name.slice(0, 100)}" for ${field}. ${listed(names)}`);
    taken.add(place);
    const key = metadataName.exec(field)?.[1];
    if (key !== undefined) metadata.push({ key, place });
    else places[field as FileField] = place;
  }
  const ranks: Partial<Record<FileField, number>> = {};
  for (const [place, name] of names.entries()) {
    if (taken.has(place)) continue;
    const key = metadataName.exec(name)?.[1];
    if (key !== undefined) metadata.push({ key, place });
    const { field, rank } = meaningOf(name) ?? {};
    if (field === undefined || rank === undefined || field in given) continue;
    if (hasOrganization && isExportedOrganization(field)) continue;
    if (rank === 0 && ranks[field] === 0) throw invalid(`The first line names ${field} twice`);
    if (ranks[field] !== undefined && ranks[field]! <= rank) continue;
    ranks[field] = rank;
    places[field] = place;
  }
  return { places, metadata };
}

/** The columns of a file without names, by their positions from 1. @throws Problem `invalid_request` */
export function columnsByPosition(cells: string[], given: ColumnNames): Columns {
  const places: Columns['places'] = {};
  const metadata: Columns['metadata'] = [];
  for (const [field, position] of Object.entries({ phone_number: '1', ...given })) {
    if (!/^[1-9]\d{0,3}$/.test(position))
      throw invalid(`columns: ${field} must be a position from 1, because the file has no names of columns`);
    const key = metadataName.exec(field)?.[1];
    const place = Number(position) - 1;
    if (key !== undefined) metadata.push({ key, place });
    else places[field as FileField] = place;
  }
  const read = new Set([...Object.values(places), ...metadata.map(({ place }) => place)]);
  const count = Math.max(cells.length, ...read) + (read.has(cells.length) ? 1 : 0);
  const names = Array.from({ length: count }, (_, place) => `column ${place + 1}`);
  // A file of rejected rows gets these names, and is read by them.
  for (const [field, place] of Object.entries(places)) names[place] = field;
  for (const { key, place } of metadata) names[place] = `metadata.${key}`;
  const others = names.flatMap((_, place) => (read.has(place) ? [] : [place]));
  return { names, places, metadata, others, width: places.phone_number! + 1, hasNames: false };
}

const listed = (names: string[]) => {
  const some = names.filter(name => name !== '').slice(0, 20);
  return `Its columns are ${some.map(name => `"${name.slice(0, 100)}"`).join(', ')}`;
};

/** What a file without a column for the number is told. */
export function noNumber(header: string[]): Error {
  return invalid(
    `The first line must name the columns, and none of its names means phone_number. ${listed(header)}. Say which one has the number (columns, --column phone_number="Phone Number"), or that the first line is a row (no_header, --no-header)`,
  );
}
