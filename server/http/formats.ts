/** The formats of a reply, and their media types. */
export const mediaTypes = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
} as const;

export type Format = keyof typeof mediaTypes;

/**
 * Picks the format of a reply: first by the query, then by the header `Accept`. JSON wins wherever it is accepted,
 * because most clients send `Accept` without meaning to choose.
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
