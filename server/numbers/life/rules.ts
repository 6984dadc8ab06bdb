import { Problem } from '../../errors.ts';
import type { Policy } from '../../revisions/revise.ts';
import { type Edit, readEdit, type State } from '../state.ts';

/** A number under its organization's lock: what changes of it, and what names it. */
export type NumberState = State & {
  readonly id: string;
  readonly phone_number: string;
  /** Who has it, by unique_id and by the id of the record. */
  user_id: string | null;
  user_record_id: string | null;
  /** Whether its carrier account is one through which numbers are released; for any other our word is enough. */
  readonly managed: boolean;
  /** Whether it is being released at the carrier: until that is done it is handed to nobody. */
  readonly leaving: boolean;
};

export type User = { id: string; unique_id: string };

/** One step in the life of a number: what happened, and what is different after it. */
export type Step = { type: string; set: Partial<NumberState>; note?: Record<string, unknown> };

/*
 * The rules of a number's life, as functions of the number as it is. They touch no database: changes.ts loads the
 * states and writes the steps, for one number as for ten thousand.
 *
 *   pending → available ⇄ reserved → assigned → (cooling_down →) available
 *   from any of these → releasing → released
 */

const nobody = { user_id: null, user_record_id: null } as const;
const unreserved = { reservation_id: null, reservation_note: null, until: null } as const;
const seconds = (from: Date, count: number) => new Date(from.getTime() + count * 1000);

/** Free, or at rest until then. */
function free(at: Date, restSeconds: number): Partial<NumberState> {
  if (restSeconds === 0) return { ...nobody, ...unreserved, status: 'available' };
  return { ...nobody, ...unreserved, status: 'cooling_down', until: seconds(at, restSeconds) };
}

/** What is on its way out at the carrier is handed to nobody and goes nowhere else. */
function assertStaying({ leaving }: NumberState): void {
  if (leaving) throw new Problem('number_leaving');
}

export function assign(number: NumberState, user: User, type = 'number.assigned'): Step {
  assertStaying(number);
  if (number.status === 'assigned') throw new Problem('number_assigned');
  if (number.status !== 'available') throw notAvailable(number);
  return { type, set: { status: 'assigned', user_id: user.unique_id, user_record_id: user.id } };
}

export function unassign(number: NumberState, policy: Policy, at: Date): Step {
  if (number.status !== 'assigned') throw new Problem('number_not_assigned');
  return { type: 'number.unassigned', set: free(at, policy.cool_down_seconds) };
}

export function reserve(number: NumberState, id: string, until: Date, note: string | null): Step {
  assertStaying(number);
  if (number.status === 'assigned') throw new Problem('number_assigned');
  if (number.status !== 'available') throw notAvailable(number);
  return {
    type: 'number.reserved',
    set: { status: 'reserved', reservation_id: id, reservation_note: note, until },
  };
}

export function renewReservation(number: NumberState, until: Date, at: Date): Step {
  assertHeld(number, at);
  return { type: 'number.reservation_renewed', set: { until } };
}

export function releaseReservation(number: NumberState, at: Date): Step {
  assertHeld(number, at);
  return { type: 'number.reservation_released', set: { ...unreserved, status: 'available' } };
}

export function assignReserved(number: NumberState, user: User, at: Date): Step {
  assertStaying(number);
  assertHeld(number, at);
  const holder = { user_id: user.unique_id, user_record_id: user.id };
  return { type: 'number.assigned', set: { ...unreserved, ...holder, status: 'assigned' } };
}

/** A reservation that has run out is over at that moment, not when the clock's job gets to it. */
function assertHeld(number: NumberState, at: Date): void {
  if (number.status !== 'reserved' || number.until! <= at) throw new Problem('reservation_not_found');
}

export function endCoolDown(number: NumberState): Step {
  if (number.status !== 'cooling_down') throw new Problem('number_not_cooling_down');
  return { type: 'number.cool_down_ended', set: { status: 'available', until: null }, note: { early: true } };
}

/** A number that no account managed is found to come from one. */
export function link(carrier: { account_id: string; number_id: string }): Step {
  const set = { carrier_account_id: carrier.account_id, carrier_number_id: carrier.number_id };
  return { type: 'number.linked', set };
}

/** Changes the fields that are given; null clears. */
export const edit = (_number: NumberState, given: Edit): Step => ({
  type: 'number.edited',
  set: readEdit(given),
});

