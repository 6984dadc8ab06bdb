/** An account or organization, which competes with others for what a server can do at once. */
export type Holder = { tenant_id: string; holder: string };

export type Portion = Holder & { count: number };

/**
 * Hands out free slots one by one, each to the holder that has the fewest by then; those who come first in `holders` go
 * first among equals. So a slot that comes free goes to somebody who has none, whoever has filled the others.
 * @param underWay the holder of each slot that is taken
 * @param share the most that one holder may have
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
