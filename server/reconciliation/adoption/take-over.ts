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

/** A number that the carrier has for us, as it says. */
export type AtCarrier = {
  account_id: string;
  phone_number: string;
  carrier_number_id: string;
  name: string | null;
  tags: string[];
};

/** A number that is here already, and the carrier's id of it. */
export type Linked = { number: NumberState; carrier: { account_id: string; number_id: string } };

const constraintProblems = {
  phone_numbers_carrier_key: () =>
    new Problem('number_taken', 'Another number has the same id at the carrier'),
};

/**
 * Takes numbers over into an organization, whatever its standing: they are there and paid for, and only whether they
 * are handed out hangs on it. One event names the batch of all of them.
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
  await chargeFromNowOn(revision, caller, linked);
  const links = changes.flatMap(change => {
    const event = eventOf(change);
    return event ? [{ type: event.type, ...event.data }] : [];
  });
  const items = [...adopted.map(arrivalOf), ...links];
  if (items.length === 0) return;
  const batch_id = await storeBatch(revision, caller, items);
  revision.record('numbers.adopted', { batch_id, count: items.length, carrier_account_id: account_id });
}

/** Links one number that is here already, as a step of its own. */
export async function linkNumber(revision: Revision, caller: Caller, linked: Linked): Promise<void> {
  const { number, carrier } = linked;
  if (number.leaving) throw new Problem('number_leaving');
  await translateViolations(
    constraintProblems,
    applyChanges(revision, caller, [{ number, step: link(carrier) }]),
  );
  await chargeFromNowOn(revision, caller, [linked]);
}

/** Numbers of a carrier account are charged for by the week; those that were already go on as they are. */
async function chargeFromNowOn({ tx, at }: Revision, caller: Caller, linked: Linked[]): Promise<void> {
  if (linked.length === 0) return;
  const ids = linked.map(({ number }) => number.id);
  await sql`
    update phone_numbers set next_fee_at = ${at}
    where tenant_id = ${caller.tenantId} and id = any(${ids}::uuid[]) and next_fee_at is null`.execute(tx);
}

const nicknameMax = 200;
const tagsMax = 50;

/** How a number comes in: with its tags, as far as ours can be so, and with its name, if that is one. */
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

/** Carriers call a number by its digits until somebody gives it a name: that is none. */
function nicknameFrom({ name, phone_number }: AtCarrier): string | null {
  const text = name?.trim() ?? '';
  const digits = text.replace(/[\s().+-]/g, '');
  if (/^\d{7,}$/.test(digits) && phone_number.endsWith(digits)) return null;
  return text.slice(0, nicknameMax).toWellFormed() || null;
}

const tagsFrom = (tags: string[]): string[] =>
  [...new Set(tags)]
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what the API does not take either
    .filter(tag => /^[^\x00-\x1f,]{1,60}$/.test(tag))
    .sort()
    .slice(0, tagsMax);
