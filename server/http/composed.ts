/*
 * An "ü" is one character or two, a "u" and two dots, and looks the same: keyboards write the one, file names of macOS the
 * other. All text is composed (Unicode NFC) when it comes in, so that texts that look the same are the same.
 */

const beyondAscii = /[^\0-\x7f]/;

/** One text, such as a cell of a file. */
export const composedText = (text: string): string => (beyondAscii.test(text) ? text.normalize() : text);

/** Whether JSON may have text to compose. Most has none, and need not be walked through. */
export const mayBeDecomposed = (json: string): boolean => beyondAscii.test(json) || json.includes('\\u');

/** All texts of a JSON value, names of fields included. Changes objects and arrays in place where it can. */
export function composed<T>(value: T): T {
  if (typeof value === 'string') return composedText(value) as T;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = composed(value[index]);
    return value;
  }
  const parts = value as Record<string, unknown>;
  for (const name of Object.keys(parts)) {
    if (composedText(name) !== name) return withComposedNames(parts) as T;
    parts[name] = composed(parts[name]);
  }
  return value;
}

/** The same in a new object, because a field that is renamed must keep its place. */
const withComposedNames = (parts: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [composedText(name), composed(part)]));
