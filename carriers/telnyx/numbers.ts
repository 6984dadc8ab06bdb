import { digitsInCommon, inOneWriting } from '../../phone-numbers/phone-number.ts';
import { findExact, ifFound, verify } from '../answers.ts';
import type { CarrierNumber, Page } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import type { Client } from '../http.ts';
import { OnePhoneNumber, type PhoneNumber, PhoneNumbers, ReleasedNumber } from './wire.ts';

/** States of listed numbers that the account does not own, or no longer owns. */
const notOurs = new Set([
  'purchase-pending',
  'purchase-failed',
  'port-pending',
  'port-failed',
  'ported-out',
  'deleted',
]);

/** Telnyx also lists short codes, which are not E.164. */
const isOurs = (record: PhoneNumber) =>
  !notOurs.has(record.status) && /^\+[1-9]\d{6,14}$/.test(record.phone_number);

/** Telnyx has no names for numbers. An account does not see the accounts that it manages. */
const toNumber = (record: PhoneNumber): CarrierNumber => ({
  id: record.id,
  phone_number: inOneWriting(record.phone_number),
  name: null,
  tags: record.tags,
  reference: record.customer_reference || null,
  subaccount: null,
});

const pathOf = (id: string) => `/phone_numbers/${encodeURIComponent(id)}`;

export async function findNumber(client: Client, phoneNumber: string): Promise<CarrierNumber | undefined> {
  // The filter takes digits only, and also finds longer numbers that contain them.
  const query = { 'filter[phone_number]': digitsInCommon(phoneNumber), 'page[size]': '250' };
  const { data } = await client({ method: 'GET', path: '/phone_numbers', query }, PhoneNumbers);
  return findExact(data.filter(isOurs).map(toNumber), phoneNumber);
}

export async function getNumber(client: Client, id: string): Promise<CarrierNumber | undefined> {
  const answer = await ifFound(client({ method: 'GET', path: pathOf(id) }, OnePhoneNumber));
  if (!answer) return undefined;
  const record = verify(answer.data, { id }, 'transient');
  return isOurs(record) ? toNumber(record) : undefined;
}

const pageSize = 250;

/**
 * One page of the account's numbers, sorted by number. In any other order, equal numbers could change places between
 * two pages.
 *
 * @param next the page's number, and how many records before it were not ours
 */
export async function listNumbers(client: Client, next: string | undefined): Promise<Page> {
  const [page = 1, passedBefore = 0] = next === undefined ? [] : next.split(' ').map(Number);
  const query = { 'page[size]': `${pageSize}`, 'page[number]': `${page}`, sort: 'phone_number' };
  const { data, meta } = await client({ method: 'GET', path: '/phone_numbers', query }, PhoneNumbers);
  if (meta.page_number !== page)
    throw new CarrierError('transient', 'Telnyx answered with another page than we asked for');
  const numbers = data.filter(isOurs).map(toNumber);
  const passed = passedBefore + data.length - numbers.length;
  return {
    numbers,
    next: page < meta.total_pages ? `${page + 1} ${passed}` : null,
    // Telnyx's count includes records that are not ours, so with any of those we know no total.
    total: passed === 0 ? meta.total_results : null,
  };
}

export async function changeNumber(
  client: Client,
  id: string,
  json: { tags?: string[]; customer_reference?: string },
): Promise<CarrierNumber> {
  const { data } = await client({ method: 'PATCH', path: pathOf(id), json }, OnePhoneNumber);
  return toNumber(verify(data, { id }, 'outcome_unknown'));
}

export async function releaseNumber(client: Client, id: string): Promise<void> {
  const answer = await ifFound(client({ method: 'DELETE', path: pathOf(id) }, ReleasedNumber));
  if (answer) verify(answer.data, { id }, 'outcome_unknown');
}
