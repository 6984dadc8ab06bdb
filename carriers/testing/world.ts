import type { TestContext } from 'node:test';
import type { Carrier, Messaging } from '../carrier.ts';
import type { Fault } from '../sandbox/store.ts';

/** A number that the account owns before the test begins. */
export type GivenNumber = { phone_number: string; name?: string; tags?: string[]; reference?: string };

/**
 * The carrier's side. The suite arranges and watches it directly, not through the adapter under test. An order or an
 * attachment that takes time is pending at its first look-up and complete at a later one.
 */
export type World = {
  /** Puts the twenty numbers +1 AAA 555 0100 to 0119 up for sale, toll-free or not. Others stay as they are. */
  stock(areaCode: string): Promise<void>;
  /** Sells a number to somebody else. A search may still find it, but it cannot be bought. */
  takeAway(phoneNumber: string): Promise<void>;
  /** Puts numbers into the account, thousands if needed. */
  own(numbers: GivenNumber[]): Promise<void>;
  /** The E.164 of each number that the account owns now. */
  owned(): Promise<string[]>;
  /** How often the account was charged for the number. */
  charges(phoneNumber: string): Promise<number>;
  /**
   * Makes the next `times` requests of this call go wrong, as sandbox/store.ts describes. Resolves to false if the
   * carrier cannot have the fault; the suite then leaves the case out.
   *
   * - `find` is every look-up of one number, purchase or attachment; `list` is `list()` only; `buy` is the request that
   *   buys, without requests before it.
   * - `unavailable` refuses an order, at once or at its look-up.
   * - `rate_limited` answers `Retry-After: 0`, so that tests need not wait.
   * - `other_number` changes number and id in an answer that is right otherwise. A search gets offers of another area
   *   code.
   * - `cut` leaves out the last pages of a list.
   */
  fault(fault: Fault): Promise<boolean>;
  /** Removes all remaining faults. */
  calm(): Promise<void>;
  /** Registrations at the carrier. Numbers can be attached to `open`; `closed` takes none. */
  registrations: { open: Messaging; closed: Messaging };
};

/** The adapter under test and its world. */
export type Subject = {
  /** Connected to the world; to a fake, with the time-outs of `unhurried` (time-outs.ts). */
  carrier: Carrier;
  world: World;
  /** The same with wrong credentials, if the kind has credentials. */
  stranger?: Carrier;
  /**
   * Texts that no error may show: the credentials in each form in which they are sent, and a text that the world puts
   * into every error body beside the code and the short message.
   */
  secrets: string[];
  /** The carrier keeps no names of numbers. */
  nameless?: true;
  /** The carrier keeps no tags of numbers. */
  tagless?: true;
};

/** Makes a new world and an adapter connected to it. It removes both with `t.after`. */
export type Make = (t: TestContext) => Subject | Promise<Subject>;
