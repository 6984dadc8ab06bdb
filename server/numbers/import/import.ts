import { type Hash, randomUUIDv7 } from 'node:crypto';
import type { Static } from '../../../schema/schema.ts';
import type { Caller } from '../../access/caller.ts';
import { type Database, refreshStatistics, type Session, type Tx, transact } from '../../db/database.ts';
import { claimKey, type IdempotentRequest, lockKey, storeReply, unlockKey } from '../../http/idempotency.ts';
import { findOrganization } from '../../organizations/organizations.ts';
import { assertActive, revise } from '../../revisions/revise.ts';
import { takenValueProblems } from '../life/unique.ts';
import type { EditableName } from '../state.ts';
import { type Counts, classifyRows } from './classify.ts';
import { insertRows, storeItems } from './insert.ts';
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

/** The report of an import. It holds a connection until `end` is called, even if `rejections` is never read. */
export type ImportReport = Outcome & {
  rejections: AsyncIterable<Rejection> | Rejection[];
  /** How many rejections a replay leaves out. */
  rejections_omitted?: number | undefined;
  /** Whether this is the report of an earlier request with the same idempotency key. */
  replayed: boolean;
  end(): Promise<void>;
};

type Outcome = Counts & {
  batch_id: string | null;
  /** Whether an all-or-nothing import was given up because a row was rejected. */
  refused: boolean;
};

type StoredReport = Static<typeof ImportBody>;

/** Replays are stored for days, so their rejections are limited. The first reply has all. */
export const rejectionsStored = 10_000;

/**
 * Imports a file of numbers in one pass and bounded memory. The rows are parsed as they arrive, and copied into a
 * temporary table. Then one revision classifies them and inserts the good ones. The revision is short, however slowly
 * the file arrived. A kill before the commit leaves nothing.
 * @param idempotency the idempotency key, and the hash of the request without its body, which is completed with the file
 */
export async function importNumbers(
  database: Database,
  caller: Caller,
  options: ImportOptions,
  source: AsyncIterable<Uint8Array>,
  format: ImportFormat,
  idempotency?: { key: string; hash: Hash },
): Promise<ImportReport> {
  const organization = await findOrganization(database.db, caller, options.organization_id);
  const session = await database.openSession();
  try {
    // Before the file arrives, which may take long.
    if (idempotency) await lockKey(session.db, caller, idempotency.key);
    const file = idempotency ? hashing(source, idempotency.hash) : source;
    const given = await stageRows(session, readRows(file, format), options.default_country);
    const idempotent = idempotency && { key: idempotency.key, hash: idempotency.hash.digest() };
    const report = await importOnce(session, caller, organization.id, options, given, idempotent);
    if (idempotency) await unlockKey(session.db, caller, idempotency.key);
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

/** Imports the staged rows, or returns the stored report of the idempotency key. */
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
    const earlier = idempotent && (await claimKey<StoredReport>(tx, caller, idempotent));
    if (earlier) return { ...earlier.payload, refused: false, replayed: true };
    const outcome = await importStaged(tx, caller, organizationId, options, given);
    if (idempotent && !outcome.refused)
      await storeReply(tx, caller, idempotent, 200, await storedReport(session, caller, options, outcome));
    return { ...outcome, ...fresh };
  }).catch(async error => {
    // Another organization took a unique value after the rows were classified. Classify them again, with that value.
    if (error.constraint in takenValueProblems)
      return importOnce(session, caller, organizationId, options, given, idempotent);
    if (!(error instanceof NumberTakenMeanwhile)) throw error;
    return { ...nothing(await classifyRows(session.db, caller, organizationId, given)), ...fresh };
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
    const classified = await classifyRows(tx, caller, organizationId, given);
    if (all_or_nothing && classified.rejected > 0) return { ...nothing(classified), refused: !dry_run };
    if (dry_run || classified.imported === 0) return { ...classified, batch_id: null, refused: false };
    const counts = await insertRows(revision, caller, classified, given);
    // Another organization took a number after the rows were classified.
    if (all_or_nothing && counts.rejected > 0) throw new NumberTakenMeanwhile();
    if (counts.imported === 0) return { ...counts, batch_id: null, refused: false };
    const batch_id = randomUUIDv7();
    await storeItems(revision, caller, batch_id, counts.imported, given);
    revision.record('numbers.imported', { batch_id, count: counts.imported });
    return { ...counts, batch_id, refused: false };
  });

const nothing = (counts: Counts): Outcome => ({ ...counts, imported: 0, batch_id: null, refused: true });

/** Rolls back an all-or-nothing import. */
class NumberTakenMeanwhile extends Error {}

/** The report as it is stored for replays. */
async function storedReport(
  session: Session,
  caller: Caller,
  { dry_run }: ImportOptions,
  { refused: _, ...outcome }: Outcome,
): Promise<StoredReport> {
  const rejections = await Array.fromAsync(readRejections(session, caller, rejectionsStored));
  const omitted = outcome.rejected - rejections.length;
  return { dry_run, ...outcome, rejections, ...(omitted > 0 && { rejections_omitted: omitted }) };
}
