import { inOneWriting } from '../../phone-numbers/phone-number.ts';
import type { Attachment, Messaging } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { isForSale } from './stock.ts';
import type { Book, BookedNumber, Fault } from './store.ts';

// The operations of the sandbox, as functions on an account's book. A function that throws has changed nothing.

const pageSize = 100;

export function sell(book: Book, phoneNumber: string, reference: string, ordering: boolean): BookedNumber {
  if (!isForSale(book, phoneNumber)) throw new CarrierError('unavailable', 'The number is not for sale');
  const number: BookedNumber = {
    id: nextId(book, 'number'),
    phone_number: phoneNumber,
    name: null,
    tags: [],
    reference,
    charges: [nextId(book, 'charge')],
    ordering,
    released: false,
    attachment: null,
  };
  book.numbers.push(number);
  return number;
}

/** The numbers that the account owns now. */
export const owned = (book: Book): BookedNumber[] => book.numbers.filter(number => !number.released);

export const byNumber = (book: Book, phoneNumber: string): BookedNumber | undefined =>
  owned(book).find(number => inOneWriting(number.phone_number) === phoneNumber);

export const byId = (book: Book, id: string): BookedNumber | undefined =>
  owned(book).find(number => number.id === id);

/** @throws CarrierError `not_found` */
export function requireNumber(book: Book, id: string): BookedNumber {
  const number = byId(book, id);
  if (!number) throw new CarrierError('not_found', 'The account has no such number');
  return number;
}

/** One page of the account's numbers, after the last number of the page before. */
export function pageOf(
  book: Book,
  next: string | undefined,
): { numbers: BookedNumber[]; next: string | null; total: number } {
  const after = next === undefined ? 0 : Number(next);
  const all = owned(book);
  const rest = all.filter(number => sequenceOf(number) > after);
  const numbers = rest.slice(0, pageSize);
  return {
    numbers,
    next: rest.length > numbers.length ? String(sequenceOf(numbers.at(-1)!)) : null,
    total: all.length,
  };
}

/** Ids count up, so a page can begin after an id even if that number is gone. */
const sequenceOf = ({ id }: BookedNumber): number => Number(id.split('-').at(-1));

/** The state of the number's order. A pending order is complete at the next look-up. */
export function advanceOrder(number: BookedNumber): 'pending' | 'owned' {
  const state = number.ordering ? 'pending' : 'owned';
  number.ordering = false;
  return state;
}

/**
 * Attaches the number at once. A service or campaign named `rejected…` takes no number. In one named `pending…` the
 * attachment is pending until its first look-up. A number that is attached there already stays as it is.
 */
export function attach(number: BookedNumber, to: Messaging): Attachment {
  if (isAttachedTo(number, to)) return advanceAttachment(number, to);
  const is = (name: string) => [to.service, to.campaign].some(part => part?.startsWith(name));
  const state = is('rejected') ? 'failed' : is('pending') ? 'pending' : 'attached';
  number.attachment = { ...to, state };
  return explained(state);
}

/** Takes the number off these registrations, unless it is attached to `to`. */
export function detach(number: BookedNumber, from: string[], to: Messaging): void {
  const { attachment } = number;
  if (!attachment || isAttachedTo(number, to)) return;
  const isNamed = (name: string | null) => name !== null && from.includes(name);
  if (isNamed(attachment.service) || isNamed(attachment.campaign)) number.attachment = null;
}

/** The state of the attachment. A pending one is complete at the next look-up. */
export function advanceAttachment(number: BookedNumber, to: Messaging): Attachment {
  if (!number.attachment || !isAttachedTo(number, to)) return { state: 'none' };
  const { state } = number.attachment;
  if (state === 'pending') number.attachment.state = 'attached';
  return explained(state);
}

const explained = (state: 'pending' | 'attached' | 'failed'): Attachment =>
  state === 'failed' ? { state, reason: 'The sandbox rejects names that begin with “rejected”' } : { state };

const isAttachedTo = ({ attachment }: BookedNumber, to: Messaging): boolean =>
  attachment?.service === to.service && attachment?.campaign === to.campaign;

/** The fault that hits this call; it uses one of the fault's `times`. */
export function takeFault(book: Book, call: Fault['call']): Fault['kind'] | undefined {
  const fault = book.faults.find(fault => fault.call === call);
  if (!fault) return undefined;
  fault.times -= 1;
  book.faults = book.faults.filter(fault => fault.times > 0);
  return fault.kind;
}

function nextId(book: Book, what: string): string {
  book.sequence += 1;
  return `sandbox-${what}-${book.sequence}`;
}
