import { type Hash, randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Static } from '../../../schema/schema.ts';
import type { Caller } from '../../access/caller.ts';
import { openCursor } from '../../db/cursor.ts';
import {
  type Database,
  type Db,
  refreshStatistics,
  type Session,
  type Tx,
  transact,
} from '../../db/database.ts';
import { risingId } from '../../db/rising-id.ts';
import { claimKey, holdKey, type IdempotentRequest, keepAnswer, letGoOfKey } from '../../http/idempotency.ts';
import { findOrganization } from '../../organizations/organizations.ts';
import { assertActive, type Revision, revise } from '../../revisions/revise.ts';
import { type ImportFormat, readRows } from './rows.ts';
import type { ImportBody } from './schemas.ts';
import { stageRows } from './staging.ts';

export type ImportOptions = {
  organization_id: string;
  default_country: string;
  all_or_nothing: boolean;
  dry_run: boolean;
};

/** Why a row was not taken. */
export type RowProblem = 'invalid' | 'unknown_user' | 'already_exists' | 'duplicate_in_file';

export type Rejection = { line: number; phone_number: string; code: RowProblem; error: string };

/** What an import did. It holds a connection until `end` is called, whether `rejections` was read or not. */
export type ImportReport = Outcome & {
  rejections: AsyncIterable<Rejection> | Rejection[];
  /** How many of the last rejections are not in a replay. */
  rejections_omitted?: number | undefined;
  /** Whether an earlier request with the same key has done it. */
  replayed: boolean;
  end(): Promise<void>;
};

type Counts = { rows: number; imported: number; rejected: number };

type Outcome = Counts & {
  batch_id: string | null;
  /** Whether it was to be all or nothing, and is nothing. */
  refused: boolean;
};

type KeptReport = Static<typeof ImportBody>;

/** What a repeat is told of is kept for days, so it is bounded; the first answer has every rejection. */
export const rejectionsKept = 10_000;
const rowsPerRead = 1000;
const itemsPerPiece = 1000;

/**
 * Brings a file of numbers into an organization, in one pass and bounded memory: the rows are read and normalized
 * while they arrive and copied into a temporary table, where the database finds duplicates and users; then one
 * revision, which is short however slowly the file came, takes what is right. Killed at any point before the commit,
 * nothing of it remains.
 * @param repeat with an `Idempotency-Key`: the key, and the request's hash up to its body, which the file is added to
 */
export async function importNumbers(
  database: Database,
  caller: Caller,
  options: ImportOptions,
  source: AsyncIterable<Uint8Array>,
  format: ImportFormat,
  repeat?: { key: string; hash: Hash },
): Promise<ImportReport> {
  const organization = await findOrganization(database.db, caller, options.organization_id);
  const session = await database.openSession();
  try {
    // Before the file has come: it may be long.
    if (repeat) await holdKey(session.db, caller, repeat.key);
    const file = repeat ? hashing(source, repeat.hash) : source;
    await stageRows(session, readRows(file, format), options.default_country);
    const idempotent = repeat && { key: repeat.key, hash: repeat.hash.digest() };
    const report = await importOnce(session, caller, organization.id, options, idempotent);
    if (repeat) await letGoOfKey(session.db, caller, repeat.key);
    if (report.batch_id !== null && !report.replayed) await refreshStatistics(session.db, report.imported);
    return { ...report, end: session.end };
  } catch (error) {
    await session.end();
    throw error;
  }
}

async function* hashing(source: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    hash.update(piece);
    yield piece;
  }
}

/** Takes what is right of the staged rows, unless the key has its answer already. */
async function importOnce(
  session: Session,
  caller: Caller,
  organizationId: string,
  options: ImportOptions,
  idempotent: IdempotentRequest | undefined,
): Promise<Omit<ImportReport, 'end'>> {
  const fresh = { rejections: readRejections(session, caller), replayed: false };
  return transact(session.db, async tx => {
    const earlier = idempotent && (await claimKey<KeptReport>(tx, caller, idempotent));
    if (earlier) return { ...earlier.payload, refused: false, replayed: true };
    const outcome = await importStaged(tx, caller, organizationId, options);
    if (idempotent && !outcome.refused)
      await keepAnswer(tx, caller, idempotent, 200, await shortReport(session, caller, options, outcome));
    return { ...outcome, ...fresh };
  }).catch(async error => {
    if (!(error instanceof TakenMeanwhile)) throw error;
    return { ...nothing(await judge(session.db, caller, organizationId)), ...fresh };
  });
}

