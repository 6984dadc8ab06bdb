/**
 * The ways a call to a carrier can fail. Each adapter maps its carrier's codes to these; nothing outside carriers/ knows
 * any other code.
 *
 * - `unavailable`: we cannot get this number. Another number may do.
 * - `not_found`: the account has no such number, order or service.
 * - `rate_limited`: refused because of too many calls; not processed.
 * - `out_of_funds`: the account cannot pay.
 * - `needs_compliance`: the carrier wants an address, a bundle or a registration first.
 * - `authentication_failed`: the credentials are wrong, or the account may not do this.
 * - `transient`: certainly not processed. Try again later.
 * - `outcome_unknown`: it may have been processed. Only a look-up tells.
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

/** The only error that an adapter throws. */
export class CarrierError extends Error {
  readonly outcome: Outcome;
  /** The carrier's code, such as `21422`. */
  readonly carrierCode: string | undefined;
  /** How long the carrier asks us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  /** @param message for an operator, in our words; never the carrier's body */
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
