import type { FastifyRequest } from 'fastify';
import type pg from 'pg';
import type { Caller } from '../access/caller.ts';
import type { Shares } from '../http/shares.ts';
import { countries, defaultCountry, readPhoneNumber } from '../numbers/phone-number.ts';

/** Where changes of one organization wait for each other, before they take a connection. */
export type Gate = {
  /**
   * Waits until few enough other changes of the same organizations are under way.
   * @returns lets the next one in; may be called more than once
   * @throws Problem too_many_requests
   */
  enter(request: FastifyRequest, gone: AbortSignal): Promise<() => void>;
};

/** A bulk change stands at the gates of the organizations that its first numbers are in, and of no more than these. */
const numbersMax = 100;
const organizationsMax = 8;

/**
 * Only one change of an organization can be made at a time, so a connection is of no use to the others. They wait here and
 * hold nothing.
 *
 * Nobody waits in a circle. A request that waits here holds no connection and no place at the database, and takes these
 * only when it is through. If it needs several gates, it takes them in the order of their names, as everybody does. A
 * request that is through ends by itself: it waits for places and locks, and whoever has those never waits here.
 * @param pool finds out whose numbers a request names; each statement takes a moment
 */
export function createGate(pool: pg.Pool, shares: Shares): Gate {
  return {
    async enter(request, gone) {
      const leaves: (() => void)[] = [];
      const leave = () => {
        for (const one of leaves) one();
      };
      try {
        for (const name of await organizationsOf(pool, request)) leaves.push(await shares.enter(name, gone));
        return leave;
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
}

type Names = { [name: string]: unknown } | undefined;

/** The names of the gates, sorted. Without an organization there is nothing to wait for: the change finds none either. */
async function organizationsOf(pool: pg.Pool, request: FastifyRequest): Promise<string[]> {
  const { caller } = request;
  const [params, query, body] = [request.params as Names, request.query as Names, request.body as Names];
  const given = params?.organization_id ?? body?.organization_id ?? query?.organization_id;
  const names = [given, body?.to_organization_id].filter(name => typeof name === 'string');
  if (given === undefined) names.push(...(await ownersOf(pool, caller, params, query, body)));
  return [...new Set(names)].sort().map(name => `${caller.tenantId} ${name}`);
}

/** The unique_ids of the organizations that have the numbers, the reservation or the order that a request names. */
async function ownersOf(pool: pg.Pool, caller: Caller, params: Names, query: Names, body: Names) {
  const { tenantId, organizationId } = caller;
  const find = async (name: string, owned: string, value: unknown) => {
    const { rows } = await pool.query<{ unique_id: string }>({
      name: `gate ${name}`,
      text: `
        select unique_id from organizations
        where tenant_id = $1 and ($2::uuid is null or id = $2) and id in (${owned}) order by unique_id limit ${organizationsMax}`,
      values: [tenantId, organizationId, value],
    });
    return rows.map(row => row.unique_id);
  };
  if (typeof params?.reservation_id === 'string')
    return find(
      'reservation',
      'select organization_id from phone_numbers where tenant_id = $1 and reservation_id = $3',
      params.reservation_id,
    );
  if (typeof params?.order_id === 'string')
    return find(
      'order',
      'select organization_id from orders where tenant_id = $1 and id = $3',
      params.order_id,
    );
  const items = Array.isArray(body?.items) ? (body.items.slice(0, numbersMax) as Names[]) : [params];
  const country = query?.default_country ?? body?.default_country ?? defaultCountry;
  const numbers = items.flatMap(item => {
    const text = item?.phone_number;
    if (typeof text !== 'string' || !countries.has(country as string)) return [];
    const number = readPhoneNumber(text, country as string);
    return typeof number === 'string' ? [] : [number.e164];
  });
  if (numbers.length === 0) return [];
  return find(
    'numbers',
    'select organization_id from phone_numbers where tenant_id = $1 and phone_number = any($3::text[]) and released_at is null',
    numbers,
  );
}