const ended = { ...nobody, ...unreserved, pending_reason: null } as const;

/**
 * Ends whatever the number is doing: for good, or after the time in which it can be taken back. What its carrier must
 * release is `releasing` until it has. A release that is under way goes on.
 */
export function release(number: NumberState, policy: Policy, at: Date): Step {
  const type = 'number.release_started';
  if (number.status === 'releasing' || number.leaving) return { type, set: {} };
  assertUnlocked(number);
  if (policy.release_undo_seconds > 0) {
    const until = seconds(at, policy.release_undo_seconds);
    return { type, set: { ...ended, status: 'releasing', until } };
  }
  return number.managed ? { type, set: { ...ended, status: 'releasing' } } : endRelease();
}

export function assertUnlocked({ locked }: NumberState): void {
  if (locked) throw new Problem('number_locked');
}

/** What was to be released is: the carrier has done so, or need not be asked. */
export const endRelease = (): Step => ({ type: 'number.released', set: { ...ended, status: 'released' } });

/** Takes a release back: the number is again what it was, as far as that still is possible. */
export function restore(
  number: NumberState,
  before: { pending: boolean; holder: User | undefined },
  at: Date,
): Step {
  assertStaying(number);
  if (number.status !== 'releasing' || number.until! <= at) throw new Problem('number_not_releasing');
  const type = 'number.restored';
  if (before.pending) return { type, set: { status: 'pending', until: null } };
  return { type, set: { ...heldBy(before.holder), until: null } };
}

/** With whom it is, or else in the pool. */
const heldBy = (holder: User | undefined): Partial<NumberState> =>
  holder
    ? { status: 'assigned', user_id: holder.unique_id, user_record_id: holder.id }
    : { status: 'available' };
/** The carrier does not have it any more: there is nothing to give back, and nothing that could be undone. */
export function forget(number: NumberState): Step {
  assertStaying(number);
  assertUnlocked(number);
  return {
    type: 'number.released',
    set: { ...ended, status: 'released' },
    note: { lost_at_carrier: true },
  };
}

/** Leaves its organization; what it then is in the other one. An assignment ends only when told to. */
export function transfer(number: NumberState, policy: Policy, at: Date, endAssignment: boolean): Step {
  assertStaying(number);
  if (number.status === 'assigned' && !endAssignment) throw new Problem('number_assigned');
  if (!['available', 'assigned', 'cooling_down'].includes(number.status)) throw notAvailable(number);
  const rest = free(at, policy.transfer_cool_down_seconds);
  // A longer rest that is under way goes on.
  const longer = number.status === 'cooling_down' && number.until! > (rest.until ?? at);
  return { type: 'number.transferred', set: longer ? {} : rest };
}

/** What a status that ends by itself turns into when its time has come. */
export function expire(number: NumberState): Step {
  if (number.status === 'reserved')
    return { type: 'number.reservation_ended', set: { ...unreserved, status: 'available' } };
  if (number.status === 'cooling_down')
    return { type: 'number.cool_down_ended', set: { status: 'available', until: null } };
  // Nobody can take it back any more, and now the carrier is asked.
  if (number.managed) return { type: 'number.undo_ended', set: { until: null } };
  return endRelease();
}

/** The carrier has attached it: it is with whom it was bought for, or available. */
export function ready(number: NumberState, holder: User | undefined): Step {
  assertPending(number);
  return { type: 'number.ready', set: { ...heldBy(holder), pending_reason: null } };
}

/** The carrier does not attach it, and is not asked again until somebody says so. */
export function failAttachment(number: NumberState, reason: string): Step {
  assertPending(number);
  return { type: 'number.attachment_failed', set: { pending_reason: reason } };
}

export function resumeAttachment(number: NumberState): Step {
  assertStaying(number);
  assertPending(number);
  return { type: 'number.attachment_resumed', set: { pending_reason: null } };
}

function assertPending({ status }: NumberState): void {
  if (status !== 'pending') throw new Problem('number_not_pending');
}

function notAvailable({ status, until }: NumberState): Problem {
  const when = until ? ` until ${until.toISOString().slice(0, 19)}Z` : '';
  return new Problem(
    'number_not_available',
    `Phone number is not available: it is ${status.replace('_', ' ')}${when}`,
  );
}
