import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { CarrierError } from '../../../carriers/errors.ts';
import type { Caller } from '../../access/caller.ts';
import type { Carriers } from '../../accounts/open.ts';
import { carrierFailed, isTemporary, reasonOf } from '../../accounts/outcomes.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { revise } from '../../revisions/revise.ts';
import type { Job } from '../../work/jobs.ts';
import { assertLeased, LeaseLost, overwrite, readLeased, unlessLeaseLost } from '../../work/leases.ts';
import type { Target } from '../life/change-number.ts';
import { applyChanges, loadStates } from '../life/changes.ts';
import { endRelease } from '../life/rules.ts';
import { backOff, carrierCaller, type LeasedNumber, releases, startAtCarriers } from './leased-numbers.ts';
import { beginRelease, type Intended, type Released, releaseReply } from './release.ts';

/*
 * Releases a number in three steps. First the intention is committed under the organization's lock. Then the carrier
 * is called, outside any transaction. Then our record is released, in one revision. While the intention stands, the
 * number cannot be assigned. docs/decisions/0014-release-at-the-carrier.md lists each step and the effect of a crash in it.
 */

/**
 * Completes a release that beginRelease has begun: at the carrier, then here. If another worker has the lease, waits for
 * its outcome, and takes over only when that lease ends without one.
 * @param replayed whether an earlier request with the same Idempotency-Key recorded the intention
 * @throws Problem `carrier_failed`. Its text says whether nothing was changed or the server keeps trying
 */
export async function carryOutRelease(
  db: Db,
  carriers: Carriers,
  caller: Caller,
  target: Target,
  intended: Intended,
  replayed: boolean,
): Promise<Released> {
  const { settleMs, timeoutMs, pollMs } = carriers.settings;
  const beginAgain = () => beginRelease(db, caller, target, settleMs, intended.number_id);
  const patientUntil = Date.now() + timeoutMs;
  let begun = replayed ? await beginAgain() : intended;
  while (!('released_at' in begun) && begun.lease === null) {
    if (Date.now() > patientUntil)
      throw carrierFailed(
        new CarrierError('outcome_unknown', 'The carrier has not answered yet'),
        followedUp,
      );
    await sleep(pollMs);
    begun = await beginAgain();
  }
  if ('released_at' in begun) return begun;
  return askAndRelease(db, carriers, caller, { ...begun, lease: begun.lease! });
}

const followedUp = 'the server keeps trying to release it; the request may be repeated';
const unchanged = 'nothing was changed; the request may be repeated';

async function askAndRelease(
  db: Db,
  carriers: Carriers,
  caller: Caller,
  { number_id: id, lease, first }: Intended & { lease: string },
): Promise<Released> {
  const key = { tenant_id: caller.tenantId, id, version: new Date(lease) };
  const number = await readLeased(db, releases, key);
  if (!number) throw carrierFailed(leaseExpired, followedUp);
  const failure = await releaseAtCarrier(db, carriers, number);
  if (!failure) return recordRelease(db, caller, number);
  // This was the first attempt and the carrier refused it, so the carrier certainly still has the number.
  const certain = first && !(failure instanceof CarrierError && failure.outcome === 'outcome_unknown');
  await unlessLeaseLost(certain ? dropIntention(db, number) : retryLater(db, carriers, number, failure));
  throw failure instanceof Problem ? failure : carrierFailed(failure, certain ? unchanged : followedUp);
}

const leaseExpired = new CarrierError('outcome_unknown', 'The attempt took too long');

/** Asks the carrier to release the number. @returns the failure, after which the outcome may be unknown */
async function releaseAtCarrier(
  db: Db,
  carriers: Carriers,
  number: LeasedNumber,
): Promise<CarrierError | Problem | undefined> {
  try {
    const carrier = await carriers.open(db, number.tenant_id, number.carrier_account_id!);
    assertLeased(number);
    await carrier.release(number.carrier_number_id!);
    return undefined;
  } catch (error) {
    if (error instanceof LeaseLost) return leaseExpired;
    if (error instanceof CarrierError || error instanceof Problem) return error;
    throw error;
  }
}

