import type { Static } from '../../../schema/schema.ts';
import type { Caller } from '../../access/caller.ts';
import type { Tx } from '../../db/database.ts';
import { invalid } from '../../errors.ts';
import { takeRoom } from '../../limits/numbers.ts';
import { assertActive, type Revision, reviseMany } from '../../revisions/revise.ts';
import { type Counts, classifyRows, countByTarget, countRows } from './classify.ts';
import type { ColumnNames } from './file/columns.ts';
import type { NumberFile } from './file/rows.ts';
import { findPlaces, insertRows, storeItems } from './insert.ts';
import {
  createNeeded,
  findTargets,
  storeRevisions,
  storeTargets,
  type Target,
  type Targets,
} from './organizations.ts';
import type { ImportedOrganization } from './schemas.ts';
import type { StagedFile } from './staging.ts';
import { judgeUpdates, writeUpdates } from './updates.ts';
import { createUsers, findNewUsers } from './users.ts';

export type ImportOptions = {
  /** Where the rows go that name no organization. */
  organization_id: string | undefined;
  default_country: string;
  columns: ColumnNames;
  no_header: boolean;
  update: boolean;
  create_organizations: boolean;
  create_users: boolean;
  all_or_nothing: boolean;
  dry_run: boolean;
};

export type Outcome = Counts & {
  batch_id: string | null;
  organizations: Static<typeof ImportedOrganization>[];
  not_taken: { column: string; rows: number }[];
  /** Whether an all-or-nothing import was given up because a row was rejected. */
  refused: boolean;
};

/** Rolls back an all-or-nothing import. */
export class NumberTakenMeanwhile extends Error {}

/**
 * Decides about the staged rows under the locks of their organizations, and then does what was decided. A dry run decides
 * in the same way and stops there, so the two agree about every row.
 */
export async function importStaged(
  tx: Tx,
  caller: Caller,
  staged: StagedFile,
  file: NumberFile,
  options: ImportOptions,
): Promise<Outcome> {
  const targets = await findTargets(tx, caller, staged.organizations, options.create_organizations);
  const existing = targets.found.filter(({ isNew }) => !isNew).map(({ organization_id }) => organization_id);
  if (caller.ifMatch && (existing.length > 1 || targets.found.length > existing.length))
    throw invalid('If-Match is the revision of one organization, and the file is about several');
  return reviseMany(tx, caller, existing, async revisions => {
    const { not_taken, counts } = await judge(tx, caller, staged, file, options, targets, revisions);
    const { all_or_nothing, dry_run } = options;
    const done: Done = { created: new Set(), batches: new Map() };
    const refused = all_or_nothing && counts.rejected > 0;
    const idle = counts.imported + counts.updated === 0;
    if (!refused && !dry_run && !idle)
      await perform(tx, caller, staged, targets.found, revisions, counts, done);
    // The tenant may have no room for them.
    if (!refused && dry_run) {
      await takeRoom(tx, caller, counts.imported);
      await takeRoom(tx, caller, -counts.imported);
    }
    const after = done.batches.size > 0 ? await countRows(tx) : counts;
    // Another organization took a number after the rows were classified.
    if (all_or_nothing && after.rejected > counts.rejected) throw new NumberTakenMeanwhile();
    const organizations = await listOrganizations(tx, targets.found, done, refused);
    const [only] = organizations.length === 1 ? organizations : [];
    const nothing = refused && { imported: 0, updated: 0, unchanged: 0 };
    return {
      ...{ batch_id: only?.batch_id ?? null, ...after, ...nothing },
      ...{ organizations, not_taken, refused: refused && !dry_run },
    };
  });
}

type Done = {
  created: Set<Target>;
  batches: Map<number, { imported: string | null; updated: string | null }>;
};

async function judge(
  tx: Tx,
  caller: Caller,
  { given, organizations }: StagedFile,
  { notTaken }: NumberFile,
  options: ImportOptions,
  targets: Targets,
  revisions: Map<string, Revision>,
): Promise<{ not_taken: Outcome['not_taken']; counts: Counts }> {
  // The organization that the request names must be active. Another one is a reason to reject its rows.
  const named = targets.found.find(({ places }) => places.includes(0));
  if (options.organization_id !== undefined && named) assertActive(revisions.get(named.organization_id)!);
  await storeTargets(tx, targets, revisions);
  const severalTargets = organizations.length > 1;
  await classifyRows(tx, caller, given, { ...options, severalTargets });
  const not_taken = notTaken.list();
  if (options.update) {
    const rows = await judgeUpdates(tx, caller, targets.found, revisions, given);
    const status = not_taken.find(({ column }) => column.toLowerCase() === 'status');
    if (status) status.rows += rows;
    else if (rows > 0) not_taken.push({ column: 'status', rows });
  }
  if (options.create_users) await findNewUsers(tx);
  return { not_taken, counts: await countRows(tx) };
}

async function perform(
  tx: Tx,
  caller: Caller,
  { given }: StagedFile,
  targets: Target[],
  revisions: Map<string, Revision>,
  counts: Counts,
  done: Done,
): Promise<void> {
  const created = await createNeeded(tx, caller, targets);
  done.created = new Set(created);
  const ids = created.map(({ organization_id }) => organization_id);
  await reviseMany(tx, caller, ids, async fresh => {
    const all = new Map([...revisions, ...fresh]);
    await storeRevisions(tx, targets, all);
    await createUsers(tx, caller, await findNewUsers(tx), targets, all);
    await takeRoom(tx, caller, counts.imported);
    if (counts.imported > 0) await insertRows(tx, caller, counts.imported, given);
    const places = await findPlaces(tx);
    for (const { target, organization_id } of targets) {
      const revision = all.get(organization_id);
      if (!revision) continue;
      const its = places.get(target);
      const imported = its ? await storeItems(revision, caller, its, given) : null;
      const updated = counts.updated > 0 ? await writeUpdates(revision, caller, target, given) : null;
      done.batches.set(target, { imported, updated });
    }
  });
}

/** What became of each organization. */
async function listOrganizations(
  tx: Tx,
  targets: Target[],
  { created, batches }: Done,
  refused: boolean,
): Promise<Outcome['organizations']> {
  const counts = await countByTarget(tx);
  return targets.map(organization => {
    const { target, unique_id, name, isNew } = organization;
    const { imported = 0, updated = 0, unchanged = 0, rejected = 0 } = counts.get(target) ?? {};
    const batch = batches.get(target);
    return {
      organization_id: unique_id ?? null,
      name,
      is_new: isNew && (batches.size > 0 ? created.has(organization) : imported > 0),
      batch_id: batch?.imported ?? null,
      update_batch_id: batch?.updated ?? null,
      ...(refused ? { imported: 0, updated: 0, unchanged: 0 } : { imported, updated, unchanged }),
      rejected,
    };
  });
}
