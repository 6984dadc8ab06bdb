import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import { Problem, translateViolations } from '../../errors.ts';
import { type Arrival, arrivalOf, insertNumbers } from '../../numbers/life/arrivals.ts';
import { storeBatch } from '../../numbers/life/batches.ts';
import { applyChanges, eventOf, writeStates } from '../../numbers/life/changes.ts';
import { link, type NumberState } from '../../numbers/life/rules.ts';
import { defaultCountry, readPhoneNumber } from '../../numbers/phone-number.ts';
import type { Revision } from '../../revisions/revise.ts';

/** A number as the carrier lists it. */
export type AtCarrier = {
  account_id: string;
  phone_number: string;
  carrier_number_id: string;
  name: string | null;
  tags: string[];
};

/** An existing number and its id at the carrier. */
export type Linked = { number: NumberState; carrier: { account_id: string; number_id: string } };

const constraintProblems = {
  phone_numbers_carrier_key: () =>
    new Problem('number_taken', 'Another number has the same id at the carrier'),
};

/**
 * Adds and links numbers in one organization, and records one event for the batch. The organization may be suspended:
 * the numbers are already paid for, and its status only decides whether they can be assigned.
 */
export async function adoptNumbers(
  revision: Revision,
  caller: Caller,
  account_id: string,
  { adopted, linked }: { adopted: Arrival[]; linked: Linked[] },
): Promise<void> {
  if (adopted.length > 0)
    await translateViolations(constraintProblems, insertNumbers(revision, caller, adopted));
  const changes = linked.map(({ number, carrier }) => ({ number, step: link(carrier) }));
  await writeStates(
    revision,
    revision,
    caller,
    changes.map(({ number, step }) => ({ before: number, after: { ...number, ...step.set } })),
  );
  await startWeeklyFee(revision, caller, linked);
  const links = changes.flatMap(change => {
    const event = eventOf(change);
    return event ? [{ type: event.type, ...event.data }] : [];
  });
  const items = [...adopted.map(arrivalOf), ...links];
  if (items.length === 0) return;
  const batch_id = await storeBatch(revision, caller, items);
  revision.record('numbers.adopted', { batch_id, count: items.length, carrier_account_id: account_id });
}

/** Links one existing number, with an event of its own. */
export async function linkNumber(revision: Revision, caller: Caller, linked: Linked): Promise<void> {
  const { number, carrier } = linked;
  if (number.leaving) throw new Problem('number_leaving');
  await translateViolations(
    constraintProblems,
    applyChanges(revision, caller, [{ number, step: link(carrier) }]),
  );
  await startWeeklyFee(revision, caller, [linked]);
}

/** Starts the weekly fee, which numbers of a carrier account have. A fee that already runs keeps its dates. */
async function startWeeklyFee({ tx, at }: Revision, caller: Caller, linked: Linked[]): Promise<void> {
  if (linked.length === 0) return;
  const ids = linked.map(({ number }) => number.id);
  await sql`
    update phone_numbers set next_fee_at = ${at}
    where tenant_id = ${caller.tenantId} and id = any(${ids}::uuid[]) and next_fee_at is null`.execute(tx);
}

const nicknameMax = 200;
const tagsMax = 50;

/** Builds the record for a number at the carrier. Keeps the name and the tags that are valid here. */
export function arrivalFrom(number: AtCarrier): Arrival {
  const read = readPhoneNumber(number.phone_number, defaultCountry);
  if (typeof read === 'string') throw new Problem('invalid_request', `phone_number ${read}`);
  return {
    id: randomUUIDv7(),
    number: read,
    user: undefined,
    carrier: { account_id: number.account_id, number_id: number.carrier_number_id },
    values: { nickname: nicknameFrom(number), tags: tagsFrom(number.tags) },
  };
}

/** Ignores a name that only repeats the digits: carriers use it as the default. */
function nicknameFrom({ name, phone_number }: AtCarrier): string | null {
  const text = name?.trim() ?? '';
  const digits = text.replace(/[\s().+-]/g, '');
  if (/^\d{7,}$/.test(digits) && phone_number.endsWith(digits)) return null;
  return text.slice(0, nicknameMax).toWellFormed() || null;
}

const tagsFrom = (tags: string[]): string[] =>
  [...new Set(tags)]
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the API rejects these characters too
    .filter(tag => /^[^\x00-\x1f,]{1,60}$/.test(tag))
    .sort()
    .slice(0, tagsMax);
