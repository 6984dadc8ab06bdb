const restMsMax = 300_000;

/**
 * How long to rest after so many attempts in a row that came to nothing: twice as long each time, five minutes at most,
 * and no less than the carrier has asked for. Spread over a quarter, so that those who were turned away together do not
 * come back together.
 */
export function backOffMs(firstMs: number, attempts: number, askedMs = 0): number {
  const restMs = Math.min(firstMs * 2 ** Math.max(attempts - 1, 0), restMsMax);
  return Math.max(restMs, askedMs) * (1 + Math.random() / 4);
}

/** How many attempts such rests have left room for in the time since the first: for work that does not count them. */
export const attemptsSince = (elapsedMs: number, firstMs: number): number =>
  Math.log2(1 + elapsedMs / firstMs);
