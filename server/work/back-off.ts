const backOffMsMax = 300_000;

/**
 * How long to back off after a number of consecutive failures. The delay doubles up to five minutes, or stays at
 * `firstMs` if that is longer. It is never below `askedMs`, which the carrier asks for. Up to a quarter is added at
 * random, so that rows that failed together do not retry together.
 */
export function backOffMs(firstMs: number, attempts: number, askedMs = 0): number {
  const delayMs = Math.min(firstMs * 2 ** Math.max(attempts - 1, 0), Math.max(backOffMsMax, firstMs));
  return Math.max(delayMs, askedMs) * (1 + Math.random() / 4);
}

/** Estimates the attempts so far from the time since the first one, for work that does not count attempts. */
export const attemptsSince = (elapsedMs: number, firstMs: number): number =>
  Math.log2(1 + elapsedMs / firstMs);
