import { sql } from 'kysely';
import type { Logger } from 'pino';
import { type Caller, systemCaller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { isUnavailable } from '../../errors.ts';
import { type Revision, revise, reviseIfFree } from '../../revisions/revise.ts';
import { dueOf, holdersDue, type Shared } from '../../work/due.ts';
import type { Holder } from '../../work/fair-share.ts';
import { type Job, logFailure, startJob } from '../../work/jobs.ts';
import { applyChanges, loadStates } from './changes.ts';
import { expire } from './rules.ts';

const everyMs = 500;
/** The batch size per organization, so that a large organization does not delay the others. */
const share = 1000;
/** The maximum of locked organizations to wait for at a time. Each wait uses a connection of those for jobs. */
const waitersMax = 2;

const expiry: Shared = { table: 'phone_numbers', due: 'until', holder: 'organization_id' };

/**
 * Starts the job that ends reservations, cool-downs and undo windows. Each end is a revision. Every server runs the job;
 * each batch reads the due rows under the organization's lock, so each ends once. Other operations check the end time
 * themselves, so correctness does not depend on punctuality.
 */
export function startClock(db: Db, log: Logger): Job {
  const waiting = new Map<string, Promise<void>>();

  async function round() {
    const { locked, more } = await endBatches(db);
    for (const organization of locked) if (waiting.size < waitersMax) waitFor(organization);
    return more;
  }

  /** Queues for the lock, because a busy organization may never be found unlocked. */
  function waitFor(organization: Holder) {
    const id = organization.holder;
    if (waiting.has(id)) return;
    const turn = endBatch(db, organization, true)
      .catch(error => logFailure(log, error, 'the clock failed in an organization', { id }))
      .then(() => void waiting.delete(id));
    waiting.set(id, turn);
  }

  return startJob(log, { name: 'the clock', everyMs, round, settled: () => Promise.all(waiting.values()) });
}

/** Ends everything that is due now. Waits for locked organizations. */
export async function endAllDue(db: Db): Promise<void> {
  const { locked, more } = await endBatches(db);
  for (const organization of locked) await endBatch(db, organization, true);
  if (more || locked.length > 0) await endAllDue(db);
}

/** Ends one batch in each unlocked organization that has due numbers. */
async function endBatches(db: Db): Promise<{ locked: Holder[]; more: boolean }> {
  const locked: Holder[] = [];
  const failures: unknown[] = [];
  let more = false;
  for (const organization of await organizationsDue(db)) {
    try {
      const ended = await endBatch(db, organization, false);
      if (ended === undefined) locked.push(organization);
      else if (ended === share) more = true;
    } catch (error) {
      // A failure in one organization must not stop the others.
      failures.push(error);
      if (isUnavailable(error)) break;
    }
  }
  if (failures.length > 0) throw failures[0];
  return { locked, more };
}

/**
 * Reads one batch from the front of the index. A full batch may all belong to one organization, so only then does it
 * search each organization. The statement has no parameters, so it is never prepared: a cached plan for few numbers
 * would stay in use while an import adds millions.
 */
async function organizationsDue(db: Db): Promise<Holder[]> {
  const { rows } = await sql<Holder>`
    select tenant_id, organization_id as holder from phone_numbers
    where until <= (select clock_timestamp()) order by until limit ${sql.lit(share)}`.execute(db);
  if (rows.length === share) return holdersDue(db, expiry);
  return [...new Map(rows.map(row => [row.holder, row])).values()];
}

/** @returns how many numbers ended; undefined if the organization is locked and `waits` is false */
function endBatch(db: Db, { tenant_id, holder }: Holder, waits: boolean): Promise<number | undefined> {
  const caller = systemCaller(tenant_id, 'clock');
  const end = (revision: Revision) => endInOrganization(revision, caller);
  return waits ? revise(db, caller, { id: holder }, end) : reviseIfFree(db, caller, { id: holder }, end);
}

async function endInOrganization(revision: Revision, caller: Caller): Promise<number> {
  const { tx, organization, now } = revision;
  const rows = await dueOf(tx, expiry, { tenant_id: caller.tenantId, holder: organization.id }, share, now);
  if (rows.length === 0) return 0;
  const ids = rows.map(row => row.id);
  const states = await loadStates(revision, caller, ids);
  await applyChanges(
    revision,
    caller,
    states.map(number => ({ number, step: expire(number) })),
  );
  return rows.length;
}
