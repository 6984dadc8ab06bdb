import { verify } from '../answers.ts';
import type { Purchase } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { isReference } from '../reference.ts';
import { findIncoming, findNumber, listPath, type TwilioAccount, toNumber } from './numbers.ts';
import { OneIncomingNumber } from './wire.ts';

/**
 * Looks the number up before it buys. If the account has the number already, Twilio answers a purchase with 201, sets
 * the new name and charges nothing, so one number could be bought twice.
 *
 * It always names the number. With an area code instead, a second call would buy a second number.
 */
export async function buy(
  account: TwilioAccount,
  phoneNumber: string,
  reference: string,
  begin?: () => void,
): Promise<Purchase> {
  const before = await findNumber(account, phoneNumber);
  if (before?.reference === reference) return { state: 'owned', number: before };
  if (before) throw new CarrierError('unavailable', 'The number is in the account already');
  const form = { PhoneNumber: phoneNumber, FriendlyName: reference };
  const call = { method: 'POST', path: listPath(account), form, begin } as const;
  const bought = await account.client(call, OneIncomingNumber);
  const number = verify(toNumber(account, bought), { phone_number: phoneNumber }, 'outcome_unknown');
  return { state: 'owned', number };
}

/** Twilio's clock and ours may differ by so much. */
const clocksMs = 60_000;
/** A number that came this long before the purchase is another one. No clocks differ by a day. */
const certainMs = 86_400_000;

/**
 * The friendly name is the reference, until somebody renames the number, which may be before the outcome is known. buy()
 * has seen that the number was not in the account. So a number that came since is this purchase, unless its
 * name is another reference of ours. Then it is that purchase.
 *
 * @throws CarrierError `outcome_unknown` if Twilio does not say clearly when the number came. Nothing else is bought
 *   then, until somebody gives the number the reference as its name, or releases it
 */
export async function findPurchase(
  account: TwilioAccount,
  phoneNumber: string,
  reference: string,
  attemptedAt?: Date,
): Promise<Purchase | undefined> {
  const found = await findIncoming(account, phoneNumber);
  if (!found) return undefined;
  const number = toNumber(account, found);
  const purchase: Purchase = { state: 'owned', number: { ...number, reference } };
  if (number.reference === reference) return purchase;
  if (!attemptedAt || isReference(number.reference ?? '')) return undefined;
  // To the second, as Twilio's date is.
  const before = Math.trunc(attemptedAt.getTime() / 1000) * 1000 - Date.parse(found.date_created ?? '');
  if (before <= clocksMs) return purchase;
  if (before > certainMs) return undefined;
  throw new CarrierError(
    'outcome_unknown',
    `The account has the number under another name, and it is not clear since when: if it was bought as ${reference}, give it that name`,
  );
}
