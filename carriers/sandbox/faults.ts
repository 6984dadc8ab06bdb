import { CarrierError, type Outcome, outcomes } from '../errors.ts';
import type { Fault } from './store.ts';

type Call = Fault['call'];
type Kind = Fault['kind'];

const changing: readonly Call[] = ['buy', 'release', 'attach'];

/** What a call that got no answer that can be believed comes to. */
export const unanswered = (call: Call): 'transient' | 'outcome_unknown' =>
  changing.includes(call) ? 'outcome_unknown' : 'transient';

/** Whether the call is answered in spite of it, if not with the truth. */
const isAnswered = (kind: Kind): boolean => ['other_number', 'pending', 'empty', 'cut'].includes(kind);

/** Whether what was asked for is done in spite of it. */
export const isDone = (kind: Kind): boolean =>
  isAnswered(kind) || ['error_after', 'timeout_after', 'torn'].includes(kind);

/** What the caller is told in place of an answer; undefined where there is an answer. */
export function complaint(call: Call, kind: Kind): CarrierError | undefined {
  if (isAnswered(kind)) return undefined;
  if (isOutcome(kind))
    return new CarrierError(kind, `The sandbox was told to say ${kind}`, {
      carrierCode: `sandbox_${kind}`,
      retryAfterMs: kind === 'rate_limited' ? 0 : undefined,
    });
  return new CarrierError(unanswered(call), `The sandbox was told to give no answer (${kind})`);
}

const isOutcome = (kind: Kind): kind is Kind & Outcome => (outcomes as readonly string[]).includes(kind);
