import type { AccountFacts } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { accountPath, listNumbers, type TwilioAccount } from './numbers.ts';
import { Account, Balance } from './wire.ts';

/** Checks the account's own token. */
export async function checkAccount(account: TwilioAccount): Promise<AccountFacts> {
  const call = { method: 'GET', path: `${accountPath(account)}.json` } as const;
  const { sid, status } = await account.client(call, Account);
  if (sid !== account.accountSid)
    throw new CarrierError('transient', 'Twilio answered about another account');
  if (status !== 'active')
    throw new CarrierError('authentication_failed', 'Twilio says that the account is not active');
  return { account: sid, balance: await balanceOf(account) };
}

/**
 * Checks an API key. Most keys may not read the account itself
 * (https://www.twilio.com/docs/iam/api-keys/keys-in-console), so this reads its numbers.
 */
export async function checkKey(account: TwilioAccount): Promise<AccountFacts> {
  await listNumbers(account, 'PageSize=1');
  return { account: account.accountSid, balance: await balanceOf(account) };
}

/** A subaccount has no balance, and a key may be forbidden to see it. */
async function balanceOf(account: TwilioAccount): Promise<AccountFacts['balance']> {
  try {
    const call = { method: 'GET', path: `${accountPath(account)}/Balance.json` } as const;
    const { balance, currency } = await account.client(call, Balance);
    return balance && currency ? { amount: balance, currency } : null;
  } catch (error) {
    const hidden = ['not_found', 'authentication_failed'];
    if (error instanceof CarrierError && hidden.includes(error.outcome)) return null;
    throw error;
  }
}