const importStaged = (
  tx: Tx,
  caller: Caller,
  organizationId: string,
  options: ImportOptions,
): Promise<Outcome> =>
  revise(tx, caller, { id: organizationId }, async revision => {
    const { all_or_nothing, dry_run } = options;
    assertActive(revision);
    const before = await judge(tx, caller, organizationId);
    if (all_or_nothing && before.rejected > 0) return { ...nothing(before), refused: !dry_run };
    if (dry_run || before.imported === 0) return { ...before, batch_id: null, refused: false };
    const counts = await take(revision, caller, before);
    // Another organization took one of the numbers after the judgement.
    if (all_or_nothing && counts.rejected > 0) throw new TakenMeanwhile();
    if (counts.imported === 0) return { ...counts, batch_id: null, refused: false };
    const batch_id = randomUUIDv7();
    await keepItems(revision, caller, batch_id, counts.imported);
    revision.record('numbers.imported', { batch_id, count: counts.imported });
    return { ...counts, batch_id, refused: false };
  });

const nothing = (counts: Counts): Outcome => ({ ...counts, imported: 0, batch_id: null, refused: true });

/** Undoes an all-or-nothing import at its very end. */
class TakenMeanwhile extends Error {}

/** The report as a repeat gets it. */
async function shortReport(
  session: Session,
  caller: Caller,
  { dry_run }: ImportOptions,
  { refused: _, ...outcome }: Outcome,
): Promise<KeptReport> {
  const rejections = await Array.fromAsync(readRejections(session, caller, rejectionsKept));
  const omitted = outcome.rejected - rejections.length;
  return { dry_run, ...outcome, rejections, ...(omitted > 0 && { rejections_omitted: omitted }) };
}

/**
 * Says of each row what becomes of it as the database stands now; the first reason that applies is the one given.
 * One pass and one sort: what is right comes out in the order of its numbers, with its place in it and an id that rises
 * with it, so that every index of phone_numbers grows at its end.
 */
async function judge(db: Db, caller: Caller, organizationId: string): Promise<Counts> {
  const active = (user: string) => sql`${sql.ref(`${user}.tenant_id`)} = ${caller.tenantId}
    and ${sql.ref(`${user}.organization_id`)} = ${organizationId} and ${sql.ref(`${user}.status`)} = 'active'`;
  await sql`
    with found as (
      select s.line, s.input, s.phone_number, s.pretty, s.country, s.nickname,
             coalesce(by_id.id, by_email.id) as user_id, coalesce(by_id.unique_id, by_email.unique_id) as user_unique_id,
             case when s.error is not null then 'invalid'
                  when s.user_reference is not null and by_id.id is null and by_email.id is null then 'unknown_user'
                  when n.id is not null then 'already_exists' end as code,
             coalesce(s.error, s.user_reference) as detail, n.organization_id as taken_by
      from staged s
      left join users by_id on ${active('by_id')} and by_id.unique_id = s.user_reference
      left join users by_email on ${active('by_email')} and lower(by_email.email) = lower(s.user_reference)
      left join phone_numbers n on n.tenant_id = ${caller.tenantId} and n.phone_number = s.phone_number and n.released_at is null
    ), compared as (
      select *, first_value(line) over (partition by code, phone_number order by line) as first_line from found
    ), placed as (
      select *, code is null and line = first_line as is_right,
             count(*) filter (where code is null and line = first_line)
               over (order by code, phone_number, line rows unbounded preceding) as place
      from compared
    )
    insert into judged (line, input, phone_number, pretty, country, nickname, user_id, user_unique_id, code, detail, first_line, taken_by, place, id)
    select line, input, phone_number, pretty, country, nickname, user_id, user_unique_id,
           case when not is_right then coalesce(code, 'duplicate_in_file') end, detail, first_line, taken_by,
           case when is_right then place end, case when is_right then ${risingId(sql.ref('place'))} end
    from placed`.execute(db);
  return countRows(db);
}

