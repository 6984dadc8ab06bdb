/**
 * What a call to a carrier can come to other than done. Every carrier's own codes are turned into these, and nothing
 * outside of carriers/ knows any other.
 *
 * - `unavailable`: the number cannot be had, now or for us; another one may.
 * - `not_found`: what the call names is not in the account.
 * - `rate_limited`: refused unprocessed because of too many calls.
 * - `out_of_funds`: the account cannot pay.
 * - `needs_compliance`: the carrier wants an address, a bundle, a registration first.
 * - `authentication_failed`: the credentials are wrong, or the account may not do this.
 * - `transient`: certainly not processed, and worth another try later.
 * - `outcome_unknown`: it may have been processed and it may not; only looking it up tells.
 */
export const outcomes = [
  'unavailable',
  'not_found',
  'rate_limited',
  'out_of_funds',
  'needs_compliance',
  'authentication_failed',
  'transient',
  'outcome_unknown',
] as const;

export type Outcome = (typeof outcomes)[number];

/** The one error that a carrier throws. */
export class CarrierError extends Error {
  readonly outcome: Outcome;
  /** The carrier's own code, such as `21422`. */
  readonly carrierCode: string | undefined;
  /** When the carrier wants to be asked again, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  /** @param message for an operator, in our words: never what the carrier's body says as it stands */
  constructor(
    outcome: Outcome,
    message: string,
    more: { carrierCode?: string | undefined; retryAfterMs?: number | undefined } = {},
  ) {
    super(message);
    this.outcome = outcome;
    this.carrierCode = more.carrierCode;
    this.retryAfterMs = more.retryAfterMs;
  }
}
