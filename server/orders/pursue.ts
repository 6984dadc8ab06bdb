import { sql } from 'kysely';
import { fits } from '../../carriers/answers.ts';
import type { Carrier, Purchase, Wish } from '../../carriers/carrier.ts';
import { CarrierError } from '../../carriers/errors.ts';
import { referenceOf } from '../../carriers/reference.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';
import { attemptsSince, backOffMs } from '../work/back-off.ts';
import { assertLeased, clock, fromNow, LeaseLost, unlessLeaseLost } from '../work/leases.ts';
import { completePurchase, failOrder } from './finish.ts';
import { buyerOf, type LeasedOrder, type Shop, writeOrder } from './hold.ts';
import { isOpen } from './orders.ts';
import { chooseAccount } from './place.ts';
import { noneForSaleText, wishesOf } from './wanted.ts';

/** An area code is given up after this many numbers. Another customer may buy each of them first. */
const candidatesMax = 5;
const offersPerSearch = 50;
/** A purchase counts as not made after this many look-ups without a result. */
const pollsMin = 3;
/** An order of a bulk request fails when its carrier has been unavailable for this long. */
const patienceMs = 3_600_000;

/** The length of a lease. Each write renews it, and carriers/http.ts bounds each call, so no step takes longer. */
export const orderLeaseMs = ({ settings }: Carriers): number => 6 * settings.timeoutMs;

/**
 * Advances an order until it is final or has to wait.
 *
 *   placed → buying → bought
 *      ↑        ↓   ↘ settling → bought
 *      └────────┴──────────┘         every open order can fail; a placed one can be cancelled
 *
 * Every step is committed before the next one begins. Candidate, reference and time are committed (`buying`) before the
 * carrier is called. A worker that finds an order in `buying` cannot know the outcome of that call. It looks the
 * reference up at the carrier instead of buying again, so each candidate is bought at most once.
 */
export async function pursue(shop: Shop, held: LeasedOrder): Promise<void> {
  let order: LeasedOrder | undefined = held;
  while (order && isOpen(order)) order = await unlessLeaseLost(advance(shop, order));
}

/** @returns the order after one step; undefined if it has to wait */
async function advance(shop: Shop, order: LeasedOrder): Promise<LeasedOrder | undefined> {
  if (order.status !== 'placed') return settle(shop, order);
  const carrier = (await refusalOf(shop, order)) ?? (await open(shop, order));
  if (carrier instanceof Problem) return failOrder(shop.db, order, carrier.code, carrier.message);
  const candidate = await choose(shop, order, carrier);
  return candidate?.status === 'buying' ? buy(shop, candidate, carrier) : candidate;
}

/** Checks the account again: it may have been disabled since the order was placed. */
const refusalOf = ({ db }: Shop, order: LeasedOrder): Promise<Problem | undefined> =>
  chooseAccount(db, buyerOf(order), order.carrier_account_id).then(() => undefined, problemOf);

const open = ({ db, carriers }: Shop, order: LeasedOrder): Promise<Carrier | Problem> =>
  carriers.open(db, order.tenant_id, order.carrier_account_id).catch(problemOf);

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

/**
 * Commits the next candidate before the carrier is asked for it. An area code is searched only if those before it have
 * nothing for sale: not if a search fails, since nobody knows then.
 */
async function choose(shop: Shop, placed: LeasedOrder, carrier: Carrier): Promise<LeasedOrder | undefined> {
  const wishes = wishesOf(placed);
  let order = placed;
  for (const [index, wish] of order.attempts < candidatesMax * wishes.length ? wishes.entries() : []) {
    if (order.tried.filter(number => fits(number, wish)).length >= candidatesMax) continue;
    // The lease lasts for one search and one purchase.
    if (index > 0)
      order = await writeOrder(shop.db, order, { next_at: fromNow(orderLeaseMs(shop.carriers)) });
    const offers = await carrier.search({ ...wish, limit: offersPerSearch }).catch(outcomeOf(shop));
    if (offers instanceof CarrierError) return failOrBackOff(shop, order, offers);
    const numbers = offers.map(offer => offer.phone_number);
    for (const number of await candidatesOf(shop.db, order, wish, numbers)) {
      const candidate = await commitCandidate(shop, order, number);
      if (candidate) return candidate;
    }
  }
  return failOrder(shop.db, order, 'none_for_sale', noneForSaleText(order));
}

/** @returns undefined if another order is buying the number */
async function commitCandidate(
  shop: Shop,
  order: LeasedOrder,
  number: string,
): Promise<LeasedOrder | undefined> {
  const attempts = order.attempts + 1;
  const next = {
    status: 'buying',
    phone_number: number,
    reference: referenceOf(order.id, attempts),
    attempted_at: clock,
    attempts,
    polls: 0,
    next_at: fromNow(orderLeaseMs(shop.carriers)),
  } as const;
  try {
    return await writeOrder(shop.db, order, next);
  } catch (error) {
    if ((error as { constraint?: string }).constraint !== 'orders_candidate_key') throw error;
    return undefined;
  }
}

