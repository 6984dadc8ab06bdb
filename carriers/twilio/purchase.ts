import { verify } from '../answers.ts';
import type { Purchase } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { findNumber, listPath, type TwilioAccount, toNumber } from './numbers.ts';
import { OneIncomingNumber } from './wire.ts';

/**
 * Looks the number up before it buys. If the account has the number already, Twilio answers a purchase with 201, sets
 * the new name and charges nothing, so one number could be bought twice.
 *
 * It always names the number. With an area code instead, a second call would buy a second number.
 */
export async function buy(account: TwilioAccount, phoneNumber: string, reference: string): Promise<Purchase> {
  const before = await findNumber(account, phoneNumber);
  if (before?.reference === reference) return { state: 'owned', number: before };
  if (before) throw new CarrierError('unavailable', 'The number is in the account already');
  const form = { PhoneNumber: phoneNumber, FriendlyName: reference };
  const bought = await account.client({ method: 'POST', path: listPath(account), form }, OneIncomingNumber);
  const number = verify(toNumber(account, bought), { phone_number: phoneNumber }, 'outcome_unknown');
  return { state: 'owned', number };
}

/** The friendly name is the reference until people rename the number, which they do long after the purchase is settled. */
export async function findPurchase(
  account: TwilioAccount,
  phoneNumber: string,
  reference: string,
): Promise<Purchase | undefined> {
  const number = await findNumber(account, phoneNumber);
  return number?.reference === reference ? { state: 'owned', number } : undefined;
}
