import { sql } from 'kysely';
import type { Logger } from 'pino';
import { systemCaller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { revise } from '../../revisions/revise.ts';
import { type Job, repeat } from '../../work/jobs.ts';
import { applyChanges, loadStates } from './changes.ts';
import { expire } from './rules.ts';

const everyMs = 500;
const numbersPerRevision = 1000;
const answersKeptHours = 48;

/**
 * Time passing is a change too: what ends by itself (reservations, cool-downs, the time to undo a release) is ended
 * here, each as a revision. Every server does it; the organization's lock and a second look under it make sure that
 * it happens once. What has run out is refused at once wherever it is used, so nothing depends on how punctual this is.
 */
export function startClock(db: Db, log: Logger): Job {
  let rounds = 0;
  return repeat(everyMs, log, 'the clock', async () => {
    await endWhatIsDue(db);
    if (rounds++ % 7200 === 0) await forgetAnswers(db);
  });
}

/**
 * Looks where what is due begins in its index, whatever the planner believes of the table. Without a parameter, so that
 * it is not prepared either: a plan that was made for few numbers would be kept while a long import brings millions.
 * @returns how many organizations had something due
 */
export async function endWhatIsDue(db: Db): Promise<number> {
  const { rows: due } = await sql<{ tenant_id: string; organization_id: string }>`
    select distinct tenant_id, organization_id from (
      select tenant_id, organization_id from phone_numbers
      where until <= (select clock_timestamp()) order by until limit 1000) first`.execute(db);
  for (const { tenant_id, organization_id } of due) await endIn(db, tenant_id, organization_id);
  return due.length;
}

function endIn(db: Db, tenantId: string, organizationId: string): Promise<void> {
  const caller = systemCaller(tenantId, 'clock');
  return revise(db, caller, { id: organizationId }, async revision => {
    const rows = await revision.tx
      .selectFrom('phone_numbers')
      .select('id')
      .where('tenant_id', '=', tenantId)
      .where('organization_id', '=', organizationId)
      .where('until', '<=', revision.now)
      .orderBy('until')
      .limit(numbersPerRevision)
      .execute();
    if (rows.length === 0) return;
    const states = await loadStates(
      revision,
      caller,
      rows.map(row => row.id),
    );
    await applyChanges(
      revision,
      caller,
      states.map(number => ({ number, step: expire(number) })),
    );
  });
}

async function forgetAnswers(db: Db): Promise<void> {
  await sql`delete from idempotency_keys where created_at < now() - make_interval(hours => ${answersKeptHours})`.execute(
    db,
  );
}
