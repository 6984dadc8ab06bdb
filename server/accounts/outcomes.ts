import type { CarrierError, Outcome } from '../../carriers/errors.ts';
import { Problem } from '../errors.ts';

/** The outcomes in words. The caller adds what the call was about and what follows. */
const explanations: Record<Outcome, string> = {
  unavailable: 'The carrier refuses this for this number',
  not_found: 'The carrier does not know the number',
  rate_limited: 'The carrier has been asked too often',
  out_of_funds: 'The account has no funds left at the carrier',
  needs_compliance: 'The carrier wants information for compliance first',
  authentication_failed: 'The carrier does not accept the credentials of the account',
  transient: 'The carrier cannot do this at the moment',
  outcome_unknown: 'The carrier has not said whether this was done',
};

/** Outcomes that may be different the next time. */
const temporary: readonly Outcome[] = ['rate_limited', 'transient', 'outcome_unknown'];
export const isTemporary = ({ outcome }: CarrierError): boolean => temporary.includes(outcome);

/** Why the carrier did not do it: in our words, then in its own. */
export const reasonOf = (error: CarrierError): string =>
  `${explanations[error.outcome]}. ${carrierReason(error)}`;

/** @param consequence what follows for the request, for example `nothing was changed` */
export const carrierFailed = (error: CarrierError, consequence: string): Problem =>
  new Problem('carrier_failed', `${explanations[error.outcome]}: ${consequence}`, carrierReason(error));

const carrierReason = ({ message, carrierCode }: CarrierError): string =>
  carrierCode === undefined ? message : `${message} (${carrierCode})`;
