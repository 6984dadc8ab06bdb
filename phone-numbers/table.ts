import { parse } from 'csv-parse/sync';
import { planOf } from './plans/plans.ts';

/** Area codes, each in ascending order, by region: the keys of `areaCodes` in area-codes.ts say what a region is. */
export type Table = Record<string, string[]>;

/**
 * Reads a list of area codes: CSV with the columns area_code, region and country. Regions of one area code are joined
 * with `|`.
 *
 * @throws Error for a row that no area code can have, and for a list that lacks an area code of the United States or
 *   Canada that libphonenumber knows
 */
export function readTable(csv: string): Table {
  const rows: Record<string, string>[] = parse(csv, { columns: true, bom: true });
  const table: Table = {};
  const countries = new Map<string, string>();
  for (const { area_code = '', region = '', country = '' } of rows) {
    const row = `${area_code},${region},${country}`;
    if (!/^[2-9](?!11)\d\d$/.test(area_code)) throw new Error(`${row}: this is no area code`);
    if (!/^[A-Z]{2}$/.test(country)) throw new Error(`${row}: the country must be two letters`);
    if (countries.has(area_code)) throw new Error(`${row}: the area code is there twice`);
    const hasRegions = ['US', 'CA'].includes(country);
    if (!(hasRegions ? /^[A-Z]{2}(\|[A-Z]{2})*$/ : /^$/).test(region))
      throw new Error(
        `${row}: the United States and Canada have regions of two letters, other countries none`,
      );
    countries.set(area_code, country);
    const place = hasRegions ? region.split('|').map(part => `${country}-${part}`) : [country];
    const key = place.sort().join(' ');
    table[key] = [...(table[key] ?? []), area_code].sort();
  }
  const missing = knownAreaCodes().filter(([code, country]) => countries.get(code) !== country);
  if (missing.length > 0)
    throw new Error(
      `libphonenumber also knows ${missing.map(([code, country]) => `${code} (${country})`).join(', ')}`,
    );
  return table;
}

/** What libphonenumber has before it is in service. */
const early = new Set(['273']);

/** Geographic area codes of the United States and Canada, in libphonenumber's tables, with their country. */
export function knownAreaCodes(): [areaCode: string, country: string][] {
  const countries = ['US', 'CA'].map(country => planOf(country)!);
  return Array.from({ length: 800 }, (_, i) => String(i + 200)).flatMap(code => {
    const plan = countries.find(one => one.hasFixedLine(`${code}2345678`));
    return plan && !early.has(code) ? [[code, plan.country!] as [string, string]] : [];
  });
}

const lineWidth = 110;

/** The text of area-codes.ts, for a table of that month (YYYY-MM). */
export function writeTable(table: Table, month: string): string {
  const lines = Object.entries(table)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([regions, codes]) => {
      const key = `  ${/^\w+$/.test(regions) ? regions : `'${regions}'`}:`;
      const value = `'${codes.join(' ')}',`;
      // As the formatter of this project breaks a line.
      return `${key}${key.length + value.length < lineWidth ? ' ' : '\n    '}${value}\n`;
    });
  return `// Written by \`npm run area-codes\`, for ${month}: do not edit.

/**
 * The geographic area codes of the North American Numbering Plan by region: a state or province of the United States or
 * Canada (ISO 3166-2), or another country or territory (ISO 3166-1). Several provinces can share their area codes.
 */
export const areaCodes: Readonly<Record<string, string>> = {
${lines.join('')}};
`;
}
