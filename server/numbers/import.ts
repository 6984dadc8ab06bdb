import { randomUUIDv7 } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sql } from 'kysely';
import { from as copyFrom } from 'pg-copy-streams';
import { openCursor } from '../db/cursor.ts';
import { type Database, type Db, refreshStatistics, type Session } from '../db/database.ts';
import type { Who } from '../keys/who.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { assertActive, type Revision, revise } from '../revisions/revise.ts';
import { type ImportFormat, type ImportRow, readRows } from './import-rows.ts';
import { readPhoneNumber } from './phone-number.ts';

export type ImportOptions = {
  organization_id: string;
  default_country: string;
  all_or_nothing: boolean;
  dry_run: boolean;
};

/** Why a row was not taken. */
export type RowProblem = 'invalid' | 'unknown_user' | 'already_exists' | 'duplicate_in_file';

/** What an import did. It holds a connection until `end` is called, whether `rejections` was read or not. */
export type ImportReport = {
  rows: number;
  imported: number;
  rejected: number;
  batchId: string | null;
  rejections: AsyncGenerator<Rejection, void>;
  end(): Promise<void>;
};

export type Rejection = { line: number; phone_number: string; code: RowProblem; error: string };

const nicknameMax = 200;
const rowsPerRead = 1000;
const itemsPerPiece = 1000;

/**
 * Brings a file of numbers into an organization, in one pass and bounded memory: the rows are read and normalized
 * while they arrive and copied into a temporary table, where the database finds duplicates and users; then one
 * revision, which is short however slowly the file came, takes what is right. Killed at any point before the commit,
 * nothing of it remains.
 */
export async function importNumbers(
  database: Database,
  who: Who,
  options: ImportOptions,
  source: Readable,
  format: ImportFormat,
): Promise<ImportReport> {
  const organization = await findOrganization(database.db, who, options.organization_id);
  const session = await database.openSession();
  try {
    await stage(session, readRows(source, format), options.default_country);
    let batchId: string | null = null;
    const counts = await revise(session.db, who, { id: organization.id }, async revision => {
      assertActive(revision);
      const { tx, record } = revision;
      await judge(tx, who, organization.id);
      let counts = await countRows(tx);
      if (options.dry_run || counts.imported === 0 || (options.all_or_nothing && counts.rejected > 0))
        return counts;
      await take(revision, who);
      const late = await countRows(tx);
      // Another organization took one of the numbers after the judgement.
      if (options.all_or_nothing && late.rejected > 0) throw new TakenMeanwhile();
      counts = late;
      if (counts.imported === 0) return counts;
      batchId = randomUUIDv7();
      await keepItems(revision, who, batchId);
      record('numbers.imported', { batch_id: batchId, count: counts.imported });
      return counts;
    }).catch(async error => {
      if (!(error instanceof TakenMeanwhile)) throw error;
      await judge(session.db, who, organization.id);
      return countRows(session.db);
    });
    if (batchId !== null) await refreshStatistics(session.db, counts.imported);
    const nothing = options.all_or_nothing && counts.rejected > 0;
    return {
      ...counts,
      imported: nothing ? 0 : counts.imported,
      batchId,
      rejections: readRejections(session, who),
      end: session.end,
    };
  } catch (error) {
    await session.end();
    throw error;
  }
}

/** Undoes an all-or-nothing import at its very end. */
class TakenMeanwhile extends Error {}

async function stage(session: Session, rows: AsyncGenerator<ImportRow>, country: string): Promise<void> {
  await session.client.query(`
    set work_mem = '64MB';
    create temporary table staged (
      line integer not null, id uuid not null, input text not null, phone_number text collate "C", pretty text, country text,
      nickname text, user_reference text, user_id uuid, user_unique_id text, code text, error text, first_line integer, taken_by uuid)`);
  const copy = session.client.query(
    copyFrom(
      'copy staged (line, id, input, phone_number, pretty, country, nickname, user_reference, code, error) from stdin',
    ),
  );
  await pipeline(rows, all => copyLines(all, country), copy);
  await session.client.query('analyze staged');
}

/** Rows in COPY's text format, gathered so that each write is worth its while. */
async function* copyLines(rows: AsyncIterable<ImportRow>, country: string): AsyncGenerator<string> {
  let text = '';
  for await (const row of rows) {
    text += copyLine(row, country);
    if (text.length > 32_768) {
      yield text;
      text = '';
      // A long file must not keep other requests waiting.
      await new Promise(setImmediate);
    }
  }
  yield text;
}

function copyLine(row: ImportRow, country: string): string {
  const id = randomUUIDv7();
  if ('problem' in row)
    return copyFields([row.line, id, '', null, null, null, null, null, 'invalid', row.problem]);
  const number = readPhoneNumber(row.phone_number, country);
  const problem = typeof number === 'string' ? `phone_number ${number}` : textProblem(row);
  const input = storable(row.phone_number).slice(0, 64);
  if (problem !== undefined || typeof number === 'string') {
    return copyFields([row.line, id, input, null, null, null, null, null, 'invalid', problem ?? null]);
  }
  const fields = [number.e164, number.pretty, number.country, row.nickname || null, row.user || null];
  return copyFields([row.line, id, input, ...fields, null, null]);
}

function textProblem({ nickname, user }: { nickname: string; user: string }): string | undefined {
  if (nickname.length > nicknameMax) return `nickname is longer than ${nicknameMax} characters`;
  if (storable(nickname) !== nickname) return 'nickname has a character that cannot be stored';
  if (storable(user) !== user) return 'user has a character that cannot be stored';
  return undefined;
}

