import { digitsInCommon, inOneWriting } from '../../phone-numbers/phone-number.ts';
import { findExact, ifFound, verify } from '../answers.ts';
import type { CarrierNumber, Page } from '../carrier.ts';
import { type Api, type Client, nextQuery, nothing } from '../http.ts';
import { type IncomingNumber, IncomingNumbers, OneIncomingNumber } from './wire.ts';

// The numbers of an account: https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource

/** One account at Twilio, with a client that authenticates for it. */
export type TwilioAccount = { accountSid: string; api: Api; client: Client };

export const accountPath = ({ accountSid }: TwilioAccount) => `/2010-04-01/Accounts/${accountSid}`;
export const listPath = (account: TwilioAccount) => `${accountPath(account)}/IncomingPhoneNumbers.json`;
const numberPath = (account: TwilioAccount, id: string) =>
  `${accountPath(account)}/IncomingPhoneNumbers/${encodeURIComponent(id)}.json`;

/**
 * Twilio keeps one text for us, the friendly name. A purchase sets it to our reference; people rename the number in
 * Twilio's console. Twilio lists the account's own numbers only, not those of a subaccount.
 */
export const toNumber = (account: TwilioAccount, number: IncomingNumber): CarrierNumber => ({
  id: number.sid,
  phone_number: inOneWriting(number.phone_number),
  name: number.friendly_name || null,
  tags: [],
  reference: number.friendly_name || null,
  subaccount: number.account_sid === account.accountSid ? null : number.account_sid,
});

export async function findNumber(
  account: TwilioAccount,
  phoneNumber: string,
): Promise<CarrierNumber | undefined> {
  const found = await findIncoming(account, phoneNumber);
  return found && toNumber(account, found);
}

/** The number as Twilio shows it. */
export async function findIncoming(
  account: TwilioAccount,
  phoneNumber: string,
): Promise<IncomingNumber | undefined> {
  const call = {
    method: 'GET',
    path: listPath(account),
    query: { PhoneNumber: digitsInCommon(phoneNumber) },
  } as const;
  const { incoming_phone_numbers } = await account.client(call, IncomingNumbers);
  const numbers = incoming_phone_numbers.map(number => ({ number, ...toNumber(account, number) }));
  return findExact(numbers, phoneNumber)?.number;
}

export async function getNumber(account: TwilioAccount, id: string): Promise<CarrierNumber | undefined> {
  const call = { method: 'GET', path: numberPath(account, id) } as const;
  const number = await ifFound(account.client(call, OneIncomingNumber));
  return number && verify(toNumber(account, number), { id }, 'transient');
}

/**
 * One page of the account's numbers, of the largest size that Twilio allows.
 *
 * @param next the query of Twilio's link to the page
 */
export async function listNumbers(account: TwilioAccount, next = 'PageSize=1000'): Promise<Page> {
  const path = listPath(account);
  const query = new URLSearchParams(next);
  const page = await account.client({ method: 'GET', path, query }, IncomingNumbers);
  const link = page.next_page_uri;
  return {
    numbers: page.incoming_phone_numbers.map(number => toNumber(account, number)),
    next: link ? nextQuery(account.api, path, link) : null,
    total: null,
  };
}

export const releaseNumber = (account: TwilioAccount, id: string): Promise<void> =>
  ifFound(account.client({ method: 'DELETE', path: numberPath(account, id) }, nothing));