/** Adds what is right. In one order, so that two imports that meet in their numbers wait instead of deadlocking. */
async function take(
  { tx, organization, number, at }: Revision,
  caller: Caller,
  judged: Counts,
): Promise<Counts> {
  // Without these the planner would sort what lies in its order already.
  await sql`create index judged_place on judged (place) where place is not null`.execute(tx);
  await sql`analyze judged (place)`.execute(tx);
  const taken = await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, nickname, status, available_since, since_revision, created_at, modified_at)
    select ${caller.tenantId}, ${organization.id}, id, phone_number, pretty, country, nickname,
           case when user_id is null then 'available' else 'assigned' end, case when user_id is null then ${at}::timestamptz end,
           ${number}, ${at}, ${at}
    from judged where place is not null order by place
    on conflict (tenant_id, phone_number) where released_at is null do nothing`.execute(tx);
  const isShort = Number(taken.numAffectedRows) < judged.imported;
  if (isShort) await rejudge(tx, caller);
  await sql`
    insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
    select ${caller.tenantId}, ${organization.id}, ${risingId(sql.ref('place'))}, id, user_id, ${at}, ${number}
    from judged where place is not null and user_id is not null order by place`.execute(tx);
  return isShort ? countRows(tx) : judged;
}

/** Rejects what others took between the judgement and the insertion, and closes the gaps. */
async function rejudge(tx: Tx, caller: Caller): Promise<void> {
  // Both imports may have come to an empty table, of which the planner would still think so and compare all with all.
  await sql`analyze phone_numbers`.execute(tx);
  await sql`
    update judged j set code = 'already_exists', place = null, taken_by = (
      select n.organization_id from phone_numbers n
      where n.tenant_id = ${caller.tenantId} and n.phone_number = j.phone_number and n.released_at is null)
    where place is not null and not exists (select from phone_numbers n where n.tenant_id = ${caller.tenantId} and n.id = j.id)`.execute(
    tx,
  );
  await sql`
    update judged j set place = closed.place
    from (select id, row_number() over (order by place) as place from judged where place is not null) closed
    where j.id = closed.id and j.place <> closed.place`.execute(tx);
}

/** Keeps what the event stands for, so that the log can be replayed without the tables. */
async function keepItems(
  { tx, organization }: Revision,
  caller: Caller,
  batchId: string,
  count: number,
): Promise<void> {
  await sql`
    insert into batch_items (tenant_id, organization_id, batch_id, piece, items)
    select ${caller.tenantId}, ${organization.id}, ${batchId}, piece, items
    from generate_series(0, (${count}::int - 1) / ${itemsPerPiece}::int) as piece
    cross join lateral (
      select jsonb_agg(jsonb_build_object('id', id, 'phone_number', phone_number, 'nickname', nickname, 'user_id', user_unique_id) order by place) as items
      from judged where place > piece * ${itemsPerPiece}::int and place <= (piece + 1) * ${itemsPerPiece}::int) taken`.execute(
    tx,
  );
}

async function countRows(db: Db): Promise<Counts> {
  const { rows } = await sql<{ rows: number; imported: number }>`
    select count(*) as rows, count(place) as imported from judged`.execute(db);
  const counts = rows[0]!;
  return { ...counts, rejected: counts.rows - counts.imported };
}

/** The rejected rows in the order of the file; every one, or the first `limit`. */
async function* readRejections(
  session: Session,
  caller: Caller,
  limit: number | null = null,
): AsyncGenerator<Rejection, void> {
  const text = `select j.line, coalesce(j.input, j.phone_number) as input, j.code, j.detail, j.first_line, o.unique_id as organization_id
      from judged j
      left join organizations o on o.tenant_id = $1 and o.id = j.taken_by and ($2::uuid is null or o.id = $2)
      where j.code is not null order by j.line limit $3`;
  const cursor = openCursor<RejectedRow>(session.client, text, [
    caller.tenantId,
    caller.organizationId,
    limit,
  ]);
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
  /** Of an invalid row what is wrong with it, of an unknown user the reference. */
  detail: string | null;
  first_line: number | null;
  /** Where the number is already; null where the key cannot see that. */
  organization_id: string | null;
};

function explanation(row: RejectedRow): string {
  switch (row.code) {
    case 'invalid':
      return row.detail!;
    case 'unknown_user':
      return `no active user ${row.detail} in this organization`;
    case 'already_exists':
      return row.organization_id
        ? `the number is already in ${row.organization_id}`
        : 'the number already exists';
    case 'duplicate_in_file':
      return `the number stands in line ${row.first_line} already`;
  }
}
