import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Tx } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import type { Revision } from '../../revisions/revise.ts';
import { createBatch } from '../life/batches.ts';
import { eventOf, loadStates, writeStates } from '../life/changes.ts';
import { assign, edit, type NumberState, type Step, unassign } from '../life/rules.ts';
import { type Edit, type EditableName, editableNames } from '../state.ts';
import { columns } from './classify.ts';
import type { Target } from './organizations.ts';
import type { StagedName } from './staging.ts';

/* Rows about numbers that are here already: what differs is changed, by the same rules as single calls. */

const rowsPerPiece = 1000;

type ExistingRow = {
  line: number;
  existing: string;
  user_id: string | null;
  user_unique_id: string | null;
  /** The user that the row names, who may be created with the import. */
  detail: string | null;
  status?: string | null;
} & { [Name in EditableName]?: Edit[Name] };

type Changed = { before: NumberState; after: NumberState; events: Record<string, unknown>[] };

/**
 * Finds out which rows change their number, and rejects those that break a rule. Nothing is changed yet: a dry run ends
 * here, and the deed begins here.
 * @returns how many rows give their number another status than it has: an import changes none
 */
export async function judgeUpdates(
  tx: Tx,
  caller: Caller,
  targets: Target[],
  revisions: Map<string, Revision>,
  given: StagedName[],
): Promise<number> {
  let otherStatus = 0;
  await sql`create index if not exists classified_existing on classified (target, line) where existing is not null`.execute(
    tx,
  );
  await sql`analyze classified`.execute(tx);
  for (const { target, organization_id } of targets) {
    const revision = revisions.get(organization_id);
    if (!revision) continue;
    for await (const rows of readExisting(tx, target, given)) {
      const states = await statesOf(revision, caller, rows);
      const equal: number[] = [];
      const problems: { line: number; problem: string }[] = [];
      for (const row of rows) {
        try {
          const number = states.get(row.existing)!;
          if (changeOf(number, row, revision) === undefined) equal.push(row.line);
          if (row.status != null && row.status !== number.status) otherStatus++;
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          problems.push({ line: row.line, problem: error.message });
        }
      }
      // The index finds the lines.
      const here = sql`c.target = ${target} and c.existing is not null`;
      await sql`
        update classified c set is_equal = true where ${here} and c.line = any(${equal}::int[])`.execute(tx);
      await sql`
        update classified c set code = 'not_changeable', detail = r.problem, existing = null
        from jsonb_to_recordset(${JSON.stringify(problems)}::jsonb) as r(line integer, problem text)
        where ${here} and c.line = r.line`.execute(tx);
    }
  }
  return otherStatus;
}

/** Changes the numbers of one organization, and records the batch. @returns the id of the batch; null if nothing changes */
export async function writeUpdates(
  revision: Revision,
  caller: Caller,
  target: number,
  given: StagedName[],
): Promise<string | null> {
  const batch = createBatch(revision, caller);
  for await (const rows of readExisting(revision.tx, target, given, true)) {
    const states = await statesOf(revision, caller, rows);
    const changes = rows.flatMap(row => changeOf(states.get(row.existing)!, row, revision) ?? []);
    await writeStates(revision, revision, caller, changes);
    await batch.add(changes.flatMap(({ events }) => events));
  }
  const count = await batch.end();
  if (count === 0) return null;
  revision.record('numbers.changed', { batch_id: batch.id, count });
  return batch.id;
}

async function* readExisting(
  tx: Tx,
  target: number,
  given: StagedName[],
  onlyChanged = false,
): AsyncGenerator<ExistingRow[]> {
  for (let line = 0; ; ) {
    const { rows } = await sql<ExistingRow>`
      select ${columns(given)} line, existing, user_id, user_unique_id, detail from classified
      where existing is not null and target = ${target} and line > ${line} and (not is_equal or not ${onlyChanged})
      order by line limit ${rowsPerPiece}`.execute(tx);
    if (rows.length > 0) yield rows;
    if (rows.length < rowsPerPiece) return;
    line = rows.at(-1)!.line;
  }
}

async function statesOf(revision: Revision, caller: Caller, rows: ExistingRow[]) {
  const states = await loadStates(
    revision,
    caller,
    rows.map(({ existing }) => existing),
  );
  return new Map(states.map(state => [state.id, state]));
}

/**
 * What a row changes of its number. What the row does not give stays, and so do keys of metadata that it does not name.
 * @returns undefined if nothing differs
 * @throws Problem if a rule forbids it
 */
function changeOf(number: NumberState, row: ExistingRow, { policy, now }: Revision): Changed | undefined {
  const given: Record<string, unknown> = {};
  for (const name of editableNames) if (row[name] != null) given[name] = row[name];
  if (row.metadata != null) given.metadata = { ...number.metadata, ...row.metadata };
  const events: Record<string, unknown>[] = [];
  let after = number;
  const take = (step: Step) => {
    const event = eventOf({ number: after, step });
    if (event) events.push({ type: event.type, ...event.data });
    after = { ...after, ...step.set };
  };
  take(edit(after, given as Edit));
  const user = row.user_unique_id ?? row.detail;
  if (user !== null && user !== number.user_id) {
    if (number.status === 'assigned') take(unassign(after, policy, now));
    take(assign(after, { id: row.user_id ?? '', unique_id: user }));
  }
  return events.length === 0 ? undefined : { before: number, after, events };
}
