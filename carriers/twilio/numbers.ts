import { believe, exactly, ifFound } from '../answers.ts';
import type { CarrierNumber, Page } from '../carrier.ts';
import { type Api, type Client, nextQuery, nothing } from '../http.ts';
import { type IncomingNumber, IncomingNumbers, OneIncomingNumber } from './wire.ts';

// What an account has: https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource

/** One account at Twilio, and the way to it. */
export type Reach = { accountSid: string; api: Api; client: Client };

export const accountPath = ({ accountSid }: Reach) => `/2010-04-01/Accounts/${accountSid}`;
export const listPath = (reach: Reach) => `${accountPath(reach)}/IncomingPhoneNumbers.json`;
const numberPath = (reach: Reach, id: string) =>
  `${accountPath(reach)}/IncomingPhoneNumbers/${encodeURIComponent(id)}.json`;

/**
 * Twilio keeps one text for us, the friendly name. A purchase sets it to our reference; people rename the number in
 * Twilio's console. Twilio lists the account's own numbers only, not those of a subaccount.
 */
export const toNumber = (reach: Reach, number: IncomingNumber): CarrierNumber => ({
  id: number.sid,
  phone_number: number.phone_number,
  name: number.friendly_name || null,
  tags: [],
  reference: number.friendly_name || null,
  subaccount: number.account_sid === reach.accountSid ? null : number.account_sid,
});

export async function findNumber(reach: Reach, phoneNumber: string): Promise<CarrierNumber | undefined> {
  const call = { method: 'GET', path: listPath(reach), query: { PhoneNumber: phoneNumber } } as const;
  const { incoming_phone_numbers } = await reach.client(call, IncomingNumbers);
  const found = exactly(incoming_phone_numbers, phoneNumber);
  return found && toNumber(reach, found);
}

export async function getNumber(reach: Reach, id: string): Promise<CarrierNumber | undefined> {
  const call = { method: 'GET', path: numberPath(reach, id) } as const;
  const number = await ifFound(reach.client(call, OneIncomingNumber));
  return number && believe(toNumber(reach, number), { id }, 'transient');
}

/**
 * One page of everything that the account has, the largest that Twilio gives.
 * @param next the query of Twilio's link to it
 */
export async function listNumbers(reach: Reach, next = 'PageSize=1000'): Promise<Page> {
  const path = listPath(reach);
  const query = new URLSearchParams(next);
  const page = await reach.client({ method: 'GET', path, query }, IncomingNumbers);
  const link = page.next_page_uri;
  return {
    numbers: page.incoming_phone_numbers.map(number => toNumber(reach, number)),
    next: link ? nextQuery(reach.api, path, link) : null,
    total: null,
  };
}

export const releaseNumber = (reach: Reach, id: string): Promise<void> =>
  ifFound(reach.client({ method: 'DELETE', path: numberPath(reach, id) }, nothing));
