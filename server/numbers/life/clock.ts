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
/** How many numbers of one organization end before the next organization has its turn. */
const share = 1000;
/** How many locked organizations are waited for at once, with a connection each. */
const waitersMax = 4;

const expiry: Shared = { table: 'phone_numbers', due: 'until', holder: 'organization_id' };

/**
 * Ends what ends by itself: reservations, cool-downs, the time to undo a release. Each is a revision. Every server does
 * it; the organization's lock and a second look under it make it happen once. What has run out is refused wherever it
 * is used, so nothing depends on how punctual this is.
 */
export function startClock(db: Db, log: Logger): Job {
  const waiting = new Map<string, Promise<void>>();

  async function round() {
    const { locked, more } = await endShares(db);
    for (const organization of locked) if (waiting.size < waitersMax) waitFor(organization);
    return more;
  }

  /** Gets in line for the lock. An organization that is changed all the time is never found free. */
  function waitFor(organization: Holder) {
    const id = organization.holder;
    if (waiting.has(id)) return;
    const turn = endShare(db, organization, true)
      .catch(error => logFailure(log, error, 'the clock could not wait for an organization', { id }))
      .then(() => void waiting.delete(id));
    waiting.set(id, turn);
  }

  return startJob(log, { name: 'the clock', everyMs, round, settled: () => Promise.all(waiting.values()) });
}

/** Ends everything that is due now, also in organizations that somebody else is changing. */
export async function endWhatIsDue(db: Db): Promise<void> {
  const { locked, more } = await endShares(db);
  for (const organization of locked) await endShare(db, organization, true);
  if (more || locked.length > 0) await endWhatIsDue(db);
}

/** Ends a share of what is due in each organization that is free. */
async function endShares(db: Db): Promise<{ locked: Holder[]; more: boolean }> {
  const locked: Holder[] = [];
  const failures: unknown[] = [];
  let more = false;
  for (const organization of await organizationsDue(db)) {
    try {
      const ended = await endShare(db, organization, false);
      if (ended === undefined) locked.push(organization);
      else if (ended === share) more = true;
    } catch (error) {
      // The others have their turn all the same.
      failures.push(error);
      if (isUnavailable(error)) break;
    }
  }
  if (failures.length > 0) throw failures[0];
  return { locked, more };
}

/**
 * Looks where what is due begins in its index. Only if that is more than a share, it asks each organization that has
 * anything at all with an end, since one alone may have put the others behind it. Without a parameter, so that nothing
 * is prepared: a plan made for few numbers would be kept while a long import brings millions.
 */
async function organizationsDue(db: Db): Promise<Holder[]> {
  const { rows } = await sql<Holder>`
    select tenant_id, organization_id as holder from phone_numbers
    where until <= (select clock_timestamp()) order by until limit ${sql.lit(share)}`.execute(db);
  if (rows.length === share) return holdersDue(db, expiry);
  return [...new Map(rows.map(row => [row.holder, row])).values()];
}

/** @returns how many numbers it was; undefined where somebody else has the lock, and it is not waited for */
function endShare(db: Db, { tenant_id, holder }: Holder, waits: boolean): Promise<number | undefined> {
  const caller = systemCaller(tenant_id, 'clock');
  const end = (revision: Revision) => endIn(revision, caller);
  return waits ? revise(db, caller, { id: holder }, end) : reviseIfFree(db, caller, { id: holder }, end);
}

async function endIn(revision: Revision, caller: Caller): Promise<number> {
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
