/** Everything that the sandbox remembers of one account. */
export type Book = {
  /** What the account owns or has owned, in the order in which it was bought. */
  numbers: BookedNumber[];
  /** What somebody else has bought, in E.164: it is not for sale. */
  taken: string[];
  /** Counts ids and charges. */
  sequence: number;
  /** What was asked to go wrong, the first first; each is used up by the call that it befalls. */
  faults: Fault[];
};

/** The book of an account that nothing has happened in. */
export const emptyBook: Readonly<Book> = { numbers: [], taken: [], sequence: 0, faults: [] };

export type BookedNumber = {
  id: string;
  phone_number: string;
  name: string | null;
  tags: string[];
  reference: string | null;
  /** One entry for each time that it was charged for. */
  charges: string[];
  /** Its order is still under way for whoever looks it up next. */
  ordering: boolean;
  released: boolean;
  /** The registration that it is attached to, or is to be. */
  attachment: {
    service: string | null;
    campaign: string | null;
    state: 'pending' | 'attached' | 'failed';
  } | null;
};

/** Which call is to go wrong; `find` is every look-up of one number, of a purchase and of an attachment. */
export const faultCalls = ['check', 'search', 'buy', 'find', 'list', 'release', 'attach'] as const;

/**
 * How. The outcomes of errors.ts are refusals. `…_before` and `…_after`: before and after the sandbox has done what was
 * asked. A `timeout` and a `hang` give no answer (a hang none until the caller gives up, and nothing is done), an
 * `error` is a 500, `torn` an answer that cannot be read after it was done, `other_number` an answer about another
 * number after it was done. `pending` befalls a purchase: the order is under way until it has been looked up once.
 * `empty` and `cut` befall a list: nothing in it, or only the first half of this page and nothing after it. Where a kind
 * means nothing for a call it changes nothing.
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
