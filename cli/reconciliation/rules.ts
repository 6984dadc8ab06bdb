import { InvalidArgumentError } from 'commander';
import type { Conditions, MapEntry, Rule } from '../../server/reconciliation/adoption/rules.ts';
import { Failure } from '../terminal/failure.ts';
import { readText } from '../terminal/read-file.ts';
import { escapeControls } from '../terminal/text.ts';

export const rulesHelp = `
A rule is one or more conditions, a colon, and an organization. A number goes to the organization
of the first rule that matches. The conditions are

  subaccount=AC…            the account below yours that has the number
  tag=acme                  one of its tags at the carrier
  name="Front desk"         its name at the carrier
  name_starts_with="Acme "  how that name begins
  area_code=415             its North American area code
  everything                every number

Conditions with commas between them must all match. A map is a CSV file with the columns
phone_number and organization_id. It comes before the rules.`;

const textConditions = ['subaccount', 'tag', 'name', 'name_starts_with', 'area_code'] as const;

/** For an option that may be given several times: `tag=acme,area_code=415:org_acme`. */
export function readRule(text: string, before: Rule[] = []): Rule[] {
  const colon = text.lastIndexOf(':');
  const organization_id = text.slice(colon + 1);
  if (colon < 1 || !organization_id)
    throw new InvalidArgumentError('It must be conditions, a colon and an organization: tag=acme:org_acme.');
  return [...before, { organization_id, ...readConditions(text.slice(0, colon)) }];
}

function readConditions(text: string): Conditions {
  // A comma separates conditions only before the name of one: names of numbers have commas too.
  const parts = text.split(new RegExp(`,(?=(?:${textConditions.join('|')})=|everything(?:,|$))`));
  const conditions: Conditions = {};
  for (const part of parts) {
    const [, name, value] = /^(\w+)(?:=(.+))?$/s.exec(part) ?? [];
    const known = textConditions.find(condition => condition === name);
    if (name === 'everything' && value === undefined) conditions.everything = true;
    else if (known && value !== undefined) conditions[known] = value;
    else throw new InvalidArgumentError(`"${part}" is not a condition; see --help.`);
  }
  return conditions;
}

/** A row of a map, and the line that it ends on. */
export type MapRow = { record: MapEntry; info: { lines: number } };

/** Reads a CSV file of numbers and organizations. The server checks the numbers. */
export async function readMap(file: string): Promise<MapRow[]> {
  const { parse } = await import('csv-parse/sync');
  const text = await readText(file);
  try {
    const rows = parse(text, {
      columns: readHeader,
      delimiter: [',', ';', '\t'],
      // Spreadsheets leave rows of commas behind.
      skip_records_with_empty_values: true,
      skip_empty_lines: true,
      trim: true,
      info: true,
    });
    return rows as unknown as MapRow[];
  } catch (error) {
    throw new Failure(`${file} is not such a map: ${escapeControls((error as Error).message)}`);
  }
}

function readHeader(names: string[]): string[] {
  const columns = names.map(name => name.toLowerCase());
  if ([...columns].sort().join() !== 'organization_id,phone_number')
    throw new Error('its first line must name two columns, phone_number and organization_id');
  return columns;
}
