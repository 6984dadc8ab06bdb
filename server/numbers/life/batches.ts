import { randomUUIDv7 } from 'node:crypto';
import type { Caller } from '../../access/caller.ts';
import type { Revision } from '../../revisions/revise.ts';

/** How many items one row of batch_items has. */
export const itemsPerPiece = 1000;

/** Stores what a bulk event stands for, so that the log can be replayed. @returns the id of the batch */
export async function storeBatch(
  { tx, organization }: Revision,
  caller: Caller,
  items: Record<string, unknown>[],
): Promise<string> {
  const batch_id = randomUUIDv7();
  const key = { tenant_id: caller.tenantId, organization_id: organization.id, batch_id };
  for (let piece = 0; piece * itemsPerPiece < items.length; piece++) {
    const part = items.slice(piece * itemsPerPiece, (piece + 1) * itemsPerPiece);
    await tx
      .insertInto('batch_items')
      .values({ ...key, piece, items: JSON.stringify(part) })
      .execute();
  }
  return batch_id;
}
