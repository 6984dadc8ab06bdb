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
import { assertHeld, Lost, overwrite, readHeld, unlessLost } from '../../work/leases.ts';
import type { Target } from '../life/change-number.ts';
import { applyChanges, loadStates } from '../life/changes.ts';
import { endRelease } from '../life/rules.ts';
import { carrierCaller, type LeasedNumber, putOff, releases, startAtCarriers } from './leased-numbers.ts';
import { answer, beginRelease, type Intended, type Released } from './release.ts';

/*
 * The release of a number that a carrier has: the intention, kept under the organization's lock; the carrier, outside
 * of any transaction; then our own record, in one revision. Until its outcome is known the intention stands, and the
 * number is handed to nobody. docs/decisions/0014-release-at-the-carrier.md has each step and what a crash leaves.
 */

/**
 * Releases at its carrier, and then here, what beginRelease has left to do. Where somebody else is at it their outcome
 * is awaited, and the work done only if they leave it undone.
 * @param replayed whether the intention is that of an earlier request with the same Idempotency-Key
 * @throws Problem `carrier_failed`, whose text says that nothing was changed, or that it is being followed up
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
      throw carrierFailed(new CarrierError('outcome_unknown', 'It is still being asked'), followedUp);
    await sleep(pollMs);
    begun = await beginAgain();
  }
  if ('released_at' in begun) return begun;
  return askAndRelease(db, carriers, caller, { ...begun, lease: begun.lease! });
}

const followedUp = 'the release is being followed up, and may be repeated';
const unchanged = 'nothing was changed, and the release may be repeated';

async function askAndRelease(
  db: Db,
  carriers: Carriers,
  caller: Caller,
  { number_id: id, lease, first }: Intended & { lease: string },
): Promise<Released> {
  const key = { tenant_id: caller.tenantId, id, version: new Date(lease) };
  const number = await readHeld(db, releases, key);
  if (!number) throw carrierFailed(tookTooLong, followedUp);
  const failure = await ask(db, carriers, number);
  if (!failure) return recordRelease(db, caller, number);
  // Nobody has asked before, so it is certain that the carrier has it still.
  const certain = first && !(failure instanceof CarrierError && failure.outcome === 'outcome_unknown');
  await unlessLost(certain ? dropIntention(db, number) : waitFor(db, carriers, number, failure));
  throw failure instanceof Problem ? failure : carrierFailed(failure, certain ? unchanged : followedUp);
}

const tookTooLong = new CarrierError('outcome_unknown', 'It took too long');

/** Has the carrier release it. @returns what has prevented that, or may have */
async function ask(
  db: Db,
  carriers: Carriers,
  number: LeasedNumber,
): Promise<CarrierError | Problem | undefined> {
  try {
    const carrier = await carriers.open(db, number.tenant_id, number.carrier_account_id!);
    assertHeld(number);
    await carrier.release(number.carrier_number_id!);
    return undefined;
  } catch (error) {
    if (error instanceof Lost) return tookTooLong;
    if (error instanceof CarrierError || error instanceof Problem) return error;
    throw error;
  }
}

const reason = (failure: CarrierError | Problem): string =>
  failure instanceof Problem ? failure.message : reasonOf(failure);

/** The carrier has it no more, and so neither have we: whatever has become of the intention. */
function recordRelease(db: Db, caller: Caller, number: LeasedNumber): Promise<Released> {
  const { ifMatch: _, ...unconditional } = caller;
  return revise(db, unconditional, { id: number.organization_id }, async revision => {
    const [state] = await loadStates(revision, caller, [number.id]);
    if (state) {
      await applyChanges(revision, caller, [{ number: state, step: endRelease() }]);
      return answer({ ...state, ...endRelease().set }, revision.at, false);
    }
    const { phone_number, carrier_account_id, released_at } = await revision.tx
      .selectFrom('phone_numbers')
      .select(['phone_number', 'carrier_account_id', 'released_at'])
      .where('tenant_id', '=', caller.tenantId)
      .where('id', '=', number.id)
      .executeTakeFirstOrThrow();
    const ended = { phone_number, carrier_account_id, status: 'released', until: null } as const;
    return answer(ended, released_at!, false);
  });
}

/** As if the carrier had not been asked. @throws Lost */
async function dropIntention(db: Db, number: LeasedNumber): Promise<void> {
  const nothing = { release_due_at: null, release_problem: null, release_attempts: 0 };
  await overwrite(db, releases, number, nothing);
}

/** @throws Lost */
const waitFor = (db: Db, { settings }: Carriers, number: LeasedNumber, failure: CarrierError | Problem) =>
  putOff(db, releases, number, settings.settleMs, { release_problem: reason(failure) });

export const startReleases = (db: Db, carriers: Carriers, log: Logger): Job =>
  startAtCarriers(db, carriers, log, {
    name: 'releasing at the carriers',
    lease: releases,
    work: number => goOnReleasing(db, carriers, number),
  });

/**
 * Goes on with a release whose outcome nobody has heard, or that was to begin later. What hinders it for a time is
 * waited for. If the carrier says for good that it does not release the number, and has it still, then that is the
 * outcome: everything is as if it had not been asked. One that is `releasing` is nobody's any more, and is tried on.
 */
export async function goOnReleasing(db: Db, carriers: Carriers, number: LeasedNumber): Promise<void> {
  const caller = carrierCaller(number.tenant_id);
  const failure = await ask(db, carriers, number);
  const isThere =
    isRefusal(failure) && number.status !== 'releasing' ? await look(db, carriers, number) : undefined;
  if (!failure || isThere === false) await recordRelease(db, caller, number);
  else if (isThere) await recordRefusal(db, caller, number, reason(failure));
  else await waitFor(db, carriers, number, failure);
}

/** Credentials can be mended, and then it goes on. */
const isRefusal = (failure: CarrierError | Problem | undefined): boolean =>
  failure instanceof CarrierError && !isTemporary(failure) && failure.outcome !== 'authentication_failed';

/** Whether the carrier has the number, as it says itself; undefined when it does not. */
async function look(db: Db, carriers: Carriers, number: LeasedNumber): Promise<boolean | undefined> {
  try {
    const carrier = await carriers.open(db, number.tenant_id, number.carrier_account_id!);
    return (await carrier.getNumber(number.carrier_number_id!)) !== undefined;
  } catch (error) {
    if (error instanceof CarrierError) return undefined;
    throw error;
  }
}

/** Whoever asked for the release has been told that it is followed up: the log has what came of it. */
async function recordRefusal(db: Db, caller: Caller, number: LeasedNumber, reason: string): Promise<void> {
  await revise(db, caller, { id: number.organization_id }, async ({ tx, record }) => {
    await dropIntention(tx, number);
    const { id, phone_number } = number;
    record('number.release_refused', { id, phone_number, changes: {}, reason });
  });
}
