/*
 * The event loop is nobody's. Work on many items asks after a few of them whether it must give way. What gave way goes on
 * in the order in which it asked, and one piece a turn: so all such work together has a few milliseconds of each turn, and
 * short requests are answered between the pieces.
 */

const pieceMs = 4;

/** When the piece that is under way must end. Work that begins finds an old moment, and so waits for its first piece. */
let end = 0;
const waiting: (() => void)[] = [];

export const mustGiveWay = (): boolean => performance.now() > end;

/** Resolves in a later turn of the event loop, with a new piece of time. */
export function giveWay(): Promise<void> {
  return new Promise(resolve => {
    if (waiting.push(resolve) === 1) setImmediate(goOn);
  });
}

function goOn(): void {
  end = performance.now() + pieceMs;
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(goOn);
}

/** How many items are handled before the first question: fewer are done at once. */
const itemsAtOnce = 8;

/** `items.map(change)`, giving way between the items. */
export async function mapInPieces<T, R>(
  items: readonly T[],
  change: (item: T, index: number) => R,
): Promise<R[]> {
  const changed: R[] = [];
  for (let index = 0; index < items.length; index++) {
    if (index % itemsAtOnce === itemsAtOnce - 1 && mustGiveWay()) await giveWay();
    changed.push(change(items[index]!, index));
  }
  return changed;
}
