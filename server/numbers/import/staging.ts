import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Session } from '../../db/database.ts';
import { readPhoneNumber } from '../phone-number.ts';
import { type EditableName, editableNames, field } from '../state.ts';
import { copyText } from './cells.ts';
import type { ImportRow } from './rows.ts';

/** No unique_id or e-mail address is longer. */
const userLengthMax = 320;

const valueColumns = editableNames.map(name => `${name} ${field(name).column}`).join(', ');

/**
 * Copies the rows into a temporary table of the session. Their values are normalized, and bad rows have an error.
 * @returns the fields that at least one row gives
 */
export async function stageRows(
  session: Session,
  rows: AsyncGenerator<ImportRow[]>,
  country: string,
): Promise<EditableName[]> {
  await session.client.query(`
    set work_mem = '64MB';
    set random_page_cost = 1.1;
    create temporary table staged (
      line integer not null, input text, phone_number text collate "C", pretty text, country text,
      user_reference text, error text, ${valueColumns});
    create temporary table classified (
      line integer not null, input text, phone_number text collate "C", pretty text, country text,
      user_id uuid, user_unique_id text, code text collate "C", detail text, first_line integer, taken_by uuid,
      place integer, id uuid, ${valueColumns})`);
  const copy = session.client.query(copyFrom('copy staged from stdin'));
  const given = new Set<EditableName>();
  await pipeline(rows, all => copyLines(all, country, given), copy);
  await session.client.query('analyze staged (phone_number, user_reference)');
  return editableNames.filter(name => given.has(name));
}

/** Rows in COPY's text format. */
async function* copyLines(
  batches: AsyncIterable<ImportRow[]>,
  country: string,
  given: Set<EditableName>,
): AsyncGenerator<string> {
  for await (const rows of batches) {
    let text = '';
    for (const row of rows) text += copyLine(row, country, given);
    yield text;
    // A long file must not keep other requests waiting.
    await new Promise(setImmediate);
  }
}

function copyLine(row: ImportRow, country: string, given: Set<EditableName>): string {
  const input = storable(row.phone_number ?? '').slice(0, 64);
  if ('problem' in row) return rejectedLine(row.line, input, row.problem);
  const number = readPhoneNumber(row.phone_number, country);
  if (typeof number === 'string') return rejectedLine(row.line, input, `phone_number ${number}`);
  const problem = userProblem(row.user);
  if (problem !== undefined) return rejectedLine(row.line, input, problem);
  const { e164, pretty, country: numberCountry } = number;
  // Stored only if it differs from E.164, which most files use.
  const otherInput = input === e164 ? null : input;
  const values = editableNames.map(name => {
    const value = row.values[name];
    if (value !== undefined) given.add(name);
    return copyText(name, value);
  });
  return copyFields([row.line, otherInput, e164, pretty, numberCountry, row.user || null, null, ...values]);
}

const noValues = editableNames.map(() => null);
const rejectedLine = (line: number, input: string, problem: string) =>
  copyFields([line, input, null, null, null, null, problem, ...noValues]);

function userProblem(user: string): string | undefined {
  if (user.length > userLengthMax) return `user is longer than ${userLengthMax} characters`;
  if (storable(user) !== user) return 'user has a character that cannot be stored';
  return undefined;
}

/** The text without what PostgreSQL rejects: U+0000 and lone surrogates. */
export const storable = (text: string): string =>
  (text.includes('\0') ? text.replaceAll('\0', '') : text).toWellFormed();

/** https://www.postgresql.org/docs/current/sql-copy.html, "Text Format" */
function copyFields(fields: (string | number | null)[]): string {
  return `${fields.map(copyField).join('\t')}\n`;
}

function copyField(field: string | number | null): string | number {
  if (field === null) return '\\N';
  if (typeof field === 'number' || !special.test(field)) return field;
  return field.replace(/[\\\n\r\t]/g, char => escapes[char]!);
}

const special = /[\\\n\r\t]/;
const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
