import { CarrierError, type Outcome, outcomes } from '../errors.ts';
import type { Fault } from './store.ts';

type Call = Fault['call'];
type Kind = Fault['kind'];

const changing: readonly Call[] = ['buy', 'release', 'attach'];

/** The outcome of a call without a clear answer. */
export const unclearOutcome = (call: Call): 'transient' | 'outcome_unknown' =>
  changing.includes(call) ? 'outcome_unknown' : 'transient';

/** Whether the sandbox answers in spite of the fault, perhaps wrongly. */
const isAnswered = (kind: Kind): boolean => ['other_number', 'pending', 'empty', 'cut'].includes(kind);

/** Whether the sandbox does what was asked in spite of the fault. */
export const isDone = (kind: Kind): boolean =>
  isAnswered(kind) || ['error_after', 'timeout_after', 'torn'].includes(kind);

/** The error that the caller gets; undefined if the sandbox answers. */
export function faultError(call: Call, kind: Kind): CarrierError | undefined {
  if (isAnswered(kind)) return undefined;
  if (isOutcome(kind))
    return new CarrierError(kind, `The sandbox was told to say ${kind}`, {
      carrierCode: `sandbox_${kind}`,
      retryAfterMs: kind === 'rate_limited' ? 0 : undefined,
    });
  return new CarrierError(unclearOutcome(call), `The sandbox was told to give no answer (${kind})`);
}

const isOutcome = (kind: Kind): kind is Kind & Outcome => (outcomes as readonly string[]).includes(kind);
