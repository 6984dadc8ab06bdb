import type { TObject } from '../schema/schema.ts';
import type { SandboxStore } from './sandbox/store.ts';

/** A number that the carrier sells. */
export type Offer = {
  /** E.164 */
  phone_number: string;
  locality: string | null;
  /** State or province, as the carrier names it. */
  region: string | null;
  /** What the carrier asks for it a month, where it says so: a decimal such as `1.15`, and an ISO 4217 currency. */
  monthly_cost: { amount: string; currency: string } | null;
};

/** What to look for: an area code of the country, or one number. SMS-capable numbers only. */
export type Wanted = {
  /** ISO 3166-1 alpha-2 */
  country: string;
  area_code?: string | undefined;
  /** E.164: this very number, if it is to be had. */
  phone_number?: string | undefined;
  /** Digits in a row, anywhere in the number. */
  contains?: string | undefined;
  limit: number;
};

/** A number that the account owns. */
export type CarrierNumber = {
  /** The carrier's own id of it. */
  id: string;
  /** E.164 */
  phone_number: string;
  /** The name that it bears at the carrier; null where the carrier has none. */
  name: string | null;
  tags: string[];
  /** What we gave as `reference` when it was bought, where the carrier keeps it. */
  reference: string | null;
  /** The account below ours that it lies in, where the carrier has such. */
  subaccount: string | null;
};

/** How a purchase stands: the number is ours, or the carrier is still at it. */
export type Purchase =
  | { state: 'owned'; number: CarrierNumber }
  /** `order` is the carrier's own id of its order. */
  | { state: 'pending'; order: string };

/** Numbers of the account, and where to go on: `next` is passed to the next call as it is; null at the end. */
export type Page = { numbers: CarrierNumber[]; next: string | null; total: number | null };

/** The carrier's side of a 10DLC registration, which an organization's numbers are attached to. */
export type Messaging = {
  /** Twilio: the Messaging Service (MG…). Telnyx: the messaging profile. */
  service: string | null;
  /** Telnyx: the campaign. On Twilio the campaign hangs on the service. */
  campaign: string | null;
};

/** How the attachment of a number stands; `failed` says why, in our words. */
export type Attachment = { state: 'none' | 'pending' | 'attached' } | { state: 'failed'; reason: string };

/** What an account says of itself when its credentials are tested. */
export type AccountFacts = { account: string; balance: { amount: string; currency: string } | null };

/**
 * One account at one carrier. Every function throws CarrierError and nothing else, checks the carrier's answer before
 * it believes it, and resolves only when the carrier has said so. None of them repeats a call that may have been
 * processed, other than those that read.
 */
export type Carrier = {
  /** Proves the credentials. */
  check(): Promise<AccountFacts>;
  /** Numbers that can be bought now; an empty list when there is none. */
  search(wanted: Wanted): Promise<Offer[]>;
  /**
   * Buys exactly this number, once. `reference` (at most 40 of A-Z a-z 0-9 and -) is kept by the carrier, so that the
   * purchase can be found again. `unavailable` when somebody else has it.
   */
  buy(phoneNumber: string, reference: string): Promise<Purchase>;
  /**
   * What became of a purchase, by the reference and the number that it was made with; undefined if the carrier knows
   * of none. A number that the account owns under another reference is another purchase. `unavailable` when the
   * carrier has the purchase and it failed.
   */
  findPurchase(phoneNumber: string, reference: string): Promise<Purchase | undefined>;
  /** A number of the account, by exactly its E.164. */
  findNumber(phoneNumber: string): Promise<CarrierNumber | undefined>;
  /** A number of the account, by the carrier's id. */
  getNumber(id: string): Promise<CarrierNumber | undefined>;
  /** Everything that the account owns, page by page; undefined begins. */
  list(next: string | undefined): Promise<Page>;
  /** Changes what is given of a number's name and tags; what the carrier cannot hold is passed over. */
  edit(id: string, edit: { name?: string; tags?: string[] }): Promise<CarrierNumber>;
  /** Gives the number back. It may be repeated: a number that is gone already is released. */
  release(id: string): Promise<void>;
  /** Attaches a number to the registration. It may be repeated: what is attached already is attached. */
  attach(number: { id: string; phone_number: string }, to: Messaging): Promise<Attachment>;
  /** How that stands. */
  attachment(number: { id: string; phone_number: string }, to: Messaging): Promise<Attachment>;
  /** Keeps a number for us for a while, where the carrier offers it (`can.hold`). */
  hold?(phoneNumber: string): Promise<{ id: string; until: Date }>;
};

/** What the world gives to a carrier. */
export type Surroundings = {
  /** Names the account to the limits that are kept for it, and to the sandbox. */
  account: string;
  /** Where the carrier's API is, in place of its own address; set by the operator, never by a tenant. */
  urls: Readonly<Record<string, string>>;
  /** After which a call without an answer is given up, in milliseconds. */
  timeoutMs: number;
  /** The pause before a call is tried again, in milliseconds; it doubles with each attempt. */
  retryMs: number;
  /** How many calls of one account may be under way at once. */
  concurrency: number;
  /** Where the sandbox keeps its book. */
  sandbox: SandboxStore;
};

/** One kind of carrier: what Linekeeper must know before there is an account. */
export type CarrierKind = {
  /** What people call it. */
  title: string;
  /** The fields of an account's credentials; those with `writeOnly: true` are never shown again. */
  credentials: TObject;
  can: {
    /** Whether numbers can be searched and bought, compared and released through it at all. */
    buy: boolean;
    hold: boolean;
    tags: boolean;
    /** Whether numbers are attached to a registration, and which parts of it must be named. */
    messaging: ('service' | 'campaign')[];
  };
  /** @param credentials as `credentials` describes them */
  connect(credentials: Record<string, string>, surroundings: Surroundings): Carrier;
};
