import { sql } from 'kysely';
import type { Carrier, Purchase } from '../../carriers/carrier.ts';
import { CarrierError } from '../../carriers/errors.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { readPhoneNumber } from '../numbers/phone-number.ts';
import { attemptsSince, backOffMs } from '../work/back-off.ts';
import { assertHeld, clock, fromNow, unlessLost } from '../work/leases.ts';
import { fail, takeOver } from './finish.ts';
import { buyerOf, type HeldOrder, type Shop, writeHeld } from './hold.ts';
import { isOpen } from './orders.ts';
import { chooseAccount, noneFor, wantedOf } from './place.ts';

/** How many numbers are asked for before an order gives up: each may be gone when it is asked for. */
const candidatesMax = 5;
const offersPerSearch = 50;
/** How often a carrier must say that it knows nothing of a purchase. */
const pollsMin = 3;
/** For how long an order of many waits for a carrier that is not to be had. */
const patienceMs = 3_600_000;

/** For how long whoever works on an order has it: no single step takes longer (carriers/http.ts bounds each call). */
export const holdMs = ({ settings }: Carriers): number => 6 * settings.timeoutMs;

/**
 * Goes on with an order for as long as there is something to do now.
 *
 *   placed → buying → bought
 *      ↑        ↓   ↘ settling → bought
 *      └────────┴──────────┘         each that is open may end as failed; placed as cancelled
 *
 * Every step is written before the next one begins. A purchase is asked for once: the candidate, the reference and the
 * moment are written down (`buying`), then the carrier is called. Whoever finds an order in `buying` does not know what
 * came of it, so it is settled by looking up what the carrier has under that reference, never by asking again.
 */
export async function pursue(shop: Shop, held: HeldOrder): Promise<void> {
  let order: HeldOrder | undefined = held;
  while (order && isOpen(order)) order = await unlessLost(advance(shop, order));
}

/** @returns the order as it is then; undefined when it has to wait */
async function advance(shop: Shop, order: HeldOrder): Promise<HeldOrder | undefined> {
  if (order.status !== 'placed') return settle(shop, order);
  const carrier = (await refusalOf(shop, order)) ?? (await open(shop, order));
  if (carrier instanceof Problem) return fail(shop.db, order, carrier.code, carrier.message);
  const candidate = await choose(shop, order, carrier);
  return candidate?.status === 'buying' ? buy(shop, candidate, carrier) : candidate;
}

/** The account may have been disabled since the order was placed. */
const refusalOf = ({ db }: Shop, order: HeldOrder): Promise<Problem | undefined> =>
  chooseAccount(db, buyerOf(order), order.carrier_account_id).then(() => undefined, problemOf);

const open = ({ db, carriers }: Shop, order: HeldOrder): Promise<Carrier | Problem> =>
  carriers.open(db, order.tenant_id, order.carrier_account_id).catch(problemOf);

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

/** Writes down which number is asked for next. */
async function choose(shop: Shop, order: HeldOrder, carrier: Carrier): Promise<HeldOrder | undefined> {
  if (order.attempts >= candidatesMax) return fail(shop.db, order, 'none_for_sale', noneFor(order));
  const wanted = { ...wantedOf(order), limit: offersPerSearch };
  const offers = await carrier.search(wanted).catch(outcomeOf(shop));
  if (offers instanceof CarrierError) return refused(shop, order, offers);
  const numbers = offers.map(offer => offer.phone_number);
  for (const number of await notTaken(shop.db, order, numbers)) {
    const attempts = order.attempts + 1;
    const next = {
      status: 'buying',
      phone_number: number,
      // Within what every carrier keeps: letters, digits and dashes, 40 at most.
      reference: `lk${order.id.replaceAll('-', '')}-${attempts}`,
      attempted_at: clock,
      attempts,
      polls: 0,
      next_at: fromNow(holdMs(shop.carriers)),
    } as const;
    try {
      return await writeHeld(shop.db, order, next);
    } catch (error) {
      // Another order is asking for it.
      if ((error as { constraint?: string }).constraint !== 'orders_candidate_key') throw error;
    }
  }
  return fail(shop.db, order, 'none_for_sale', noneFor(order));
}

