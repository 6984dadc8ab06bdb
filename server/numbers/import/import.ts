import { type Hash, randomUUIDv7 } from 'node:crypto';
import type { Static } from '../../../schema/schema.ts';
import type { Caller } from '../../access/caller.ts';
import { type Database, refreshStatistics, type Session, type Tx, transact } from '../../db/database.ts';
import { claimKey, type IdempotentRequest, lockKey, storeReply, unlockKey } from '../../http/idempotency.ts';
import { findOrganization } from '../../organizations/organizations.ts';
import { assertActive, revise } from '../../revisions/revise.ts';
import { takenValueProblems } from '../life/unique.ts';
import type { EditableName } from '../state.ts';
import { type Counts, judge, keepItems, take } from './judgement.ts';
import { type Rejection, readRejections } from './rejections.ts';
import { type ImportFormat, readRows } from './rows.ts';
import type { ImportBody } from './schemas.ts';
import { stageRows } from './staging.ts';

export type ImportOptions = {
  organization_id: string;
  default_country: string;
  all_or_nothing: boolean;
  dry_run: boolean;
};

/** What an import did. It holds a connection until `end` is called, whether `rejections` was read or not. */
export type ImportReport = Outcome & {
  rejections: AsyncIterable<Rejection> | Rejection[];
  /** How many of the last rejections are not in a replay. */
  rejections_omitted?: number | undefined;
  /** Whether an earlier request with the same key has done it. */
  replayed: boolean;
  end(): Promise<void>;
};

type Outcome = Counts & {
  batch_id: string | null;
  /** Whether it was to be all or nothing, and is nothing. */
  refused: boolean;
};

type KeptReport = Static<typeof ImportBody>;

/** What a repeat is told of is kept for days, so it is bounded; the first answer has every rejection. */
export const rejectionsKept = 10_000;

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
    if (repeat) await lockKey(session.db, caller, repeat.key);
    const file = repeat ? hashing(source, repeat.hash) : source;
    const given = await stageRows(session, readRows(file, format), options.default_country);
    const idempotent = repeat && { key: repeat.key, hash: repeat.hash.digest() };
    const report = await importOnce(session, caller, organization.id, options, given, idempotent);
    if (repeat) await unlockKey(session.db, caller, repeat.key);
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
  given: EditableName[],
  idempotent: IdempotentRequest | undefined,
): Promise<Omit<ImportReport, 'end'>> {
  const fresh = { rejections: readRejections(session, caller), replayed: false };
  return transact(session.db, async tx => {
    const earlier = idempotent && (await claimKey<KeptReport>(tx, caller, idempotent));
    if (earlier) return { ...earlier.payload, refused: false, replayed: true };
    const outcome = await importStaged(tx, caller, organizationId, options, given);
    if (idempotent && !outcome.refused)
      await storeReply(tx, caller, idempotent, 200, await shortReport(session, caller, options, outcome));
    return { ...outcome, ...fresh };
  }).catch(async error => {
    // Another organization was given a unique value after the judgement: the next one sees that.
    if (error.constraint in takenValueProblems)
      return importOnce(session, caller, organizationId, options, given, idempotent);
    if (!(error instanceof TakenMeanwhile)) throw error;
    return { ...nothing(await judge(session.db, caller, organizationId, given)), ...fresh };
  });
}

const importStaged = (
  tx: Tx,
  caller: Caller,
  organizationId: string,
  options: ImportOptions,
  given: EditableName[],
): Promise<Outcome> =>
  revise(tx, caller, { id: organizationId }, async revision => {
    const { all_or_nothing, dry_run } = options;
    assertActive(revision);
    const before = await judge(tx, caller, organizationId, given);
    if (all_or_nothing && before.rejected > 0) return { ...nothing(before), refused: !dry_run };
    if (dry_run || before.imported === 0) return { ...before, batch_id: null, refused: false };
    const counts = await take(revision, caller, before, given);
    // Another organization took one of the numbers after the judgement.
    if (all_or_nothing && counts.rejected > 0) throw new TakenMeanwhile();
    if (counts.imported === 0) return { ...counts, batch_id: null, refused: false };
    const batch_id = randomUUIDv7();
    await keepItems(revision, caller, batch_id, counts.imported, given);
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
