/**
 * The version of an organization, as SQL: its revision and the millisecond of it, `12-1764175953123`. A database that is
 * restored, or that fails over to a replica that was behind, gives a revision out a second time, with other content. It
 * never gives out its moment again.
 * @param o the table or alias that has the organization
 */
export const versionOf = (o: string): string =>
  `${o}.revision || '-' || case when ${o}.revised_at > '-infinity' then (extract(epoch from ${o}.revised_at) * 1000)::bigint else 0 end`;

/** An organization's version, taken apart. */
export type Version = { revision: number; moment: number };

/** @returns undefined for a text that is no version */
export function readVersion(text: string): Version | undefined {
  const [, revision, moment] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  return revision === undefined ? undefined : { revision: Number(revision), moment: Number(moment) };
}
