import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Attachment, CarrierKind, Messaging } from '../../../carriers/carrier.ts';
import { CarrierError } from '../../../carriers/errors.ts';
import type { Caller } from '../../access/caller.ts';
import { type Carriers, kindOf } from '../../accounts/open.ts';
import { isTemporary, reasonOf } from '../../accounts/outcomes.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { type Organization, type Revision, revise } from '../../revisions/revise.ts';
import type { Job } from '../../work/jobs.ts';
import { assertHeld, readHeld } from '../../work/leases.ts';
import { changeNumber, type Target } from '../life/change-number.ts';
import { applyChanges, loadStates } from '../life/changes.ts';
import {
  failAttachment,
  type NumberState,
  ready,
  resumeAttachment,
  type Step,
  type User,
} from '../life/rules.ts';
import { attachments, carrierCaller, type LeasedNumber, putOff, startAtCarriers } from './leased-numbers.ts';

type Registered = Pick<Organization, 'messaging_service_id' | 'campaign_id'>;

/**
 * Whether a number that the organization buys from such a carrier must be attached to its 10DLC registration there
 * before it is of use: then it comes as `pending`.
 */
export function needsAttachment(organization: Registered, kind: CarrierKind): boolean {
  const { service, campaign } = messagingOf(organization, kind);
  return service !== null || campaign !== null;
}

/** The carrier's side of the registration, as far as such a carrier knows of it. */
function messagingOf({ messaging_service_id, campaign_id }: Registered, { can }: CarrierKind): Messaging {
  return {
    service: can.messaging.includes('service') ? messaging_service_id : null,
    campaign: can.messaging.includes('campaign') ? campaign_id : null,
  };
}

export const startAttachments = (db: Db, carriers: Carriers, log: Logger): Job =>
  startAtCarriers(db, carriers, log, {
    name: 'attaching at the carriers',
    lease: attachments,
    work: number => goOnAttaching(db, carriers, number),
  });

/** Attaches a number, or looks what has become of that; if it is cut short it can be repeated. */
export async function goOnAttaching(db: Db, carriers: Carriers, number: LeasedNumber): Promise<void> {
  const result = await attach(db, carriers, number);
  if (result.state === 'attached')
    await record(db, number, async (state, revision) => ready(state, await buyerOf(revision, number)));
  else if (result.state === 'failed') await record(db, number, state => failAttachment(state, result.reason));
  else await putOff(db, attachments, number, carriers.settings.pollMs);
}

async function attach(db: Db, carriers: Carriers, number: LeasedNumber): Promise<Attachment> {
  const messaging = await registrationOf(db, number);
  // The organization has none any more: there is nothing to wait for.
  if (!messaging) return { state: 'attached' };
  const named = { id: number.carrier_number_id!, phone_number: number.phone_number };
  try {
    const carrier = await carriers.open(db, number.tenant_id, number.carrier_account_id!);
    const found = await carrier.attachment(named, messaging);
    // At first a failure is that of the time before, and somebody has said that it is to be tried again.
    const begins = found.state === 'none' || (found.state === 'failed' && number.attempts === 1);
    if (!begins) return found;
    assertHeld(number);
    return await carrier.attach(named, messaging);
  } catch (error) {
    if (error instanceof CarrierError && !isTemporary(error))
      return { state: 'failed', reason: reasonOf(error) };
    if (error instanceof CarrierError || error instanceof Problem) return { state: 'pending' };
    throw error;
  }
}

/** What the number is to be attached to; undefined if that is nothing. */
async function registrationOf(db: Db, { tenant_id, id }: LeasedNumber): Promise<Messaging | undefined> {
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
  if (!row || !needsAttachment(row, kindOf(row.carrier))) return undefined;
  return messagingOf(row, kindOf(row.carrier));
}

/** Writes what the carrier has said, unless it is said by now to somebody else, or the number is on its way out. */
async function record(
  db: Db,
  number: LeasedNumber,
  rule: (state: NumberState, revision: Revision) => Step | Promise<Step>,
): Promise<void> {
  const caller = carrierCaller(number.tenant_id);
  await revise(db, caller, { id: number.organization_id }, async revision => {
    const held = await readHeld(revision.tx, attachments, number);
    const [state] = await loadStates(revision, caller, [number.id]);
    if (!held || !state || state.leaving) return;
    await applyChanges(revision, caller, [{ number: state, step: await rule(state, revision) }]);
  });
}

/** Whom the number was bought for, if numbers may be handed to them. */
async function buyerOf(
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
    .executeTakeFirst();
}

/** Has the attachment of a pending number tried again, or looked at now. */
export async function resumeNumberAttachment(db: Db, caller: Caller, target: Target): Promise<void> {
  await changeNumber(db, caller, target, async (number, { tx, now }) => {
    const step = resumeAttachment(number);
    await sql`
      update phone_numbers set attach_attempts = 0, attach_due_at = case when attach_due_at is not null then ${now}::timestamptz end
      where tenant_id = ${caller.tenantId} and id = ${number.id}`.execute(tx);
    return step;
  });
}
