import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Attachment, Messaging } from '../../../carriers/carrier.ts';
import { CarrierError } from '../../../carriers/errors.ts';
import type { Caller } from '../../access/caller.ts';
import { type Carriers, kindOf } from '../../accounts/open.ts';
import { isTemporary, reasonOf } from '../../accounts/outcomes.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { type Revision, revise } from '../../revisions/revise.ts';
import type { Job } from '../../work/jobs.ts';
import { assertLeased, fromNow, overwrite, readLeased } from '../../work/leases.ts';
import { changeNumber, type Target } from '../life/change-number.ts';
import { applyChanges, loadStates } from '../life/changes.ts';
import { messagingOf, needsAttachment } from '../life/registration.ts';
import {
  failAttachment,
  type NumberState,
  ready,
  resumeAttachment,
  type Step,
  type User,
} from '../life/rules.ts';
import { attachments, backOff, carrierCaller, type LeasedNumber, startAtCarriers } from './leased-numbers.ts';

export const startAttachments = (db: Db, carriers: Carriers, log: Logger): Job =>
  startAtCarriers(db, carriers, log, {
    name: 'attachments at the carriers',
    lease: attachments,
    work: number => advanceAttachment(db, carriers, number),
  });

/**
 * Attaches a number, or checks an attachment that has begun. Safe to repeat after a crash. A number that has changed
 * organizations, or whose organization has changed its registration, is first taken off the registration that it had.
 */
export async function advanceAttachment(db: Db, carriers: Carriers, number: LeasedNumber): Promise<void> {
  const result = await attach(db, carriers, number);
  if (result.state === 'attached')
    await record(db, number, {
      pending: async (state, revision) => ready(state, await assigneeOf(revision, number)),
      other: () => ({ attach_due_at: null, left_registrations: null }),
    });
  else if (result.state === 'failed')
    await record(db, number, {
      pending: state => failAttachment(state, result.reason),
      other: state => ({ attach_due_at: askedAgainAt(state) }),
    });
  else await backOff(db, attachments, number, carriers.settings.pollMs);
}

/**
 * When a number that is not pending is to be attached although its carrier has refused. One that rests becomes pending
 * when its rest is over, and then has the reason. The others stay in use, because they have not changed organizations.
 */
const askedAgainAt = ({ status, until }: NumberState) =>
  status === 'cooling_down' && until ? until : fromNow(refusedMs);
const refusedMs = 3_600_000;

const noMessaging: Messaging = { service: null, campaign: null };

async function attach(db: Db, carriers: Carriers, number: LeasedNumber): Promise<Attachment> {
  const messaging = await registrationOf(db, number);
  const left = number.left_registrations;
  // The organization has no registration, so the number needs no attachment.
  if (!messaging && !left) return { state: 'attached' };
  const named = { id: number.carrier_number_id!, phone_number: number.phone_number };
  try {
    const carrier = await carriers.open(db, number.tenant_id, number.carrier_account_id!);
    if (left) {
      assertLeased(number);
      await carrier.detach(named, left, messaging ?? noMessaging);
    }
    if (!messaging) return { state: 'attached' };
    const found = await carrier.attachment(named, messaging);
    // On the first attempt a failure is an old one: a caller has asked for a retry since.
    const begins = found.state === 'none' || (found.state === 'failed' && number.attempts === 1);
    if (!begins) return found;
    assertLeased(number);
    return await carrier.attach(named, messaging);
  } catch (error) {
    if (error instanceof CarrierError && !isTemporary(error))
      return { state: 'failed', reason: reasonOf(error) };
    if (error instanceof CarrierError || error instanceof Problem) return { state: 'pending' };
    throw error;
  }
}

/** @returns undefined if the number needs no attachment */
async function registrationOf(
  db: Db,
  { tenant_id, id, phone_number }: LeasedNumber,
): Promise<Messaging | undefined> {
  const row = await db
    .selectFrom('phone_numbers as n')
    .innerJoin('organizations as o', join =>
      join.onRef('o.tenant_id', '=', 'n.tenant_id').onRef('o.id', '=', 'n.organization_id'),
    )
    .innerJoin('carrier_accounts as c', join =>
      join.onRef('c.tenant_id', '=', 'n.tenant_id').onRef('c.id', '=', 'n.carrier_account_id'),
    )
    .select(['o.messaging_service_id', 'o.campaign_id', 'c.carrier'])
    .where('n.tenant_id', '=', tenant_id)
    .where('n.id', '=', id)
    .executeTakeFirst();
  if (!row || !needsAttachment(row, kindOf(row.carrier), phone_number)) return undefined;
  return messagingOf(row, kindOf(row.carrier), phone_number);
}

/**
 * Records the result, unless the lease was lost or the number is being released. Only a pending number changes by it; of
 * the others only the work that is due, which is no revision.
 */
async function record(
  db: Db,
  number: LeasedNumber,
  rules: {
    pending: (state: NumberState, revision: Revision) => Step | Promise<Step>;
    other: (state: NumberState) => Record<string, unknown>;
  },
): Promise<void> {
  const caller = carrierCaller(number.tenant_id);
  await revise(db, caller, { id: number.organization_id }, async revision => {
    const held = await readLeased(revision.tx, attachments, number);
    const [state] = await loadStates(revision, caller, [number.id]);
    if (!held || !state || state.leaving || state.status === 'releasing') return;
    if (state.status === 'pending')
      await applyChanges(revision, caller, [{ number: state, step: await rules.pending(state, revision) }]);
    else await overwrite(revision.tx, attachments, number, rules.other(state));
  });
}

/**
 * The user the number was bought for. @returns undefined if the user or the organization is no longer active, or if the
 * number has had a user or another organization since
 */
async function assigneeOf(
  { tx, organization }: Revision,
  { tenant_id, id }: LeasedNumber,
): Promise<User | undefined> {
  if (organization.status !== 'active') return undefined;
  return tx
    .selectFrom('orders as o')
    .innerJoin('users as u', join =>
      join
        .onRef('u.tenant_id', '=', 'o.tenant_id')
        .onRef('u.organization_id', '=', 'o.organization_id')
        .onRef('u.id', '=', 'o.user_id'),
    )
    .select(['u.id', 'u.unique_id'])
    .where('o.tenant_id', '=', tenant_id)
    .where('o.organization_id', '=', organization.id)
    .where('o.phone_number_id', '=', id)
    .where('u.status', '=', 'active')
    .where(
      sql<boolean>`not exists (
        select from assignments a where a.tenant_id = o.tenant_id and a.phone_number_id = o.phone_number_id)`,
    )
    .where(
      sql<boolean>`exists (
        select from phone_numbers n
        where n.tenant_id = o.tenant_id and n.id = o.phone_number_id and n.transferred_at is null)`,
    )
    .executeTakeFirst();
}

/** Retries a failed attachment, or checks a running one at once. */
export async function resumeNumberAttachment(db: Db, caller: Caller, target: Target): Promise<void> {
  await changeNumber(db, caller, target, async (number, { tx, now }) => {
    const step = resumeAttachment(number);
    await sql`
      update phone_numbers set attach_attempts = 0, attach_due_at = case when attach_due_at is not null then ${now}::timestamptz end
      where tenant_id = ${caller.tenantId} and id = ${number.id}`.execute(tx);
    return step;
  });
}
