import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Session } from '../../db/database.ts';
import { readPhoneNumber } from '../phone-number.ts';
import type { ImportRow } from './rows.ts';

const nicknameMax = 200;
/** No id and no e-mail address is longer. */
const userMax = 320;

/** Writes the rows into a temporary table of the session, normalized, with what is wrong with each by itself. */
export async function stageRows(
  session: Session,
  rows: AsyncGenerator<ImportRow[]>,
  country: string,
): Promise<void> {
  await session.client.query(`
    set work_mem = '64MB';
    set random_page_cost = 1.1;
    create temporary table staged (
      line integer not null, input text, phone_number text collate "C", pretty text, country text,
      nickname text, user_reference text, error text);
    create temporary table judged (
      line integer not null, input text, phone_number text collate "C", pretty text, country text,
      nickname text, user_id uuid, user_unique_id text, code text collate "C", detail text, first_line integer, taken_by uuid,
      place integer, id uuid)`);
  const copy = session.client.query(copyFrom('copy staged from stdin'));
  await pipeline(rows, all => copyLines(all, country), copy);
  await session.client.query('analyze staged (phone_number, user_reference)');
}

/** Rows in COPY's text format. */
async function* copyLines(pieces: AsyncIterable<ImportRow[]>, country: string): AsyncGenerator<string> {
  for await (const rows of pieces) {
    let text = '';
    for (const row of rows) text += copyLine(row, country);
    yield text;
    // A long file must not keep other requests waiting.
    await new Promise(setImmediate);
  }
}

function copyLine(row: ImportRow, country: string): string {
  if ('problem' in row) return copyFields([row.line, '', null, null, null, null, null, row.problem]);
  const number = readPhoneNumber(row.phone_number, country);
  const problem = typeof number === 'string' ? `phone_number ${number}` : textProblem(row);
  const input = storable(row.phone_number).slice(0, 64);
  if (problem !== undefined || typeof number === 'string')
    return copyFields([row.line, input, null, null, null, null, null, problem ?? null]);
  const { e164, pretty, country: own } = number;
  // Most files write numbers as they are kept.
  const other = input === e164 ? null : input;
  return copyFields([row.line, other, e164, pretty, own, row.nickname || null, row.user || null, null]);
}

function textProblem({ nickname, user }: { nickname: string; user: string }): string | undefined {
  if (nickname.length > nicknameMax) return `nickname is longer than ${nicknameMax} characters`;
  if (storable(nickname) !== nickname) return 'nickname has a character that cannot be stored';
  if (user.length > userMax) return `user is longer than ${userMax} characters`;
  if (storable(user) !== user) return 'user has a character that cannot be stored';
  return undefined;
}

/** What PostgreSQL can store of a text: neither U+0000 nor half of a pair. */
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
