import { Problem } from '../../errors.ts';
import type { Policy } from '../../revisions/revise.ts';
import { type Edit, readEdit, type State } from '../state.ts';

/** The state of a number, read under its organization's lock. */
export type NumberState = State & {
  readonly id: string;
  readonly phone_number: string;
  /** The user who has it: the unique_id, and the internal id. */
  user_id: string | null;
  user_record_id: string | null;
  /** Whether the assignment that it had when the revision began has ended. The same user may have it again since. */
  readonly unassigned: boolean;
  /** Whether its carrier must release it. Any other number is released by the database alone. */
  readonly managed: boolean;
  /** The kind of that carrier. */
  readonly carrier: string | null;
  /** Whether its carrier is to attach it to its organization's registration. */
  readonly attaching: boolean;
  /** Whether its carrier is releasing it. It cannot be assigned meanwhile. */
  readonly leaving: boolean;
};

export type User = { id: string; unique_id: string };

/** One step in the life of a number: the type of its event, the fields that change, and more data for the event. */
export type Step = { type: string; set: Partial<NumberState>; note?: Record<string, unknown> };

/*
 * The rules of a number's life. Each is a function from a number's state to a step, and touches no database. changes.ts
 * loads the states and writes the steps, of one number or of ten thousand.
 *
 *   pending → available ⇄ reserved → assigned → (cooling_down →) available
 *   from any of these → releasing → released
 */

const noUser = { user_id: null, user_record_id: null, unassigned: true } as const;
const unreserved = { reservation_id: null, reservation_note: null, until: null } as const;
const seconds = (from: Date, count: number) => new Date(from.getTime() + count * 1000);

/** Available, or cooling down if there is a time to rest. */
function unassigned(at: Date, restSeconds: number): Partial<NumberState> {
  if (restSeconds === 0) return { ...noUser, ...unreserved, status: 'available' };
  return { ...noUser, ...unreserved, status: 'cooling_down', until: seconds(at, restSeconds) };
}

/** A number that its carrier is releasing is neither assigned nor moved. */
function assertNotLeaving({ leaving }: NumberState): void {
  if (leaving) throw new Problem('number_leaving');
}

export function assign(number: NumberState, user: User, type = 'number.assigned'): Step {
  assertNotLeaving(number);
  if (number.status === 'assigned') throw new Problem('number_assigned');
  if (number.status !== 'available') throw notAvailable(number);
  return { type, set: { status: 'assigned', user_id: user.unique_id, user_record_id: user.id } };
}

export function unassign(number: NumberState, policy: Policy, at: Date): Step {
  if (number.status !== 'assigned') throw new Problem('number_not_assigned');
  return { type: 'number.unassigned', set: unassigned(at, policy.cool_down_seconds) };
}

export function reserve(number: NumberState, id: string, until: Date, note: string | null): Step {
  assertNotLeaving(number);
  if (number.status === 'assigned') throw new Problem('number_assigned');
  if (number.status !== 'available') throw notAvailable(number);
  return {
    type: 'number.reserved',
    set: { status: 'reserved', reservation_id: id, reservation_note: note, until },
  };
}

export function renew(number: NumberState, until: Date, at: Date): Step {
  assertReserved(number, at);
  return { type: 'number.reservation_renewed', set: { until } };
}

export function releaseReservation(number: NumberState, at: Date): Step {
  assertReserved(number, at);
  return { type: 'number.reservation_released', set: { ...unreserved, status: 'available' } };
}

export function assignReserved(number: NumberState, user: User, at: Date): Step {
  assertNotLeaving(number);
  assertReserved(number, at);
  const holder = { user_id: user.unique_id, user_record_id: user.id };
  return { type: 'number.assigned', set: { ...unreserved, ...holder, status: 'assigned' } };
}

/** A reservation ends at its time, even if the clock has not ended it yet. */
function assertReserved(number: NumberState, at: Date): void {
  if (number.status !== 'reserved' || number.until! <= at) throw new Problem('reservation_not_found');
}

export function endCoolDown(number: NumberState): Step {
  if (number.status !== 'cooling_down') throw new Problem('number_not_cooling_down');
  return { type: 'number.cool_down_ended', set: rested(number), note: { early: true } };
}

/** Available, or pending until it is attached. */
const rested = ({ attaching }: NumberState): Partial<NumberState> => ({
  status: attaching ? 'pending' : 'available',
  until: null,
});

