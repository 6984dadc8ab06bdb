import { type Columns, note, table } from '../../terminal/output.ts';
import { counted, escapeControls } from '../../terminal/text.ts';

/* How an import, a bulk change and a look-up show what was rejected: people see the first twenty, --json has the rest. */

const shownMax = 20;

export const rejectionTable = <Rejection>(columns: Columns<Rejection>, rejections: Rejection[]): string =>
  table(columns, rejections.slice(0, shownMax));

/** @param inJson how many rejections --json has @param error why nothing was done, where it was all or nothing */
export function noteRejections(
  noun: 'row' | 'item' | 'number',
  count: number,
  inJson: number,
  error: string | undefined,
): void {
  const more = count - shownMax;
  const shown = inJson < count ? counted(inJson, noun) : 'all';
  if (more > 0) note(`… and ${counted(more, `more rejected ${noun}`)}; --json shows ${shown}`);
  if (error) note(`error: ${escapeControls(error)}`);
}
