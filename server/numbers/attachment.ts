import type { CarrierKind } from '../../carriers/carrier.ts';
import type { Organization } from '../revisions/revise.ts';

/** Whether a number of this organization is of use only when the carrier has attached it to the registration. */
export const needsAttachment = (organization: Organization, { can }: CarrierKind): boolean =>
  can.messaging.some(part =>
    part === 'service' ? organization.messaging_service_id !== null : organization.campaign_id !== null,
  );
