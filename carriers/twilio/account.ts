import type { AccountFacts } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { accountPath, listNumbers, type Reach } from './numbers.ts';
import { Account, Balance } from './wire.ts';

/** With the account's own token. */
export async function checkAccount(reach: Reach): Promise<AccountFacts> {
  const call = { method: 'GET', path: `${accountPath(reach)}.json` } as const;
  const { sid, status } = await reach.client(call, Account);
  if (sid !== reach.accountSid)
    throw new CarrierError('transient', 'Twilio answered about another account than it was asked about');
  if (status !== 'active')
    throw new CarrierError('authentication_failed', 'Twilio says that the account is not active');
  return { account: sid, balance: await balanceOf(reach) };
}

/**
 * With an API key. Most keys may not look at the account itself
 * (https://www.twilio.com/docs/iam/api-keys/keys-in-console), so that the look is at what they are for.
 */
export async function checkKey(reach: Reach): Promise<AccountFacts> {
  await listNumbers(reach, 'PageSize=1');
  return { account: reach.accountSid, balance: await balanceOf(reach) };
}

/** An account below another one has no balance, and a key need not be allowed to see it. */
async function balanceOf(reach: Reach): Promise<AccountFacts['balance']> {
  try {
    const call = { method: 'GET', path: `${accountPath(reach)}/Balance.json` } as const;
    const { balance, currency } = await reach.client(call, Balance);
    return balance && currency ? { amount: balance, currency } : null;
  } catch (error) {
    const hidden = ['not_found', 'authentication_failed'];
    if (error instanceof CarrierError && hidden.includes(error.outcome)) return null;
    throw error;
  }
}
