/** All that the sandbox knows of one account. */
export type Book = {
  /** The numbers that the account owns or has owned, in the order of their purchases. */
  numbers: BookedNumber[];
  /** The E.164 of numbers that somebody else has bought. They are not for sale. */
  taken: string[];
  /** The last number used in an id, of a number or of a charge. */
  sequence: number;
  /** Faults to come, the next one first. */
  faults: Fault[];
};

/** The book of a new account. */
export const emptyBook: Readonly<Book> = { numbers: [], taken: [], sequence: 0, faults: [] };

export type BookedNumber = {
  id: string;
  phone_number: string;
  name: string | null;
  tags: string[];
  reference: string | null;
  /** One id for each charge. */
  charges: string[];
  /** Its order is still pending at the next look-up. */
  ordering: boolean;
  released: boolean;
  /** The registration that it is attached to, or will be. */
  attachment: {
    service: string | null;
    campaign: string | null;
    state: 'pending' | 'attached' | 'failed';
  } | null;
};

/** The calls that can go wrong. `find` is every look-up of one number, purchase or attachment. */
export const faultCalls = ['check', 'search', 'buy', 'find', 'list', 'release', 'attach'] as const;

/**
 * How a call goes wrong. A kind that does not fit the call has no effect.
 *
 * - The outcomes of errors.ts: a refusal with that outcome.
 * - `error_before`, `error_after`: a 500, before or after the sandbox has done what was asked.
 * - `timeout_before`, `timeout_after`: no answer, before or after.
 * - `hang`: no answer until the caller gives up; nothing is done.
 * - `torn`: done, but the answer cannot be read.
 * - `other_number`: done, but the answer is about another number.
 * - `pending`: a purchase becomes an order, which is pending until its first look-up.
 * - `empty`, `cut`: a list with nothing in it, or with the first half of this page and nothing after it.
 */
export const faultKinds = [
  'unavailable',
  'not_found',
  'rate_limited',
  'out_of_funds',
  'needs_compliance',
  'authentication_failed',
  'transient',
  'error_before',
  'error_after',
  'timeout_before',
  'timeout_after',
  'hang',
  'torn',
  'other_number',
  'pending',
  'empty',
  'cut',
] as const;

export type Fault = {
  call: (typeof faultCalls)[number];
  kind: (typeof faultKinds)[number];
  /** How many calls it hits. */
  times: number;
};

/** Keeps the sandbox's books durably, so that a purchase outlives its caller. */
export type SandboxStore = {
  /**
   * Lets `work` read and change the book of an account, one caller at a time. The book is saved before this resolves,
   * and not at all if `work` throws.
   */
  change<T>(account: string, work: (book: Book) => T): Promise<T>;
};
