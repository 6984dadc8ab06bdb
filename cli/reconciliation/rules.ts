import { InvalidArgumentError } from 'commander';
import type { Conditions, MapEntry, Rule } from '../../server/reconciliation/rules.ts';
import { Failure } from '../terminal/failure.ts';
import { openUpload } from '../terminal/read-file.ts';
import { escapeControls } from '../terminal/text.ts';

export const rulesHelp = `
A rule is what must be true of a number, a colon, and the organization that it then goes to. The
first rule that fits decides; the organization is what follows the last colon. Conditions:

  subaccount=AC…            the account below yours that the number lies in
  tag=acme                  a tag that it has at the carrier
  name="Front desk"         the name that it has there
  name_starts_with="Acme "  what that name begins with
  area_code=415             its North American area code
  everything                every number

Several with commas between them must all be true. A map is a CSV file whose first line names its
columns, phone_number and organization_id; it goes before the rules.`;

const texts = ['subaccount', 'tag', 'name', 'name_starts_with', 'area_code'] as const;

/** For an option that is given more than once: `tag=acme,area_code=415:org_acme`. */
export function readRule(text: string, before: Rule[] = []): Rule[] {
  const colon = text.lastIndexOf(':');
  const organization_id = text.slice(colon + 1);
  if (colon < 1 || !organization_id)
    throw new InvalidArgumentError('It must be conditions, a colon and an organization: tag=acme:org_acme.');
  return [...before, { organization_id, ...readConditions(text.slice(0, colon)) }];
}

function readConditions(text: string): Conditions {
  // A name may have commas of its own.
  const parts = text.split(new RegExp(`,(?=(?:${texts.join('|')})=|everything(?:,|$))`));
  const conditions: Conditions = {};
  for (const part of parts) {
    const [, name, value] = /^(\w+)(?:=(.+))?$/s.exec(part) ?? [];
    const known = texts.find(one => one === name);
    if (name === 'everything' && value === undefined) conditions.everything = true;
    else if (known && value !== undefined) conditions[known] = value;
    else throw new InvalidArgumentError(`"${part}" is no condition; see --help.`);
  }
  return conditions;
}

/** Reads a CSV file of numbers and organizations; what is wrong with a number, the server says. */
export async function readMap(file: string): Promise<MapEntry[]> {
  const { parse } = await import('csv-parse/sync');
  const upload = await openUpload(file);
  try {
    const text = Buffer.concat(await Array.fromAsync(upload.source));
    const rows = parse(text, { bom: true, columns: readHeader, skip_empty_lines: true, trim: true });
    return rows as MapEntry[];
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${file} is not such a CSV file: ${escapeControls((error as Error).message)}`);
  } finally {
    upload.close();
  }
}

function readHeader(names: string[]): string[] {
  const read = names.map(name => name.toLowerCase());
  if ([...read].sort().join() !== 'organization_id,phone_number')
    throw new Error('its first line must name two columns, phone_number and organization_id');
  return read;
}
