import { randomUUIDv7 } from 'node:crypto';
import type { Caller } from '../../access/caller.ts';
import type { Revision } from '../../revisions/revise.ts';

/** How many items one row of batch_items has. */
export const itemsPerPiece = 1000;

type Items = Record<string, unknown>[];

/** Stores what a bulk event stands for, so that the log can be replayed. @returns the id of the batch */
export async function storeBatch(revision: Revision, caller: Caller, items: Items): Promise<string> {
  const batch = createBatch(revision, caller);
  await batch.add(items);
  await batch.end();
  return batch.id;
}

/** A batch whose items come in pieces, so that it may have any number of them. */
export function createBatch({ tx, organization }: Revision, caller: Caller) {
  const id = randomUUIDv7();
  const key = { tenant_id: caller.tenantId, organization_id: organization.id, batch_id: id };
  let piece = 0;
  let waiting: Items = [];

  async function store(length: number): Promise<void> {
    const items = JSON.stringify(waiting.slice(0, length));
    waiting = waiting.slice(length);
    await tx
      .insertInto('batch_items')
      .values({ ...key, piece: piece++, items })
      .execute();
  }

  return {
    id,
    async add(items: Items): Promise<void> {
      waiting = waiting.concat(items);
      while (waiting.length >= itemsPerPiece) await store(itemsPerPiece);
    },
    /** @returns how many items it has */
    async end(): Promise<number> {
      const count = piece * itemsPerPiece + waiting.length;
      if (waiting.length > 0) await store(waiting.length);
      return count;
    },
  };
}