/** Drops offers that do not match the wish, since carriers may send such, and numbers that are in use here. */
async function candidatesOf(db: Db, order: LeasedOrder, wish: Wish, numbers: string[]): Promise<string[]> {
  const fitting = numbers.filter(text => {
    const number = readPhoneNumber(text, order.country);
    return (
      typeof number !== 'string' && number.e164 === text && !order.tried.includes(text) && fits(text, wish)
    );
  });
  const { rows } = await sql<{ phone_number: string }>`
    select phone_number from unnest(${fitting}::text[]) with ordinality as offered (phone_number, place)
    where not exists (select from phone_numbers n
      where n.tenant_id = ${order.tenant_id} and n.phone_number = offered.phone_number and n.released_at is null)
      and not exists (select from orders o
        where o.tenant_id = ${order.tenant_id} and o.phone_number = offered.phone_number and o.status in ('buying', 'settling'))
    order by place`.execute(db);
  return rows.map(row => row.phone_number);
}

async function buy(shop: Shop, order: LeasedOrder, carrier: Carrier): Promise<LeasedOrder | undefined> {
  const purchase = await carrier
    .buy(order.phone_number!, order.reference!, () => assertLeased(order))
    .catch(outcomeOf(shop));
  if (!(purchase instanceof CarrierError)) return acceptPurchase(shop, order, purchase);
  const { outcome } = purchase;
  if (outcome === 'outcome_unknown') return settleLater(shop, order, { failure_code: outcome });
  if (outcome === 'unavailable' || outcome === 'not_found') return nextCandidate(shop, order);
  // The carrier certainly did not sell the number, so the candidate is dropped before the refusal is handled.
  return failOrBackOff(shop, await writeOrder(shop.db, order, withoutCandidate), purchase);
}

/** Looks up the outcome of a purchase. */
async function settle(shop: Shop, order: LeasedOrder): Promise<LeasedOrder | undefined> {
  const carrier = await open(shop, order);
  if (carrier instanceof Problem) return settleLater(shop, order, { failure_code: carrier.code });
  const purchase = await carrier
    .findPurchase(order.phone_number!, order.reference!, order.attempted_at!)
    .catch(outcomeOf(shop));
  if (purchase instanceof CarrierError) {
    if (purchase.outcome === 'unavailable') return nextCandidate(shop, order);
    return settleLater(shop, order, { failure_code: purchase.outcome });
  }
  if (purchase) return acceptPurchase(shop, order, purchase);
  const polls = order.polls + 1;
  const elapsedMs = order.now.getTime() - order.attempted_at!.getTime();
  // The request may still be on its way to the carrier.
  if (polls < pollsMin || elapsedMs < shop.carriers.settings.settleMs)
    return settleLater(shop, order, { polls });
  return nextCandidate(shop, order);
}

/** Accepts the carrier's answer only if it names the number that was ordered. */
async function acceptPurchase(
  shop: Shop,
  order: LeasedOrder,
  purchase: Purchase,
): Promise<LeasedOrder | undefined> {
  if (purchase.state === 'pending') return settleLater(shop, order, { polls: 0 });
  if (purchase.number.phone_number !== order.phone_number)
    return settleLater(shop, order, { failure_code: 'outcome_unknown' });
  return completePurchase(shop.db, order, purchase.number);
}

async function settleLater(
  { db, carriers }: Shop,
  order: LeasedOrder,
  changes: { polls?: number; failure_code?: string },
): Promise<undefined> {
  const next_at = fromNow(pauseMs(carriers, order.now.getTime() - order.attempted_at!.getTime()));
  await writeOrder(db, order, { failure_code: null, ...changes, status: 'settling', next_at });
}

const pauseMs = ({ settings: { pollMs } }: Carriers, elapsedMs: number, askedMs?: number): number =>
  backOffMs(pollMs, attemptsSince(elapsedMs, pollMs), askedMs);

const withoutCandidate = { status: 'placed', phone_number: null, reference: null } as const;

/** Excludes the unavailable number, so that the next step picks another. */
const nextCandidate = ({ db, carriers }: Shop, order: LeasedOrder): Promise<LeasedOrder> =>
  writeOrder(db, order, {
    ...withoutCandidate,
    failure_code: null,
    tried: [...order.tried, order.phone_number!],
    next_at: fromNow(orderLeaseMs(carriers)),
  });

/** Handles a refusal before a purchase. A bulk order backs off. A single one fails: its caller waits. */
async function failOrBackOff(
  shop: Shop,
  order: LeasedOrder,
  failure: CarrierError,
): Promise<LeasedOrder | undefined> {
  const waits = ['rate_limited', 'transient', 'outcome_unknown'].includes(failure.outcome);
  const ageMs = order.now.getTime() - order.created_at.getTime();
  if (!waits || order.bulk_id === null || ageMs > patienceMs)
    return failOrder(shop.db, order, 'carrier_failed', failure.message);
  const next_at = fromNow(pauseMs(shop.carriers, ageMs, failure.retryAfterMs));
  await writeOrder(shop.db, order, { failure_code: failure.outcome, next_at });
  return undefined;
}

/** Treats every unexpected error as `outcome_unknown`, because the carrier may have acted. A lost lease stays one. */
const outcomeOf =
  ({ log }: Shop) =>
  (error: unknown): CarrierError => {
    if (error instanceof CarrierError) return error;
    if (error instanceof LeaseLost) throw error;
    log.error({ err: error }, 'unexpected error from a carrier call');
    return new CarrierError('outcome_unknown', 'The call to the carrier failed');
  };
