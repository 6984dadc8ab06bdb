import type { Caller } from '../../../access/caller.ts';
import type { Db } from '../../../db/database.ts';
import { invalid, Problem, type ProblemCode } from '../../../errors.ts';
import { mapInPieces } from '../../../http/pieces/turns.ts';
import { assertValid, storable, unstorable, unstorableField } from '../../../http/validation.ts';
import { type Revision, reviseMany } from '../../../revisions/revise.ts';
import { readPhoneNumber } from '../../phone-number.ts';
import { storeBatch } from '../batches.ts';
import { writeStates } from '../changes.ts';
import { uniqueValues } from '../unique.ts';
import { findDestinations, findUsers, loadNumbers, locateNumbers } from './find.ts';
import {
  applyItem,
  type BulkContext,
  type BulkEvent,
  type BulkItem,
  editOf,
  type NumberInBulk,
} from './items.ts';
import { Item } from './schemas.ts';

export type BulkOptions = { items: BulkItem[]; atomic: boolean; dry_run: boolean; default_country: string };

export type BulkResult = {
  index: number;
  phone_number: string;
  done: boolean;
  code?: ProblemCode;
  error?: string;
};

/**
 * Applies the items in order. Each one sees what the items before it have changed. Each organization gets one revision,
 * whose one event names the batch.
 * @throws Problem `bulk_rejected` if `atomic` is set and an item was rejected; then nothing is changed
 */
export async function changeInBulk(db: Db, caller: Caller, options: BulkOptions): Promise<BulkResult[]> {
  const { atomic, dry_run, default_country } = options;
  const read = await mapInPieces(options.items, item => readItem(item, default_country));
  const right = read.flatMap(one => (one instanceof Problem ? [] : [one]));
  const items = right.map(({ item }) => item);
  const located = await locateNumbers(
    db,
    caller,
    right.map(({ e164 }) => e164),
  );
  const destinations = await findDestinations(db, caller, items);
  const organizationIds = new Set([
    ...located.map(number => number.organization_id),
    ...destinations.values(),
  ]);
  if (caller.ifMatch !== undefined && organizationIds.size > 1) {
    throw invalid('If-Match is the revision of one organization, and these items are about several');
  }
  return reviseMany(db, caller, [...organizationIds], async revisions => {
    const numbers = await loadNumbers(revisions, caller, located);
    const events = new Map<Revision, BulkEvent[]>();
    const context: BulkContext = {
      destinations,
      revisions,
      users: await findUsers([...revisions.values()], caller, items),
      uniqueValues: await uniqueValues([...revisions.values()][0]?.tx ?? db, caller, items.map(editOf)),
      record(revision, event) {
        const earlier = events.get(revision);
        if (earlier) earlier.push(event);
        else events.set(revision, [event]);
      },
    };
    const results = await mapInPieces(read, (one, index): BulkResult => {
      try {
        if (one instanceof Problem) throw one;
        const { e164, item } = one;
        const numberInBulk = numbers.get(e164);
        if (!numberInBulk) throw new Problem('number_not_found');
        applyItem(numberInBulk, item, context);
        return { index, phone_number: e164, done: true };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const { code, message } = error;
        return { index, phone_number: givenNumber(options.items[index]!), done: false, code, error: message };
      }
    });
    if (atomic && !dry_run) assertNoneRejected(results);
    if (!dry_run) {
      await writeNumbers(caller, [...numbers.values()]);
      for (const [revision, batch] of events) await recordBatch(revision, caller, batch);
    }
    return results;
  });
}

const quotedMax = 100;

/** The number as it was given. It may be anything, and is stored with the reply. */
function givenNumber({ phone_number }: { phone_number: unknown }): string {
  if (typeof phone_number === 'string') return storable(phone_number.slice(0, quotedMax));
  return storable(JSON.stringify(phone_number).slice(0, quotedMax));
}

/** @returns an item and its number in E.164, or what is wrong with its values */
function readItem(item: BulkItem, country: string): { item: BulkItem; e164: string } | Problem {
  const { phone_number }: { phone_number: unknown } = item;
  try {
    const field = unstorableField(item);
    if (field !== undefined) return unstorable(field);
    if (typeof phone_number !== 'string') return invalid('phone_number must be a string');
    const number = readPhoneNumber(phone_number, country);
    if (typeof number === 'string') return invalid(`phone_number ${number}`);
    assertValid(Item, item);
    return { item, e164: number.e164 };
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

function assertNoneRejected(results: BulkResult[]): void {
  const rejected = results.filter(result => !result.done).length;
  if (rejected === 0) return;
  const items = results.length === 1 ? 'item' : 'items';
  const were = rejected === 1 ? 'was' : 'were';
  const text = `${rejected} of ${results.length} ${items} ${were} rejected, so nothing was changed`;
  throw new Problem('bulk_rejected', text, undefined, { results });
}

async function writeNumbers(caller: Caller, numbers: NumberInBulk[]): Promise<void> {
  const changed = numbers.filter(number => number.before !== number.now);
  const moves = Map.groupBy(changed, ({ from, in: to }) => `${from.organization.id} ${to.organization.id}`);
  for (const group of moves.values()) {
    const { from, in: to } = group[0]!;
    const states = group.map(({ before, now }) => ({ before, after: now }));
    await writeStates(from, to, caller, states);
  }
}

/** Records one event that names the batch. The batch has the events that single calls would have recorded. */
async function recordBatch(revision: Revision, caller: Caller, events: BulkEvent[]): Promise<void> {
  const items = events.map(({ type, data }) => ({ type, ...data }));
  const batch_id = await storeBatch(revision, caller, items);
  revision.record('numbers.changed', { batch_id, count: events.length });
}
