import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Carrier, CarrierNumber, Purchase } from '../carrier.ts';
import { CarrierError, type Outcome, outcomes } from '../errors.ts';
import type { Fault } from '../sandbox/store.ts';
import type { Make, Subject, World } from './world.ts';

/** Enough `times` for a fault to last through a test. */
export const always = 1000;

/** A new subject. Each of its errors must be a CarrierError and must show none of the secrets. */
export async function open(t: TestContext, make: Make): Promise<Subject> {
  const subject = await make(t);
  const { carrier, stranger, secrets } = subject;
  return {
    ...subject,
    carrier: watched(carrier, secrets),
    ...(stranger && { stranger: watched(stranger, secrets) }),
  };
}

function watched(carrier: Carrier, secrets: string[]): Carrier {
  const calls = Object.entries(carrier).map(([name, call]) => [
    name,
    async (...args: unknown[]) => {
      try {
        return await (call as (...args: unknown[]) => unknown).apply(carrier, args);
      } catch (error) {
        assertPresentable(error, secrets);
        throw error;
      }
    },
  ]);
  return Object.fromEntries(calls);
}

function assertPresentable(error: unknown, secrets: string[]): asserts error is CarrierError {
  if (!(error instanceof CarrierError))
    throw new Error('A carrier throws CarrierError only', { cause: error });
  assert.ok(outcomes.includes(error.outcome), `${error.outcome} is an outcome`);
  assert.notEqual(error.message, '');
  const shown = inspect(error, { depth: null, showHidden: true, maxStringLength: null });
  for (const secret of secrets) assert.ok(!shown.includes(secret), 'an error shows a secret');
}

/** `done`, or the outcome of the error that the call throws. */
export async function outcomeOf(call: Promise<unknown>): Promise<Outcome | 'done'> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (error instanceof CarrierError) return error.outcome;
    throw error;
  }
}

/** The name that the carrier shows for a number of this name. */
export const held = ({ nameless }: Subject, name: string): string | null => (nameless ? null : name);

/** A number that the carrier offers in the area code. */
export async function offered({ carrier, world }: Subject, areaCode: string): Promise<string> {
  await world.stock(areaCode);
  const [offer] = await carrier.search({ country: 'US', area_code: areaCode, limit: 1 });
  assert.ok(offer, `the carrier offers a number in ${areaCode}`);
  return offer.phone_number;
}

/** Buys a number and looks the order up until it is complete. */
export async function bought(
  { carrier }: Subject,
  phoneNumber: string,
  reference: string,
): Promise<CarrierNumber> {
  return awaited(carrier, phoneNumber, reference, await carrier.buy(phoneNumber, reference));
}

/** Looks a purchase up until it is complete; undefined if the carrier knows of none. */
export async function foundPurchase(
  { carrier }: Subject,
  phoneNumber: string,
  reference: string,
): Promise<CarrierNumber | undefined> {
  const found = await carrier.findPurchase(phoneNumber, reference);
  return found && awaited(carrier, phoneNumber, reference, found);
}

async function awaited(
  carrier: Carrier,
  phoneNumber: string,
  reference: string,
  first: Purchase,
): Promise<CarrierNumber> {
  let purchase: Purchase | undefined = first;
  while (purchase?.state === 'pending') {
    await sleep(1);
    purchase = await carrier.findPurchase(phoneNumber, reference);
  }
  assert.ok(purchase, 'a purchase that was pending is not forgotten');
  assert.equal(purchase.number.phone_number, phoneNumber);
  assert.equal(purchase.number.reference, reference);
  return purchase.number;
}

/** A number that we have bought in the area code. */
export async function ours(subject: Subject, areaCode: string): Promise<CarrierNumber> {
  return bought(subject, await offered(subject, areaCode), `purchase-in-${areaCode}`);
}

/** Sets each fault in turn and removes it after its turn. Leaves out faults that the carrier cannot have. */
export async function* faultsThatCan(
  t: TestContext,
  world: World,
  call: Fault['call'],
  kinds: Fault['kind'][],
  times: number,
): AsyncGenerator<Fault['kind']> {
  for (const kind of kinds) {
    if (await world.fault({ call, kind, times })) yield kind;
    else t.diagnostic(`left out: this carrier cannot be made to answer ${call} with ${kind}`);
    await world.calm();
  }
}
