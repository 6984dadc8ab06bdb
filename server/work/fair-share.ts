/** A carrier account or organization that competes for a server's slots. */
export type Holder = { tenant_id: string; holder: string };

export type Portion = Holder & { count: number };

/**
 * Gives each free slot to the holder with the fewest slots, and on a tie to the first in `holders`. A holder without a
 * slot therefore comes before one that already has some.
 * @param underWay the holder of each occupied slot
 * @param share the maximum of slots per holder
 */
export function shareOut(
  holders: Holder[],
  underWay: Iterable<{ holder: string | null }>,
  share: number,
  free: number,
): Portion[] {
  const taken = new Map<string | null, number>();
  for (const { holder } of underWay) taken.set(holder, (taken.get(holder) ?? 0) + 1);
  const portions = holders.map(one => ({ ...one, count: 0, has: taken.get(one.holder) ?? 0 }));
  for (let has = 0, left = free; has < share && left > 0; has++) {
    for (const portion of portions) {
      if (left === 0 || portion.has !== has) continue;
      portion.has++;
      portion.count++;
      left--;
    }
  }
  return portions.flatMap(({ has, ...portion }) => (portion.count > 0 ? [portion] : []));
}
