import type { TestContext } from 'node:test';
import type { Carrier, Messaging } from '../carrier.ts';
import type { Fault } from '../sandbox/store.ts';

/** A number that the account owns from the beginning. */
export type Given = { phone_number: string; name?: string; tags?: string[]; reference?: string };

/**
 * The carrier's side, which the suite arranges and watches. Everything here happens there: nothing passes through the
 * carrier that is tested, and nothing is kept in it. What takes its time at the carrier (an order, an attachment) goes
 * on when it is looked at: pending at the first look, done at a later one.
 */
export type World = {
  /** Sees to it that the twenty numbers +1 AAA 555 0100 to 0119 are for sale. Other area codes have what they have. */
  stock(areaCode: string): Promise<void>;
  /** Sells a number to somebody else: it may still be in an answer to a search, and cannot be bought. */
  takeAway(phoneNumber: string): Promise<void>;
  /** Puts numbers into the account, in thousands if need be. */
  own(numbers: Given[]): Promise<void>;
  /** The E.164 of everything that the account owns now. */
  owned(): Promise<string[]>;
  /** How many times the account was charged for this number. */
  charges(phoneNumber: string): Promise<number>;
  /**
   * Makes the next `times` requests of this call go wrong. Resolves to false where the carrier's wire cannot say that
   * or carries no such thing, and the case is left out.
   *
   * `find` is every look-up of one number, purchase or attachment; `list` is `list()` alone; `buy` is the request that
   * buys and none before it. `unavailable` befalls an order: at once, or when it is looked at. `rate_limited` asks for
   * so short a pause (Retry-After: 0) that tests need not wait. `other_number` is done as it was asked, and answered
   * with another number and id, in an answer that is right otherwise; for a search, with offers of another area code.
   * `pending` makes a purchase an order that is still under way. `cut` leaves out the last pages of a list.
   */
  fault(fault: Fault): Promise<boolean>;
  /** Takes away what is left of the faults. */
  calm(): Promise<void>;
  /** Registrations at the carrier: one that numbers can be attached to, and one that takes none. */
  registrations: { open: Messaging; closed: Messaging };
};

/** What is tested. */
export type Subject = {
  /** Connected to the world; where that is a fake's, with the time-outs of `unhurried` (time-outs.ts). */
  carrier: Carrier;
  world: World;
  /** The same with credentials that are not right; where there are credentials. */
  stranger?: Carrier;
  /**
   * What no error may show: the credentials, in each form that they are sent in, and something that the world puts into
   * every error that it answers, beside the code and the short message that may be quoted.
   */
  secrets: string[];
  /** The carrier has no names of numbers, and passes over those that it is given. */
  nameless?: true;
};

/** Makes a new world and a carrier in it, and has them taken down with `t.after`. */
export type Make = (t: TestContext) => Subject | Promise<Subject>;