/** What PostgreSQL can store of a text: neither U+0000 nor half of a pair. */
export const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** https://www.postgresql.org/docs/current/sql-copy.html, "Text Format" */
function copyFields(fields: (string | number | null)[]): string {
  const escaped = fields.map(field => {
    if (field === null) return '\\N';
    return typeof field === 'number' ? field : field.replace(/[\\\n\r\t]/g, char => escapes[char]!);
  });
  return `${escaped.join('\t')}\n`;
}

const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Finds what is wrong with the rows as the database stands now; the first reason that applies is the one given. */
async function judge(db: Db, who: Who, organizationId: string): Promise<void> {
  const mine = sql`u.tenant_id = ${who.tenantId} and u.organization_id = ${organizationId} and u.status = 'active'`;
  await sql`update staged s set user_id = u.id, user_unique_id = u.unique_id from users u
    where ${mine} and u.unique_id = s.user_reference`.execute(db);
  await sql`update staged s set user_id = u.id, user_unique_id = u.unique_id from users u
    where ${mine} and lower(u.email) = lower(s.user_reference) and s.user_id is null`.execute(db);
  await sql`update staged set code = 'unknown_user' where code is null and user_reference is not null and user_id is null`.execute(
    db,
  );
  await sql`update staged s set code = 'already_exists', taken_by = n.organization_id from phone_numbers n
    where s.code is null and n.tenant_id = ${who.tenantId} and n.phone_number = s.phone_number and n.released_at is null`.execute(
    db,
  );
  await sql`update staged s set code = 'duplicate_in_file', first_line = f.line
    from (select phone_number, min(line) as line from staged where code is null group by phone_number having count(*) > 1) f
    where s.code is null and s.phone_number = f.phone_number and s.line > f.line`.execute(db);
}

/** Adds what is right. In one order, so that two imports that meet in their numbers wait instead of deadlocking. */
async function take({ tx, organization, number, at }: Revision, who: Who): Promise<void> {
  const taken = await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, nickname, status, available_since, since_revision, created_at, modified_at)
    select ${who.tenantId}, ${organization.id}, id, phone_number, pretty, country, nickname,
           case when user_id is null then 'available' else 'assigned' end, case when user_id is null then ${at}::timestamptz end,
           ${number}, ${at}, ${at}
    from staged where code is null order by phone_number
    on conflict (tenant_id, phone_number) where released_at is null do nothing`.execute(tx);
  const { imported } = await countRows(tx);
  if (Number(taken.numAffectedRows) < imported) {
    // Both imports may have come to an empty table, of which the planner would still think so and compare all with all.
    await sql`analyze phone_numbers`.execute(tx);
    await sql`
      update staged s set code = 'already_exists', taken_by = (
        select n.organization_id from phone_numbers n
        where n.tenant_id = ${who.tenantId} and n.phone_number = s.phone_number and n.released_at is null)
      where code is null and not exists (select from phone_numbers n where n.tenant_id = ${who.tenantId} and n.id = s.id)`.execute(
      tx,
    );
  }
  await sql`
    insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
    select ${who.tenantId}, ${organization.id}, gen_random_uuid(), id, user_id, ${at}, ${number}
    from staged where code is null and user_id is not null`.execute(tx);
}

/** Keeps what the event stands for, so that the log can be replayed without the tables. */
async function keepItems({ tx, organization }: Revision, who: Who, batchId: string): Promise<void> {
  await sql`
    insert into batch_items (tenant_id, organization_id, batch_id, piece, items)
    select ${who.tenantId}, ${organization.id}, ${batchId}, piece, jsonb_agg(
      jsonb_build_object('id', id, 'phone_number', phone_number, 'nickname', nickname, 'user_id', user_unique_id) order by line)
    from (select *, (row_number() over (order by line) - 1) / ${itemsPerPiece}::int as piece from staged where code is null) taken
    group by piece`.execute(tx);
}

async function countRows(db: Db): Promise<{ rows: number; imported: number; rejected: number }> {
  const { rows } = await sql<{ rows: number; imported: number }>`
    select count(*) as rows, count(*) filter (where code is null) as imported from staged`.execute(db);
  const counts = rows[0]!;
  return { ...counts, rejected: counts.rows - counts.imported };
}

/** Every rejected row, in the order of the file. */
async function* readRejections(session: Session, who: Who): AsyncGenerator<Rejection, void> {
  const text = `select s.line, s.input, s.code, s.error, s.first_line, s.user_reference, o.unique_id as organization_id
      from staged s
      left join organizations o on o.tenant_id = $1 and o.id = s.taken_by and ($2::uuid is null or o.id = $2)
      where s.code is not null order by s.line`;
  const cursor = openCursor<RejectedRow>(session.client, text, [who.tenantId, who.organizationId]);
  for (;;) {
    const rows = await cursor.read(rowsPerRead);
    for (const row of rows)
      yield { line: row.line, phone_number: row.input, code: row.code, error: explanation(row) };
    if (rows.length < rowsPerRead) return;
  }
}

type RejectedRow = {
  line: number;
  input: string;
  code: RowProblem;
  error: string | null;
  first_line: number | null;
  user_reference: string | null;
  /** Where the number is already; null where the key cannot see that. */
  organization_id: string | null;
};

function explanation(row: RejectedRow): string {
  switch (row.code) {
    case 'invalid':
      return row.error!;
    case 'unknown_user':
      return `no active user ${row.user_reference} in this organization`;
    case 'already_exists':
      return row.organization_id
        ? `the number is already in ${row.organization_id}`
        : 'the number already exists';
    case 'duplicate_in_file':
      return `the number stands in line ${row.first_line} already`;
  }
}
