import type { Static } from 'typebox';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { timestamp } from '../http/operation.ts';
import type { Who } from '../keys/who.ts';
import { type Revision, revise } from '../revisions/revise.ts';
import { takeRelease } from './at-carrier.ts';
import type { Target } from './change-number.ts';
import { applyChanges, loadStates } from './changes.ts';
import { assertUnlocked, type NumberState, release } from './life.ts';
import type { Released as ReleasedBody } from './life-schemas.ts';
import { getNumber } from './numbers.ts';

export type Released = Static<typeof ReleasedBody>;

/**
 * A release that its carrier has yet to make (carrier-release.ts). `lease` is null while somebody else is asking it;
 * `first`: nobody was before.
 */
export type Intended = { number_id: string; lease: string | null; first: boolean };

/**
 * Gives a number up: for good at once, or after the time in which the tenant may take it back, where that is a matter
 * of our word alone. Where its carrier must release it first, only the intention is kept: the number stays what it is,
 * but is handed to nobody. A release that is under way at the carrier is joined, whatever `If-Match` says; one that is
 * over changes nothing.
 * @param leaseMs for how long the intention is the caller's to carry out
 * @param begun the tenure that this request began to release earlier: a later one of the number is another matter
 * @returns JSON, as `once` wants it
 */
export async function beginRelease(
  db: Db,
  who: Who,
  target: Target,
  leaseMs: number,
  begun?: string,
): Promise<Released | Intended> {
  const found = await tenureOf(db, who, target, begun);
  if (found.released_at) {
    return answer({ ...found, status: 'released' }, found.released_at, begun === undefined);
  }
  const joins = found.release_due_at !== null;
  const { ifMatch: _, ...unconditional } = who;
  const result = await revise(
    db,
    joins ? unconditional : who,
    { id: found.organization_id },
    async revision => {
      const [number] = await loadStates(revision, who, [found.id]);
      if (!number || (joins && !number.leaving)) return undefined;
      if (number.leaving) return intend(revision, who, number, leaseMs);
      if (number.managed && number.status !== 'releasing' && revision.policy.release_undo_seconds === 0) {
        assertUnlocked(number);
        return intend(revision, who, number, leaseMs);
      }
      const step = release(number, revision.policy, revision.now);
      await applyChanges(revision, who, [{ number, step }]);
      return answer({ ...number, ...step.set }, revision.at, number.status === 'releasing');
    },
  );
  // Undefined: it has moved on since it was looked up.
  return result ?? beginRelease(db, who, target, leaseMs, begun);
}

async function intend(
  { tx }: Revision,
  who: Who,
  { id, leaving }: NumberState,
  leaseMs: number,
): Promise<Intended> {
  const taken = await takeRelease(tx, who, id, leaseMs);
  return { number_id: id, lease: taken?.lease.toISOString() ?? null, first: !leaving };
}

/** The tenure that a release means: the one that is going on, or, if it is repeated, the last one, which has ended. */
async function tenureOf(db: Db, who: Who, target: Target, id: string | undefined) {
  const { phone_number, default_country, organization_id } = target;
  const found = await getNumber(db, who, phone_number, default_country).catch(error => {
    if (error instanceof Problem && error.code === 'number_not_found') return undefined;
    throw error;
  });
  const tenure =
    found && (id === undefined || found.id === id)
      ? found
      : await getNumber(db, who, phone_number, default_country, id === undefined ? 'last' : { id });
  if (organization_id !== undefined && tenure.organization_unique_id !== organization_id)
    throw new Problem('number_not_found');
  return tenure;
}

type Given = Pick<NumberState, 'phone_number' | 'status' | 'until' | 'carrier_account_id'>;

/** What a release has come to. */
export function answer(
  { phone_number, status, until, carrier_account_id }: Given,
  at: Date,
  already: boolean,
): Released {
  const can_be_undone = status === 'releasing';
  const released_at = timestamp(until ?? at);
  return {
    phone_number,
    released_at,
    // Until then the carrier has it, and charges for it.
    billing_stopped: !can_be_undone || carrier_account_id === null,
    already_released: already,
    can_be_undone,
    message: can_be_undone
      ? `The number is being released; this can be undone until ${released_at}`
      : `The number ${already ? 'was released already' : 'has been released'}`,
  };
}
