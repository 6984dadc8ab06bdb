import { believe, exactly, ifFound } from '../answers.ts';
import type { CarrierNumber, Page } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
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
 * The friendly name is all that Twilio keeps for us: it begins as our reference, and ends as the number's name. Only the
 * account's own numbers are listed; those of an account below it are its own affair.
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

/** A friendly name has at most so many characters. */
const nameMax = 64;

/** Only the name: Twilio has no tags. */
export async function editNumber(
  reach: Reach,
  id: string,
  edit: { name?: string; tags?: string[] },
): Promise<CarrierNumber> {
  const number = edit.name === undefined ? await getNumber(reach, id) : await rename(reach, id, edit.name);
  if (!number) throw new CarrierError('not_found', 'Twilio has no such number in the account');
  return number;
}

async function rename(reach: Reach, id: string, name: string): Promise<CarrierNumber> {
  const form = { FriendlyName: [...name].slice(0, nameMax).join('') };
  const call = { method: 'POST', path: numberPath(reach, id), form } as const;
  return believe(toNumber(reach, await reach.client(call, OneIncomingNumber)), { id }, 'outcome_unknown');
}

export const releaseNumber = (reach: Reach, id: string): Promise<void> =>
  ifFound(reach.client({ method: 'DELETE', path: numberPath(reach, id) }, nothing));
