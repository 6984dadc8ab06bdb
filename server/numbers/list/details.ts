import { CompiledQuery } from 'kysely';
import type { Static } from '../../../schema/schema.ts';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { invalid, Problem } from '../../errors.ts';
import { holdsNow, joinHolder, numberJson } from '../json.ts';
import { readPhoneNumber } from '../phone-number.ts';
import type { NumberDetail } from '../schemas.ts';

export type Detail = Static<typeof NumberDetail>;

const details = `
  select n.phone_number, ${numberJson.detail} as json
  from phone_numbers n
  join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
  ${joinHolder('n.tenant_id', 'n.organization_id', holdsNow('n.organization_id'))}`;

type Row = { phone_number: string; json: string };

/** Live numbers of the tenant in full, in the order of these ids. */
export async function detailsById(db: Db, caller: Caller, ids: string[]): Promise<Detail[]> {
  const text = `${details} where n.tenant_id = $1 and n.id = any($2::uuid[]) and n.released_at is null
    order by array_position($2::uuid[], n.id)`;
  const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(text, [caller.tenantId, ids]));
  return rows.map(({ json }) => JSON.parse(json));
}

/**
 * One live number in full: after a change, the reply.
 * @param number in any usual format
 * @throws Problem `number_not_found`, `invalid_request`
 */
export async function detailOf(db: Db, caller: Caller, number: string, country: string): Promise<Detail> {
  const [json] = (await findDetails(db, caller, [readE164(number, country)])).values();
  if (json === undefined) throw new Problem('number_not_found');
  return JSON.parse(json);
}

/**
 * The numbers that are live and that the caller may see, in full.
 * @param numbers in E.164
 * @returns JSON by number
 */
export async function findDetails(db: Db, caller: Caller, numbers: string[]): Promise<Map<string, string>> {
  const text = `${details} where n.tenant_id = $1 and n.phone_number = any($2::text[]) and n.released_at is null
    and ($3::uuid is null or n.organization_id = $3) and ($4::uuid is null or a.user_id = $4)`;
  const values = [caller.tenantId, numbers, caller.organizationId, caller.ownUserId ?? null];
  const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(text, values));
  return new Map(rows.map(({ phone_number, json }) => [phone_number, json]));
}

/** @throws Problem `invalid_request`, which names `field`, if the text is not a phone number */
export function readE164(text: string, country: string, field = 'phone_number'): string {
  const number = readPhoneNumber(text, country);
  if (typeof number === 'string') throw invalid(`${field} ${number}`);
  return number.e164;
}