/** Records that the number comes from a carrier account. */
export function link(carrier: { account_id: string; number_id: string }): Step {
  const set = { carrier_account_id: carrier.account_id, carrier_number_id: carrier.number_id };
  return { type: 'number.linked', set };
}

/** Changes the given fields. Null clears a field. */
export const edit = (_number: NumberState, given: Edit): Step => ({
  type: 'number.edited',
  set: readEdit(given),
});

const ended = { ...noUser, ...unreserved, pending_reason: null } as const;

/**
 * Releases the number at once, or after the undo window. A number that its carrier must release is `releasing` until
 * then. A release in progress is left alone.
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

/** Ends a release: the carrier has released the number, or need not be asked. */
export const endRelease = (): Step => ({ type: 'number.released', set: { ...ended, status: 'released' } });

/** Undoes a release: the number is pending, assigned or available again, as it was before. */
export function restore(
  number: NumberState,
  before: { pending: boolean; holder: User | undefined },
  at: Date,
): Step {
  assertNotLeaving(number);
  if (number.status !== 'releasing' || number.until! <= at) throw new Problem('number_not_releasing');
  const type = 'number.restored';
  if (before.pending) return { type, set: { status: 'pending', until: null, attaching: true } };
  if (!before.holder) return { type, set: rested(number) };
  return { type, set: { ...assignedOrAvailable(before.holder), until: null } };
}

/** Assigned to the user if there is one, otherwise available. */
const assignedOrAvailable = (holder: User | undefined): Partial<NumberState> =>
  holder
    ? { status: 'assigned', user_id: holder.unique_id, user_record_id: holder.id }
    : { status: 'available' };

/** Releases a number that its carrier no longer has. The carrier is not asked, and the release cannot be undone. */
export function forget(number: NumberState): Step {
  assertNotLeaving(number);
  assertUnlocked(number);
  return {
    type: 'number.released',
    set: { ...ended, status: 'released' },
    note: { lost_at_carrier: true },
  };
}

/**
 * Moves the number to another organization, where it rests. An assignment ends only if `endAssignment` is set.
 * @param reattach whether it has another registration there. It is then attached anew while it rests, and nobody gets it
 *   before that is done: its traffic would run under the registration of the organization that it has left
 */
export function transfer(
  number: NumberState,
  policy: Policy,
  at: Date,
  { endAssignment, reattach }: { endAssignment: boolean; reattach: boolean },
): Step {
  assertNotLeaving(number);
  if (number.status === 'assigned' && !endAssignment) throw new Problem('number_assigned');
  if (!['available', 'assigned', 'cooling_down'].includes(number.status)) throw notAvailable(number);
  const rest = unassigned(at, policy.transfer_cool_down_seconds);
  // A cool-down that ends later is kept.
  const longer = number.status === 'cooling_down' && number.until! > (rest.until ?? at);
  const set = longer ? {} : rest;
  if (!reattach && !number.attaching) return { type: 'number.transferred', set };
  const waits = set.status === 'available' && ({ status: 'pending' } as const);
  return { type: 'number.transferred', set: { ...set, ...waits, attaching: true } };
}

/** Ends a status whose time is over. */
export function expire(number: NumberState): Step {
  if (number.status === 'reserved')
    return { type: 'number.reservation_ended', set: { ...unreserved, status: 'available' } };
  if (number.status === 'cooling_down') return { type: 'number.cool_down_ended', set: rested(number) };
  // The undo window is over, so the carrier is asked to release the number.
  if (number.managed) return { type: 'number.undo_ended', set: { until: null } };
  return endRelease();
}

/** The carrier has attached the number: it is assigned to the user it was bought for, or available. */
export function ready(number: NumberState, holder: User | undefined): Step {
  assertPending(number);
  return {
    type: 'number.ready',
    set: { ...assignedOrAvailable(holder), pending_reason: null, attaching: false },
  };
}

/** The carrier refuses to attach the number. It is asked again only after resumeAttachment(). */
export function failAttachment(number: NumberState, reason: string): Step {
  assertPending(number);
  return { type: 'number.attachment_failed', set: { pending_reason: reason, attaching: false } };
}

export function resumeAttachment(number: NumberState): Step {
  assertNotLeaving(number);
  assertPending(number);
  return { type: 'number.attachment_resumed', set: { pending_reason: null, attaching: true } };
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