const reason = (failure: CarrierError | Problem): string =>
  failure instanceof Problem ? failure.message : reasonOf(failure);

/** Records the release even if the lease or the intention is gone, because the carrier no longer has the number. */
function recordRelease(db: Db, caller: Caller, number: LeasedNumber): Promise<Released> {
  const { ifMatch: _, ...unconditional } = caller;
  return revise(db, unconditional, { id: number.organization_id }, async revision => {
    const [state] = await loadStates(revision, caller, [number.id]);
    if (state) {
      await applyChanges(revision, caller, [{ number: state, step: endRelease() }]);
      return releaseReply({ ...state, ...endRelease().set }, revision.at, false);
    }
    const { phone_number, carrier_account_id, released_at } = await revision.tx
      .selectFrom('phone_numbers')
      .select(['phone_number', 'carrier_account_id', 'released_at'])
      .where('tenant_id', '=', caller.tenantId)
      .where('id', '=', number.id)
      .executeTakeFirstOrThrow();
    const ended = { phone_number, carrier_account_id, status: 'released', until: null } as const;
    return releaseReply(ended, released_at!, false);
  });
}

/** Restores the state before the release. @throws LeaseLost */
async function dropIntention(db: Db, number: LeasedNumber): Promise<void> {
  const nothing = { release_due_at: null, release_problem: null, release_attempts: 0 };
  await overwrite(db, releases, number, nothing);
}

/** @throws LeaseLost */
const retryLater = (db: Db, { settings }: Carriers, number: LeasedNumber, failure: CarrierError | Problem) =>
  backOff(db, releases, number, settings.settleMs, { release_problem: reason(failure) });

export const startReleases = (db: Db, carriers: Carriers, log: Logger): Job =>
  startAtCarriers(db, carriers, log, {
    name: 'releases at the carriers',
    lease: releases,
    work: number => advanceRelease(db, carriers, number),
  });

/**
 * Retries a release with an unknown outcome, or starts one whose undo window has closed. Backs off after a temporary
 * failure. If the carrier refuses permanently and still has the number, the intention is dropped. A `releasing` number
 * is retried even then, because its assignment has already ended.
 */
export async function advanceRelease(db: Db, carriers: Carriers, number: LeasedNumber): Promise<void> {
  const caller = carrierCaller(number.tenant_id);
  const failure = await releaseAtCarrier(db, carriers, number);
  const isThere =
    isRefusal(failure) && number.status !== 'releasing' ? await isAtCarrier(db, carriers, number) : undefined;
  if (!failure || isThere === false) await recordRelease(db, caller, number);
  else if (isThere) await recordRefusal(db, caller, number, reason(failure));
  else await retryLater(db, carriers, number, failure);
}

/** Whether the failure is permanent. Failed authentication is not: an operator can fix the credentials. */
const isRefusal = (failure: CarrierError | Problem | undefined): boolean =>
  failure instanceof CarrierError && !isTemporary(failure) && failure.outcome !== 'authentication_failed';

/** @returns undefined if the carrier does not answer */
async function isAtCarrier(db: Db, carriers: Carriers, number: LeasedNumber): Promise<boolean | undefined> {
  try {
    const carrier = await carriers.open(db, number.tenant_id, number.carrier_account_id!);
    return (await carrier.getNumber(number.carrier_number_id!)) !== undefined;
  } catch (error) {
    if (error instanceof CarrierError) return undefined;
    throw error;
  }
}

/** Writes the refusal to the audit log, because the caller has already been told that the server keeps trying. */
async function recordRefusal(db: Db, caller: Caller, number: LeasedNumber, reason: string): Promise<void> {
  await revise(db, caller, { id: number.organization_id }, async ({ tx, record }) => {
    await dropIntention(tx, number);
    const { id, phone_number } = number;
    record('number.release_refused', { id, phone_number, changes: {}, reason });
  });
}
