import { sql } from 'kysely';
import type { Static } from '../../../schema/schema.ts';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { timestamp } from '../../http/operation.ts';
import { type Policy, type Revision, revise } from '../../revisions/revise.ts';
import type { Target } from '../life/change-number.ts';
import { applyChanges, loadStates } from '../life/changes.ts';
import { assertUnlocked, type NumberState, release } from '../life/rules.ts';
import type { Released as ReleasedBody } from '../life/schemas.ts';
import { readE164 } from '../list/details.ts';
import { leaseRelease } from './leased-numbers.ts';

export type Released = Static<typeof ReleasedBody>;

/** A release that the carrier has yet to make (carrier-release.ts). */
export type Intended = {
  number_id: string;
  /** Null while another worker has the lease. */
  lease: string | null;
  /** Whether no attempt was made before. */
  first: boolean;
};

/**
 * Begins a release. A number without a carrier account is released at once. Any number under an undo window becomes
 * `releasing`. Otherwise the carrier must release it first, so only the intention is recorded: the status stays, but
 * the number cannot be assigned. A running release is joined regardless of `If-Match`. A finished one is left unchanged.
 * @param leaseMs how long the release at the carrier is leased to the caller
 * @param begun the tenure that this request began to release earlier, so that a replay ignores a later tenure
 * @returns plain JSON, because it is stored for replays
 */
export async function beginRelease(
  db: Db,
  caller: Caller,
  target: Target,
  leaseMs: number,
  begun?: string,
): Promise<Released | Intended> {
  const found = await tenureOf(db, caller, target, begun);
  if (found.released_at) {
    return releaseReply({ ...found, status: 'released' }, found.released_at, begun === undefined);
  }
  const joins = found.release_due_at !== null;
  const { ifMatch: _, ...unconditional } = caller;
  const result = await revise(
    db,
    joins ? unconditional : caller,
    { id: found.organization_id },
    async revision => {
      const [number] = await loadStates(revision, caller, [found.id]);
      if (!number || (joins && !number.leaving)) return undefined;
      if (number.leaving) return recordIntention(revision, caller, number, leaseMs);
      if (number.managed && number.status !== 'releasing' && revision.policy.release_undo_seconds === 0) {
        assertUnlocked(number);
        return recordIntention(revision, caller, number, leaseMs);
      }
      const step = release(number, revision.policy, revision.now);
      await applyChanges(revision, caller, [{ number, step }]);
      const already = number.status === 'releasing';
      return releaseReply({ ...number, ...step.set }, revision.at, already, revision.policy);
    },
  );
  // The number has changed since it was looked up: start again.
  return result ?? beginRelease(db, caller, target, leaseMs, begun);
}

async function recordIntention(
  { tx }: Revision,
  caller: Caller,
  { id, leaving }: NumberState,
  leaseMs: number,
): Promise<Intended> {
  const taken = await leaseRelease(tx, caller, id, leaseMs);
  return { number_id: id, lease: (taken?.version as Date)?.toISOString() ?? null, first: !leaving };
}

type Tenure = Ending & {
  id: string;
  organization_id: string;
  released_at: Date | null;
  release_due_at: Date | null;
};

/** The current tenure of the number, or else its last one, so that a repeated release finds what it released. */
async function tenureOf(db: Db, caller: Caller, target: Target, id: string | undefined): Promise<Tenure> {
  const { rows } = await sql<Tenure & { organization_unique_id: string }>`
    select n.id, n.organization_id, n.phone_number, n.status, n.until, n.carrier_account_id, n.released_at, n.release_due_at,
      o.unique_id as organization_unique_id
    from phone_numbers n join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
    where n.tenant_id = ${caller.tenantId} and n.phone_number = ${readE164(target.phone_number, target.default_country)}
      and (${caller.organizationId}::uuid is null or o.id = ${caller.organizationId})
      and (${id ?? null}::uuid is null or n.id = ${id ?? null})
    order by n.released_at desc nulls first, n.created_at desc limit 1`.execute(db);
  const tenure = rows[0];
  const narrowed = target.organization_id ?? tenure?.organization_unique_id;
  if (!tenure || tenure.organization_unique_id !== narrowed) throw new Problem('number_not_found');
  return tenure;
}

type Ending = Pick<NumberState, 'phone_number' | 'status' | 'until' | 'carrier_account_id'>;

export function releaseReply(
  { phone_number, status, until, carrier_account_id }: Ending,
  at: Date,
  already: boolean,
  policy?: Policy,
): Released {
  const can_be_undone = status === 'releasing';
  const released_at = timestamp(until ?? at);
  return {
    phone_number,
    released_at,
    // During the undo window the number is still here, so a fee that it has goes on.
    billing_stopped: !can_be_undone || (carrier_account_id === null && policy?.weekly_fee_for !== 'all'),
    already_released: already,
    can_be_undone,
    message: can_be_undone
      ? `The number is being released; this can be undone until ${released_at}`
      : `The number ${already ? 'was released already' : 'has been released'}`,
  };
}
