const pauseMsMax = 15 * 60_000;

/** How long to wait after so many attempts in a row that came to nothing: doubling, up to a quarter of an hour. */
export const backOffMs = (firstMs: number, attempts: number): number =>
  Math.min(firstMs * 2 ** Math.max(attempts - 1, 0), pauseMsMax);
