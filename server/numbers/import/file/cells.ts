import { Type } from '../../../../schema/schema.ts';
import { invalid } from '../../../errors.ts';
import { composed } from '../../../http/composed.ts';
import { assertValid, unstorableField } from '../../../http/validation.ts';
import { type EditableName, editableNames, field } from '../../state.ts';

/* The fields of a number in a file: read from text or JSON, and written for COPY. */

/** A body with only the field, so that a bad value has the same error text as in any other request. */
const bodyOf = Object.fromEntries(
  editableNames.map(name => [name, Type.Object({ [name]: field(name).schema })]),
);

/**
 * Reads a cell of CSV. An empty cell is undefined: the field is not given.
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
      return readValue(name, booleans.get(text.toLowerCase()) ?? text);
    case 'jsonb':
      return readValue(name, readJson(name, text));
    default:
      return readValue(name, text);
  }
}

const booleans = new Map([
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
 * Normalizes a value. Null and the empty string are undefined: the field is not given.
 * @throws Problem `invalid_request`
 */
export function readValue(name: EditableName, given: unknown): unknown {
  const value = composed(given);
  if (value === null || value === undefined || value === '') return undefined;
  const { column, schema, edit } = field(name);
  if (column === 'text') {
    if (typeof value !== 'string') throw invalid(`${name} must be a string or null`);
    const { maxLength = Number.POSITIVE_INFINITY } = schema as { maxLength?: number };
    if (value.length > maxLength) throw invalid(`${name} is longer than ${maxLength} characters`);
  }
  if (!isStorable(value)) throw invalid(`${name} has a character that cannot be stored`);
  // A text without a pattern only has a length, which is checked above: faster, since most columns are such texts.
  if (column !== 'text' || 'pattern' in schema) assertValid(bodyOf[name]!, { [name]: value });
  return edit!.read ? edit!.read(value as never) : value;
}

export const isStorable = (value: unknown): boolean => unstorableField(value) === undefined;

/** The text that COPY reads a value from. */
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
