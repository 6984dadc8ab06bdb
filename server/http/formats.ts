/** What an answer can be written in, and what it is called then. */
export const mediaTypes = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
} as const;

export type Format = keyof typeof mediaTypes;

/**
 * The format of an answer: what the query says, else what the header `Accept` asks for. Whoever takes JSON too, as most
 * clients do that send this header unasked, gets JSON.
 */
export function formatOf<F extends Format>(
  asked: F | undefined,
  accept: string | undefined,
  others: readonly F[],
): F | 'json' {
  if (asked !== undefined) return asked;
  const types = accept?.toLowerCase() ?? '';
  if (/\bjson\b/.test(types)) return 'json';
  return others.find(format => types.includes(mediaTypes[format])) ?? 'json';
}
