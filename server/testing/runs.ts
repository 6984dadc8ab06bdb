/**
 * How much is done of what is heavy by nature: in `npm test`, and in `npm run soak`, which sets SOAK to 1. A greater
 * SOAK makes everything that is generated so many times more.
 */
const amounts = {
  /** Requests of each operation: fuzz.test.ts. */
  requests: [30, 120],
  /** Lists that are asked for with filters: filters.test.ts. */
  filters: [75, 300],
  /** Inventories that are exported and imported: formats.test.ts. */
  exports: [15, 40],
  /** Files that are imported beside the model: import/model.test.ts. */
  files: [10, 30],
  /** Sequences of changes beside the model: sequences.test.ts. */
  sequences: [120, 500],
  /** Times that four clients change the same numbers at once: concurrent.test.ts. */
  crowds: [15, 50],
  /** Lives of numbers that are charged for by the week: weekly-model.test.ts. */
  weeks: [25, 50],
  /** Changes of each writer, between readers: freshness.test.ts. */
  writes: [15, 42],
  /** Times that access is ended under readers: revoked.test.ts. */
  endings: [2, 5],
  /** Accounts that are compared beside the model: reconciliation/model.test.ts. */
  books: [8, 25],
  /** Schedules of kills and faults: of orders, releases, attachments and adoptions. */
  orders: [75, 300],
  releases: [75, 300],
  attachments: [60, 300],
  adoptions: [15, 60],
  /** Times that a server is killed under writes: crash.process.test.ts. */
  crashes: [5, 100],
  /** Rows that are imported in bounded memory, and kills of an import of how many: import.process.test.ts. */
  rows: [150_000, 1_000_000],
  importKills: [4, 8],
  rowsOfKilled: [20_000, 60_000],
  /** pressure.process.test.ts. Calls of each kind that the honest tenant makes during a scenario. */
  honestCalls: [40, 400],
  /** What its neighbour has: numbers and large events of one organization, and organizations. */
  largeNumbers: [20_000, 500_000],
  largeEvents: [100, 1000],
  manyOrganizations: [2000, 20_000],
  /** What its neighbour does: numbers of an import, reports and the rows in each, half-sent requests, idle connections. */
  imported: [20_000, 200_000],
  reports: [24, 192],
  rejections: [20_000, 20_000],
  halves: [200, 1500],
  idle: [500, 6000],
  /** Numbers that are adopted over a bad wire: large.test.ts. */
  adopted: [20_000, 100_000],
} satisfies Record<string, [test: number, soak: number]>;

const soak = Number(process.env.SOAK ?? 0);
export const isSoak = soak > 0;

export const amountOf = (what: keyof typeof amounts): number => amounts[what][soak > 0 ? 1 : 0];

/** What everything random in a test file begins with: what a failure reports as its seed replays it as FUZZ_SEED. */
export const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** For fast-check. @param runs in `npm test`, or the name of how many */
export const fuzzing = (runs: number | keyof typeof amounts): { numRuns: number; seed: number } => ({
  numRuns: (typeof runs === 'number' ? runs : amountOf(runs)) * Math.max(soak, 1),
  seed,
});
