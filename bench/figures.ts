/** The median, minimum and maximum of several rounds. */
export type Spread = { median: number; least: number; most: number };

export type Reach = { least: number } | { most: number };

/** One line of the table. */
export type Line = {
  scenario: string;
  what: string;
  unit: string;
  /** Whether the reach bounds `ours` itself, not its ratio to the floor. */
  absolute: boolean;
  ours: Spread;
  floor: Spread | null;
  /** The name of the floor. */
  against: string;
  ratio: Spread | null;
  reach: Reach | null;
  met: boolean | null;
};

type Measured = { what: string; unit: string; ours: number[]; floor?: number[]; against?: string };

/** A line whose reach bounds the ratio of `ours` to the floor, round by round. */
export function compared(scenario: string, measured: Measured & { floor: number[] }, reach?: Reach): Line {
  const ratio = spread(measured.ours.map((value, round) => value / measured.floor[round]!));
  return { ...line(scenario, measured), ratio, reach: reach ?? null, met: meets(ratio.median, reach) };
}

/** A line whose reach bounds `ours` itself. */
export function bounded(scenario: string, measured: Measured, reach: Reach): Line {
  const { floor, ours } = measured;
  const ratio = floor ? spread(ours.map((value, round) => value / floor[round]!)) : null;
  const met = meets(spread(ours).median, reach);
  return { ...line(scenario, measured), absolute: true, ratio, reach, met };
}

function line(scenario: string, { what, unit, ours, floor, against }: Measured) {
  return {
    scenario,
    what,
    unit,
    absolute: false,
    ours: spread(ours),
    floor: floor ? spread(floor) : null,
    against: against ?? '',
  };
}

function meets(value: number, reach: Reach | undefined): boolean | null {
  if (!reach) return null;
  return 'least' in reach ? value >= reach.least : value <= reach.most;
}

export function spread(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}
