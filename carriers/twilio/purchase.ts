import { believe } from '../answers.ts';
import type { Purchase } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { findNumber, listPath, type Reach, toNumber } from './numbers.ts';
import { OneIncomingNumber } from './wire.ts';

/**
 * Looks before it buys: Twilio answers 201 to the purchase of a number that the account has, gives it the new name and
 * charges nothing, and so would let one number be bought twice.
 *
 * Exactly this number: with an area code in its place, a second call would take a second number.
 */
export async function buy(reach: Reach, phoneNumber: string, reference: string): Promise<Purchase> {
  const before = await findNumber(reach, phoneNumber);
  if (before?.reference === reference) return { state: 'owned', number: before };
  if (before) throw new CarrierError('unavailable', 'The number is in the account already');
  const form = { PhoneNumber: phoneNumber, FriendlyName: reference };
  const bought = await reach.client({ method: 'POST', path: listPath(reach), form }, OneIncomingNumber);
  const number = believe(toNumber(reach, bought), { phone_number: phoneNumber }, 'outcome_unknown');
  return { state: 'owned', number };
}

/** The friendly name is the reference until people rename the number, which they do long after the purchase is settled. */
export async function findPurchase(
  reach: Reach,
  phoneNumber: string,
  reference: string,
): Promise<Purchase | undefined> {
  const number = await findNumber(reach, phoneNumber);
  return number?.reference === reference ? { state: 'owned', number } : undefined;
}
