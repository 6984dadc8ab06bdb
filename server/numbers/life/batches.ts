import { randomUUIDv7 } from 'node:crypto';
import type { Caller } from '../../access/caller.ts';
import { giveWay, mustGiveWay } from '../../http/pieces/turns.ts';
import type { Revision } from '../../revisions/revise.ts';

/** The most items that one row of batch_items has. */
export const itemsPerPiece = 1000;
/** A row with as much JSON is full, even if it has fewer items. */
const pieceLengthMax = 1_048_576;

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
  let count = 0;
  let waiting = 0;
  let json = '';

  async function store(): Promise<void> {
    const items = `${json}]`;
    [waiting, json] = [0, ''];
    await tx
      .insertInto('batch_items')
      .values({ ...key, piece: piece++, items })
      .execute();
  }

  return {
    id,
    async add(items: Items): Promise<void> {
      for (const item of items) {
        if (mustGiveWay()) await giveWay();
        json += (json === '' ? '[' : ',') + JSON.stringify(item);
        count++;
        if (++waiting === itemsPerPiece || json.length >= pieceLengthMax) await store();
      }
    },
    /** @returns how many items it has */
    async end(): Promise<number> {
      if (waiting > 0) await store();
      return count;
    },
  };
}
