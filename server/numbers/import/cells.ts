import { Type } from '../../../schema/schema.ts';
import { invalid } from '../../errors.ts';
import { assertValid } from '../../http/validation.ts';
import { type EditableName, editableNames, field } from '../state.ts';

/* The fields of a number in a file: read from text or JSON, and written for COPY. */

/** Each field alone as a body, so that what is wrong with a value is said as in any other request. */
const alone = Object.fromEntries(
  editableNames.map(name => [name, Type.Object({ [name]: field(name).schema })]),
);

/**
 * Reads a cell as an export writes it. An empty one says nothing.
 * @throws Problem `invalid_request`
 */
export function readCell(name: EditableName, text: string): unknown {
  if (text === '') return undefined;
  switch (field(name).column) {
    case 'text[]':
      return readValue(
        name,
        text.split(',').flatMap(part => part.trim() || []),
      );
    case 'boolean':
      return readValue(name, words.get(text.toLowerCase()) ?? text);
    case 'jsonb':
      return readValue(name, readJson(name, text));
    default:
      return readValue(name, text);
  }
}

const words = new Map([
  ...['true', 'yes', '1'].map(word => [word, true] as const),
  ...['false', 'no', '0'].map(word => [word, false] as const),
]);

function readJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(`${name} is not JSON`);
  }
}

/**
 * Reads the value of a field in the one form that is stored. Null, and a text without a character, say nothing.
 * @throws Problem `invalid_request`
 */
export function readValue(name: EditableName, value: unknown): unknown {
  if (value === null || value === undefined || value === '') return undefined;
  const { column, schema, edit } = field(name);
  if (column === 'text') {
    if (typeof value !== 'string') throw invalid(`${name} must be a string or null`);
    const { maxLength = Number.POSITIVE_INFINITY } = schema as { maxLength?: number };
    if (value.length > maxLength) throw invalid(`${name} is longer than ${maxLength} characters`);
  }
  if (!isStorable(value)) throw invalid(`${name} has a character that cannot be stored`);
  // A text has its length alone to keep to, unless its schema says more: most columns are texts, and a file is long.
  if (column !== 'text' || 'pattern' in schema) assertValid(alone[name]!, { [name]: value });
  return edit!.read ? edit!.read(value as never) : value;
}

/** PostgreSQL stores neither U+0000 nor half of a surrogate pair. */
const isStorable = (value: unknown): boolean => {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, inner]) => isStorable(name) && isStorable(inner));
};

/** A value as COPY takes it into its column. */
export function copyText(name: EditableName, value: unknown): string | null {
  if (value === undefined) return null;
  switch (field(name).column) {
    case 'text[]':
      return `{${(value as string[]).map(part => `"${part.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
    case 'jsonb':
      return JSON.stringify(value);
    default:
      return String(value);
  }
}