/** Those of the numbers that the order may ask for, in their order: what the carrier says is looked at first. */
async function notTaken(db: Db, order: HeldOrder, numbers: string[]): Promise<string[]> {
  const fitting = numbers.filter(text => {
    const number = readPhoneNumber(text, order.country);
    if (typeof number === 'string' || number.e164 !== text || order.tried.includes(text)) return false;
    if (order.wanted_number !== null) return text === order.wanted_number;
    return order.area_code === null || text.startsWith(`+1${order.area_code}`);
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

async function buy(shop: Shop, order: HeldOrder, carrier: Carrier): Promise<HeldOrder | undefined> {
  assertHeld(order);
  const purchase = await carrier.buy(order.phone_number!, order.reference!).catch(outcomeOf(shop));
  if (!(purchase instanceof CarrierError)) return arrive(shop, order, purchase);
  const { outcome } = purchase;
  if (outcome === 'outcome_unknown') return settleLater(shop, order, { failure_code: outcome });
  if (outcome === 'unavailable' || outcome === 'not_found') return nextCandidate(shop, order);
  // Certainly not bought.
  return refused(shop, await writeHeld(shop.db, order, nothingAsked), purchase);
}

/** Finds out what came of a purchase. */
async function settle(shop: Shop, order: HeldOrder): Promise<HeldOrder | undefined> {
  const carrier = await open(shop, order);
  if (carrier instanceof Problem) return settleLater(shop, order, { failure_code: carrier.code });
  const purchase = await carrier.findPurchase(order.phone_number!, order.reference!).catch(outcomeOf(shop));
  if (purchase instanceof CarrierError) {
    if (purchase.outcome === 'unavailable') return nextCandidate(shop, order);
    return settleLater(shop, order, { failure_code: purchase.outcome });
  }
  if (purchase) return arrive(shop, order, purchase);
  const polls = order.polls + 1;
  const elapsedMs = order.now.getTime() - order.attempted_at!.getTime();
  // It may still be on its way there.
  if (polls < pollsMin || elapsedMs < shop.carriers.settings.settleMs)
    return settleLater(shop, order, { polls });
  return nextCandidate(shop, order);
}

/** What the carrier says of a purchase is believed if it speaks of the number that was asked for. */
async function arrive(shop: Shop, order: HeldOrder, purchase: Purchase): Promise<HeldOrder | undefined> {
  if (purchase.state === 'pending') return settleLater(shop, order, { polls: 0 });
  if (purchase.number.phone_number !== order.phone_number)
    return settleLater(shop, order, { failure_code: 'outcome_unknown' });
  return takeOver(shop.db, order, purchase.number);
}

async function settleLater(
  { db, carriers }: Shop,
  order: HeldOrder,
  changes: { polls?: number; failure_code?: string },
): Promise<undefined> {
  const next_at = fromNow(pauseMs(carriers, order.now.getTime() - order.attempted_at!.getTime()));
  await writeHeld(db, order, { failure_code: null, ...changes, status: 'settling', next_at });
}

const pauseMs = ({ settings: { pollMs } }: Carriers, elapsedMs: number, askedMs?: number): number =>
  backOffMs(pollMs, attemptsSince(elapsedMs, pollMs), askedMs);

const nothingAsked = { status: 'placed', phone_number: null, reference: null } as const;

/** The number is not to be had: another one is. */
const nextCandidate = ({ db, carriers }: Shop, order: HeldOrder): Promise<HeldOrder> =>
  writeHeld(db, order, {
    ...nothingAsked,
    failure_code: null,
    tried: [...order.tried, order.phone_number!],
    next_at: fromNow(holdMs(carriers)),
  });

/** The carrier has refused before anything was bought: an order of many may wait for it, a caller is told. */
async function refused(shop: Shop, order: HeldOrder, failure: CarrierError): Promise<HeldOrder | undefined> {
  const waits = ['rate_limited', 'transient', 'outcome_unknown'].includes(failure.outcome);
  const ageMs = order.now.getTime() - order.created_at.getTime();
  if (!waits || order.bulk_id === null || ageMs > patienceMs)
    return fail(shop.db, order, 'carrier_failed', failure.message);
  const next_at = fromNow(pauseMs(shop.carriers, ageMs, failure.retryAfterMs));
  await writeHeld(shop.db, order, { failure_code: failure.outcome, next_at });
  return undefined;
}

/** What a call came to; anything that is not the carrier's word leaves it unknown. */
const outcomeOf =
  ({ log }: Shop) =>
  (error: unknown): CarrierError => {
    if (error instanceof CarrierError) return error;
    log.error({ err: error }, 'a carrier failed in an unexpected way');
    return new CarrierError('outcome_unknown', 'The carrier could not be asked');
  };
