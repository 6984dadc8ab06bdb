import { CompiledQuery } from 'kysely';
import type { Static } from 'typebox';
import type { Db } from '../db/database.ts';
import { invalid, Problem } from '../errors.ts';
import { batched } from '../http/batched.ts';
import type { Body } from '../http/bodies.ts';
import type { Who } from '../keys/who.ts';
import { detailVersion, holdsNow, joinHolder, numberJson } from './number-json.ts';
import { readPhoneNumber } from './phone-number.ts';
import type { NumberDetail } from './schemas.ts';

export type Detail = Static<typeof NumberDetail>;

const details = `
  select n.phone_number, ${numberJson.detail} as json, ${detailVersion} as version
  from phone_numbers n
  join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
  ${joinHolder('n.tenant_id', 'n.organization_id', holdsNow('n.organization_id'))}`;

type Row = { phone_number: string; json: string; version: string };

/** Live numbers of the tenant in full, by their records' ids, in that order. */
export async function detailsById(db: Db, who: Who, ids: string[]): Promise<Detail[]> {
  const text = `${details} where n.tenant_id = $1 and n.id = any($2::uuid[]) and n.released_at is null
    order by array_position($2::uuid[], n.id)`;
  const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(text, [who.tenantId, ids]));
  return rows.map(({ json }) => JSON.parse(json));
}

/**
 * One live number in full, by any usual way of writing it, as a change has left it.
 * @throws Problem `number_not_found`, `invalid_request`
 */
export async function detailOf(db: Db, who: Who, number: string, country: string): Promise<Detail> {
  const [json] = (await findDetails(db, who, [readE164(number, country)])).values();
  if (json === undefined) throw new Problem('number_not_found');
  return JSON.parse(json);
}

/** Those of these numbers, in E.164, that are live and theirs to see, each in full as JSON. */
export async function findDetails(db: Db, who: Who, numbers: string[]): Promise<Map<string, string>> {
  const text = `${details} where n.tenant_id = $1 and n.phone_number = any($2::text[]) and n.released_at is null
    and ($3::uuid is null or n.organization_id = $3) and ($4::uuid is null or a.user_id = $4)`;
  const values = [who.tenantId, numbers, who.organizationId, who.ownUserId ?? null];
  const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(text, values));
  return new Map(rows.map(({ phone_number, json }) => [phone_number, json]));
}

/** @throws Problem `invalid_request` for what is no number, naming `field` */
export function readE164(text: string, country: string, field = 'phone_number'): string {
  const number = readPhoneNumber(text, country);
  if (typeof number === 'string') throw invalid(`${field} ${number}`);
  return number.e164;
}

/** Which number, of those that a look-up has found. */
export type Found = { tenantId: string; id: string };

/** Numbers in full as bytes of JSON, read together when several are asked for at once; without bytes: it has gone. */
export const createDetails = (db: Db): ((found: Found) => Promise<Body>) =>
  batched(
    async all => {
      const text = `
        select d.json, d.version
        from unnest($1::uuid[], $2::uuid[]) with ordinality as q (tenant_id, id, place)
        left join lateral (${details} where n.tenant_id = q.tenant_id and n.id = q.id and n.released_at is null) d on true
        order by q.place`;
      const values = [all.map(({ tenantId }) => tenantId), all.map(({ id }) => id)];
      const { rows } = await db.executeQuery<Row | Record<keyof Row, null>>(CompiledQuery.raw(text, values));
      return rows.map(({ version, json }) => ({
        version: version ?? '',
        bytes: json === null ? undefined : Buffer.from(json),
      }));
    },
    ({ id }) => id,
    onTheWayMax,
  );

const onTheWayMax = 2;
