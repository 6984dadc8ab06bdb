import { Problem } from '../../../errors.ts';
import { assertActive, type Revision } from '../../../revisions/revise.ts';
import type { Edit } from '../../state.ts';
import { eventOf } from '../changes.ts';
import { transferEvents } from '../moves.ts';
import { changesRegistration } from '../registration.ts';
import {
  assign,
  edit,
  type NumberState,
  release,
  type Step,
  transfer,
  type User,
  unassign,
} from '../rules.ts';
import type { UniqueValues } from '../unique.ts';

export type BulkItem = { phone_number: string } & (
  | { action: 'assign'; user_id: string }
  | { action: 'unassign' }
  | { action: 'tag'; add?: string[]; remove?: string[] }
  | { action: 'transfer'; to_organization_id: string; end_assignment?: boolean }
  | { action: 'release' }
  | ({ action: 'edit' } & Edit)
);

/** A number while the items are applied: its state and organization at first, and now. */
export type NumberInBulk = { before: NumberState; now: NumberState; from: Revision; in: Revision };

export type BulkEvent = { type: string; data: { id: string; phone_number: string } };

export type BulkContext = {
  /** The internal ids of the organizations that numbers move to, by unique_id. */
  destinations: Map<string, string>;
  /** By the internal ids of the organizations. */
  revisions: Map<string, Revision>;
  /** By the organization's internal id and the user's unique_id. */
  users: Map<string, User>;
  uniqueValues: UniqueValues;
  record: (revision: Revision, event: BulkEvent) => void;
};

/**
 * Applies one item to its number, with the same rules as a single call.
 * @throws Problem if the item is rejected
 */
export function applyItem(number: NumberInBulk, item: BulkItem, context: BulkContext): void {
  const { now: state, in: revision } = number;
  // An earlier item may have released the number.
  if (state.status === 'released') throw new Problem('number_not_found');
  if (item.action === 'transfer') {
    applyTransfer(number, item, context);
    return;
  }
  const step = stepOf(item, state, revision, context.users);
  if (item.action === 'edit') context.uniqueValues.give(state.id, step.set);
  const event = eventOf({ number: state, step });
  // A number that does not change keeps its revision.
  if (!event) return;
  context.record(revision, event);
  number.now = { ...state, ...step.set };
}

function applyTransfer(
  number: NumberInBulk,
  item: Extract<BulkItem, { action: 'transfer' }>,
  { destinations, revisions, record }: BulkContext,
): void {
  const { now: state, in: revision } = number;
  const destination = revisions.get(destinations.get(item.to_organization_id) ?? '');
  if (!destination) throw new Problem('organization_not_found');
  if (destination === revision) throw new Problem('already_there');
  assertActive(destination);
  const step = transfer(state, revision.policy, destination.now, {
    endAssignment: item.end_assignment ?? false,
    reattach: changesRegistration(state, revision.organization, destination.organization),
  });
  const [out, into] = transferEvents(revision, destination, { number: state, step });
  record(revision, out);
  record(destination, into);
  number.now = { ...state, ...step.set };
  number.in = destination;
}

function stepOf(
  item: Exclude<BulkItem, { action: 'transfer' }>,
  number: NumberState,
  revision: Revision,
  users: Map<string, User>,
): Step {
  switch (item.action) {
    case 'assign': {
      assertActive(revision);
      const user = users.get(`${revision.organization.id} ${item.user_id}`);
      const step = assign(number, user ?? { id: '', unique_id: item.user_id });
      if (!user) throw new Problem('assignee_not_found');
      return step;
    }
    case 'unassign':
      return unassign(number, revision.policy, revision.now);
    case 'tag': {
      const tags = number.tags.filter(tag => !item.remove?.includes(tag)).concat(item.add ?? []);
      if (new Set(tags).size > 50) throw new Problem('invalid_request', 'A number has at most 50 tags');
      return edit(number, { tags });
    }
    case 'release':
      return release(number, revision.policy, revision.now);
    case 'edit':
      return edit(number, editOf(item));
  }
}

/** The fields that an item edits. */
export function editOf(item: BulkItem): Edit {
  if (item.action !== 'edit') return {};
  const { action: _, phone_number: __, ...given } = item;
  return given;
}
