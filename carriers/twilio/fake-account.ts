import { isTollFree } from '../../phone-numbers/toll-free.ts';
import type { GivenNumber } from '../testing/world.ts';

/** A number of the account. `service` is its Messaging Service. */
export type FakeNumber = {
  sid: string;
  phone_number: string;
  friendly_name: string;
  service: string | null;
  created: Date;
};

/** The fake Twilio's account. */
export type FakeAccount = {
  status: 'active' | 'suspended';
  /** By E.164, the oldest first. */
  numbers: Map<string, FakeNumber>;
  forSale: Set<string>;
  /** The E.164 of each purchase. */
  charges: string[];
};

export const createAccount = (): FakeAccount => ({
  status: 'active',
  numbers: new Map(),
  forSale: new Set(),
  charges: [],
});

let sids = 0;

export function own(account: FakeAccount, { phone_number, name, reference }: GivenNumber): FakeNumber {
  const sid = `PN${(++sids).toString(16).padStart(32, '0')}`;
  const friendly_name = name ?? reference ?? phone_number;
  const number = { sid, phone_number, friendly_name, service: null, created: new Date() };
  account.numbers.set(phone_number, number);
  account.forSale.delete(phone_number);
  return number;
}

/** Puts +1 AAA 555 0100 to 0119 up for sale, without those that the account has. */
export function stock(account: FakeAccount, areaCode: string): void {
  for (let line = 100; line < 120; line++) {
    const phoneNumber = `+1${areaCode}5550${line}`;
    if (!account.numbers.has(phoneNumber)) account.forSale.add(phoneNumber);
  }
}

export const bySid = (account: FakeAccount, sid: string | null | undefined): FakeNumber | undefined =>
  [...account.numbers.values()].find(number => number.sid === sid);

/** @param contains digits anywhere in the number; after a `+`, its first digits; before a `$`, its last ones */
export function forSale(
  account: FakeAccount,
  tollFree: boolean,
  areaCode: string | null,
  contains: string | null,
): string[] {
  const pattern = new RegExp((contains ?? '').replace('+', '^\\+'));
  const fits = (phoneNumber: string) =>
    isTollFree(phoneNumber) === tollFree &&
    phoneNumber.startsWith(`+1${areaCode ?? ''}`) &&
    pattern.test(phoneNumber);
  return [...account.forSale].filter(fits);
}
