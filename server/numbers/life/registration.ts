import { isDeepStrictEqual } from 'node:util';
import type { CarrierKind, Messaging } from '../../../carriers/carrier.ts';
import { isTollFree } from '../../../phone-numbers/toll-free.ts';
import { kindOf } from '../../accounts/open.ts';
import type { Organization } from '../../revisions/revise.ts';
import type { NumberState } from './rules.ts';

export type Registered = Pick<Organization, 'messaging_service_id' | 'campaign_id'>;

/** The parts of the registration that this kind of carrier supports. A campaign of 10DLC takes no toll-free number. */
export function messagingOf(
  { messaging_service_id, campaign_id }: Registered,
  { can }: CarrierKind,
  phoneNumber: string,
): Messaging {
  return {
    service: can.messaging.includes('service') ? messaging_service_id : null,
    campaign: can.messaging.includes('campaign') && !isTollFree(phoneNumber) ? campaign_id : null,
  };
}

/**
 * Whether a number bought from this kind of carrier needs a 10DLC attachment before use. Such a number starts as
 * `pending`.
 */
export function needsAttachment(organization: Registered, kind: CarrierKind, phoneNumber: string): boolean {
  const { service, campaign } = messagingOf(organization, kind, phoneNumber);
  return service !== null || campaign !== null;
}

/** Whether a number has another registration in the organization that it moves to. */
export function changesRegistration(
  { carrier, phone_number }: NumberState,
  from: Registered,
  to: Registered,
): boolean {
  if (carrier === null) return false;
  const kind = kindOf(carrier);
  return !isDeepStrictEqual(messagingOf(from, kind, phone_number), messagingOf(to, kind, phone_number));
}
