import type { TObject } from '../schema/schema.ts';
import type { SandboxStore } from './sandbox/store.ts';

/** A number for sale at the carrier. */
export type Offer = {
  /** E.164 */
  phone_number: string;
  locality: string | null;
  /** State or province, in the carrier's words. */
  region: string | null;
};

/** What a number must be like: all conditions hold. */
export type Wish = {
  /** ISO 3166-1 alpha-2 */
  country: string;
  area_code?: string | undefined;
  /** E.164: this number only. */
  phone_number?: string | undefined;
  /** The first digits as E.164: `+1415`. */
  starts_with?: string | undefined;
  /** The last digits. */
  ends_with?: string | undefined;
  /** Digits that follow each other anywhere in the number, country code included. `*` stands for any one digit. */
  contains?: string | undefined;
  /** In the North American plan, toll-free numbers only; else none of them, unless `phone_number` is one. */
  toll_free?: boolean | undefined;
};

/** A search for SMS-capable numbers. */
export type NumberQuery = Wish & { limit: number };

/** A number that the account owns. */
export type CarrierNumber = {
  /** The carrier's id of the number. */
  id: string;
  /** E.164, in the writing that is kept (decision 21), whichever one the carrier has. */
  phone_number: string;
  /** Its name at the carrier; null if it has none there. */
  name: string | null;
  tags: string[];
  /** The `reference` of its purchase, if the carrier keeps it. */
  reference: string | null;
  /** The subaccount that it belongs to, if the carrier has such accounts. */
  subaccount: string | null;
};

/** The state of a purchase: the number is ours, or the carrier still works on the order. */
export type Purchase =
  | { state: 'owned'; number: CarrierNumber }
  /** `order` is the carrier's id of its order. */
  | { state: 'pending'; order: string };

/** Some numbers of the account. Pass `next` to the next call unchanged; it is null at the end. */
export type Page = { numbers: CarrierNumber[]; next: string | null; total: number | null };

/** The carrier's names for a 10DLC registration. An organization's numbers are attached to it. */
export type Messaging = {
  /** Twilio: the Messaging Service (MG…). Telnyx: the messaging profile. */
  service: string | null;
  /** Telnyx: the campaign. At Twilio the campaign belongs to the service. */
  campaign: string | null;
};

/** The state of a number's attachment. `reason` is in our words. */
export type Attachment = { state: 'none' | 'pending' | 'attached' } | { state: 'failed'; reason: string };

/** The carrier's answer when the credentials of an account are tested. */
export type AccountFacts = { account: string; balance: { amount: string; currency: string } | null };

/**
 * One account at one carrier.
 *
 * Every function throws CarrierError and nothing else, and verifies the carrier's answer before it resolves. Only reads
 * are retried: a retry of any other call could do it twice.
 */
export type Carrier = {
  /** Proves the credentials. */
  check(): Promise<AccountFacts>;
  /** Numbers that can be bought now; an empty list if there are none. */
  search(query: NumberQuery): Promise<Offer[]>;
  /**
   * Buys this number, once. The carrier keeps `reference` (at most 40 of A-Z a-z 0-9 and -), so that the purchase can
   * be found again. `unavailable` if somebody else has the number.
   *
   * @param begin is called right before the request that buys, since the requests before it may have taken long. If it
   *   throws, nothing is bought
   */
  buy(phoneNumber: string, reference: string, begin?: () => void): Promise<Purchase>;
  /**
   * The outcome of a purchase, by its number and reference; undefined if the carrier knows of no such purchase. A number
   * that the account owns under another reference is another purchase. `unavailable` if the purchase failed.
   *
   * @param attemptedAt when the purchase was about to begin. A carrier whose references people can change tells by it
   *   whether a number with another name is this purchase. If that is in doubt: `outcome_unknown`, and a person decides
   */
  findPurchase(phoneNumber: string, reference: string, attemptedAt?: Date): Promise<Purchase | undefined>;
  /** The number of the account with this E.164. */
  findNumber(phoneNumber: string): Promise<CarrierNumber | undefined>;
  /** The number of the account with this id at the carrier. */
  getNumber(id: string): Promise<CarrierNumber | undefined>;
  /** All numbers of the account, page by page. Begin with undefined. */
  list(next: string | undefined): Promise<Page>;
  /** Gives the number back. May be repeated: a number that is gone already counts as released. */
  release(id: string): Promise<void>;
  /** Attaches a number to the registration. May be repeated: an attached number stays attached. */
  attach(number: { id: string; phone_number: string }, to: Messaging): Promise<Attachment>;
  /**
   * Takes the number off these registrations, named by service or campaign, unless they are part of `to` or attach(to)
   * replaces them. May be repeated.
   */
  detach(number: { id: string; phone_number: string }, from: string[], to: Messaging): Promise<void>;
  /** The state of the attachment. */
  attachment(number: { id: string; phone_number: string }, to: Messaging): Promise<Attachment>;
};

export type ConnectOptions = {
  /** Identifies the account: its concurrency limit and its sandbox are kept under this name. */
  account: string;
  /** By API, the URL to use instead of the carrier's own. The operator sets it, never a tenant. */
  urls: Readonly<Record<string, string>>;
  /** A call without an answer is given up after so many milliseconds. */
  timeoutMs: number;
  /** The pause before a call is tried again, in milliseconds; it doubles with each attempt. */
  retryMs: number;
  /** How many calls of one account may be under way at once. */
  concurrency: number;
  /** Where the sandbox keeps its books. */
  sandbox: SandboxStore;
};

/** A kind of carrier: what Linekeeper knows before there is an account. */
export type CarrierKind = {
  /** Its name for people. */
  title: string;
  /** The fields of an account's credentials. Fields with `writeOnly: true` are never shown again. */
  credentials: TObject;
  can: {
    /** Whether numbers are bought, compared and released through its API. */
    buy: boolean;
    /** The parts of a 10DLC registration that an organization must name; none: numbers are not attached. */
    messaging: ('service' | 'campaign')[];
  };
  /** @param credentials as `credentials` describes them */
  connect(credentials: Record<string, string>, options: ConnectOptions): Carrier;
};
