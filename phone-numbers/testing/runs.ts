const soak = Number(process.env.SOAK ?? 0);

/**
 * The seeds, and the count of generated numbers for each. One seed is always the same; the other is new each time, and
 * FUZZ_SEED replays it. READER_RUNS says how many numbers there are in all; `npm run soak` makes ten times as many.
 */
export function runs(count: number): { seed: number; numRuns: number }[] {
  const numRuns = Number(process.env.READER_RUNS ?? count * Math.max(10 * soak, 1)) / 2;
  const other = process.env.FUZZ_SEED ? Number(process.env.FUZZ_SEED) : Math.floor(Math.random() * 2 ** 31);
  return [21, other].map(seed => ({ seed, numRuns }));
}
