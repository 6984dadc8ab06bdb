/** Everything that the sandbox remembers of one account. */
export type Book = {
  /** What the account owns or has owned. */
  numbers: BookedNumber[];
  /** Counts ids and charges. */
  sequence: number;
  /** What was asked to go wrong, the first first; each is used up by the call that it befalls. */
  faults: Fault[];
};

export type BookedNumber = {
  id: string;
  phone_number: string;
  name: string | null;
  tags: string[];
  reference: string | null;
  /** One entry for each time that it was charged for. */
  charges: string[];
  released: boolean;
  /** The registration that it is attached to, or is to be. */
  attachment: {
    service: string | null;
    campaign: string | null;
    state: 'pending' | 'attached' | 'failed';
  } | null;
};

/** Which call is to go wrong. */
export const faultCalls = ['check', 'search', 'buy', 'find', 'list', 'edit', 'release', 'attach'] as const;

/**
 * How. `…_before` and `…_after`: before and after the sandbox has done what was asked. A `timeout` and a `hang` give no
 * answer (a hang none until the caller gives up), an `error` is a 500, `torn` an answer that cannot be read after it
 * was done, `other_number` an answer about another number. `empty` and `cut` befall a list.
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
  'empty',
  'cut',
] as const;

export type Fault = {
  call: (typeof faultCalls)[number];
  kind: (typeof faultKinds)[number];
  /** How many calls it befalls. */
  times: number;
};

/** Where the sandbox keeps its books: durably, so that a purchase outlives whoever made it. */
export type SandboxStore = {
  /**
   * Lets `work` read and change the book of an account, alone; what it leaves is kept before this resolves. If it
   * throws, nothing is.
   */
  change<T>(account: string, work: (book: Book) => T): Promise<T>;
};
