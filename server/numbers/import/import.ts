import type { Hash } from 'node:crypto';
import type { Static } from '../../../schema/schema.ts';
import type { Caller } from '../../access/caller.ts';
import { timeZoneOf } from '../../access/time-zone.ts';
import { type Database, refreshStatistics, type Session, transact } from '../../db/database.ts';
import { invalid, Problem } from '../../errors.ts';
import { claimKey, type IdempotentRequest, lockKey, storeReply, unlockKey } from '../../http/idempotency.ts';
import { findOrganization } from '../../organizations/organizations.ts';
import { takenValueProblems } from '../life/unique.ts';
import { type ImportOptions, importStaged, NumberTakenMeanwhile, type Outcome } from './deed.ts';
import { type ImportFormat, openFile } from './file/open.ts';
import type { NumberFile } from './file/rows.ts';
import { type Rejection, readRejections } from './rejections.ts';
import type { ImportBody } from './schemas.ts';
import { type StagedFile, stageRows } from './staging.ts';

/** The report of an import. It holds a connection until `end` is called, even if `rejections` is never read. */
export type ImportReport = Outcome & {
  /** The names of the file's columns; null for NDJSON. */
  columns: string[] | null;
  separator: string | null;
  rejections: AsyncIterable<Rejection> | Rejection[];
  /** How many rejections a replay leaves out. */
  rejections_omitted?: number | undefined;
  /** Whether this is the report of an earlier request with the same idempotency key. */
  replayed: boolean;
  end(): Promise<void>;
};

type StoredReport = Static<typeof ImportBody>;

/** Replays are stored for days, so their rejections are limited. The first reply has all. */
export const rejectionsStored = 10_000;
const storedLengthMax = 4_000_000;

/**
 * Imports a file of numbers in one pass and bounded memory. The rows are parsed as they arrive, and copied into a
 * temporary table. Then one transaction decides about them and does it, with one revision of each organization. It is
 * short, however slowly the file arrived. A kill before the commit leaves nothing.
 * @param idempotency the idempotency key, and the hash of the request without its body, which is completed with the file
 */
export async function importNumbers(
  database: Database,
  caller: Caller,
  options: ImportOptions,
  source: AsyncIterable<Uint8Array>,
  type: { format: ImportFormat; charset: string | undefined },
  idempotency?: { key: string; hash: Hash },
): Promise<ImportReport> {
  if (options.create_organizations && caller.organizationId !== null) throw new Problem('key_bound');
  if (options.organization_id !== undefined)
    await findOrganization(database.db, caller, options.organization_id);
  const zone = await timeZoneOf(database.db, caller);
  const session = await database.openSession();
  try {
    // Before the file arrives, which may take long.
    if (idempotency) await lockKey(session.db, caller, idempotency.key);
    const bytes = idempotency ? hashing(source, idempotency.hash) : source;
    const hasOrganization = options.organization_id !== undefined;
    const file = await openFile(bytes, type, { ...options, hasOrganization, zone });
    if (!hasOrganization && !organizationFields.some(field => file.fields.has(field)))
      throw invalid(
        'organization_id is required (--organization): no column of the file names the organization',
      );
    const staged = await stageRows(session, file, options);
    const idempotent = idempotency && { key: idempotency.key, hash: idempotency.hash.digest() };
    const report = await importOnce(session, caller, options, file, staged, idempotent);
    if (idempotency) await unlockKey(session.db, caller, idempotency.key);
    if (!report.replayed && !options.dry_run)
      await refreshStatistics(session.db, report.imported + report.updated);
    return { ...report, end: session.end };
  } catch (error) {
    await session.end();
    throw error;
  }
}

const organizationFields = ['organization', 'organization_id', 'organization_name'] as const;

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
  options: ImportOptions,
  file: NumberFile,
  staged: StagedFile,
  idempotent: IdempotentRequest | undefined,
): Promise<Omit<ImportReport, 'end'>> {
  const { names: columns, separator } = file;
  return transact(session.db, async tx => {
    const earlier = idempotent && (await claimKey<StoredReport>(tx, caller, idempotent));
    if (earlier) return { ...earlier.payload, refused: false, replayed: true };
    const outcome = await importStaged(tx, caller, staged, file, options);
    if (idempotent && !outcome.refused) {
      const report = await storedReport(session, caller, options, file, outcome);
      await storeReply(tx, caller, idempotent, 200, report);
    }
    const rejections = outcome.rejected > 0 ? readRejections(session, caller, separator) : [];
    return { ...outcome, columns, separator, rejections, replayed: false };
  }).catch(error => {
    // Another change took a value or a number after the rows were classified. Classify them again.
    if (error.constraint in takenValueProblems || error instanceof NumberTakenMeanwhile)
      return importOnce(session, caller, options, file, staged, idempotent);
    throw error;
  });
}

/** The report as it is stored for replays. */
async function storedReport(
  session: Session,
  caller: Caller,
  { dry_run }: ImportOptions,
  { names: columns, separator }: NumberFile,
  { refused: _, ...outcome }: Outcome,
): Promise<StoredReport> {
  const rejections: Rejection[] = [];
  let length = 0;
  for await (const rejection of readRejections(session, caller, separator, rejectionsStored)) {
    length += JSON.stringify(rejection).length;
    if (length <= storedLengthMax) rejections.push(rejection);
  }
  const omitted = outcome.rejected - rejections.length;
  const more = omitted > 0 && { rejections_omitted: omitted };
  return { dry_run, ...outcome, columns, separator, ...more, rejections };
}
