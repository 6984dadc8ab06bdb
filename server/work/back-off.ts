const restMsMax = 300_000;

/**
 * How long to rest after so many attempts in a row that came to nothing: twice as long each time, until it is five
 * minutes. A longer first rest stays as it is, and no rest is shorter than the carrier asks for. The rests are spread
 * over a quarter, so that those who were turned away together do not come back together.
 */
export function backOffMs(firstMs: number, attempts: number, askedMs = 0): number {
  const restMs = Math.min(firstMs * 2 ** Math.max(attempts - 1, 0), Math.max(restMsMax, firstMs));
  return Math.max(restMs, askedMs) * (1 + Math.random() / 4);
}

/** How many such rests have fitted into the time since the first attempt: for work that does not count them. */
export const attemptsSince = (elapsedMs: number, firstMs: number): number =>
  Math.log2(1 + elapsedMs / firstMs);
