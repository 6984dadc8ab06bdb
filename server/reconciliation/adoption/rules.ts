import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { CarrierNumber } from '../../../carriers/carrier.ts';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { invalid } from '../../errors.ts';
import { readPhoneNumber } from '../../numbers/phone-number.ts';

/** Which numbers go to an organization: those for which everything that is given holds. */
export type Rule = { organization_id: string } & Conditions;

export type Conditions = {
  subaccount?: string;
  tag?: string;
  /** The whole name that the number bears at the carrier. */
  name?: string;
  name_starts_with?: string;
  /** Of a North American number. */
  area_code?: string;
  everything?: true;
};

export type MapEntry = { phone_number: string; organization_id: string };

const conditions: {
  [name in keyof Required<Conditions>]: (
    wanted: NonNullable<Conditions[name]>,
    number: CarrierNumber,
  ) => boolean;
} = {
  subaccount: (wanted, number) => number.subaccount === wanted,
  tag: (wanted, number) => number.tags.includes(wanted),
  name: (wanted, number) => number.name === wanted,
  name_starts_with: (wanted, number) => number.name?.startsWith(wanted) ?? false,
  area_code: (wanted, number) => number.phone_number.startsWith(`+1${wanted}`),
  everything: () => true,
};
const names = Object.keys(conditions) as (keyof Conditions)[];

/** The organization of the first rule that fits; undefined if none does. */
export const destinationOf = (rules: Rule[], number: CarrierNumber): string | undefined =>
  rules.find(rule => fits(rule, number))?.organization_id;

const fits = (rule: Rule, number: CarrierNumber): boolean =>
  names.every(name => rule[name] === undefined || conditions[name](rule[name] as never, number));

/**
 * Rules and map as a caller gives them, ready to go by: organizations by their own ids, numbers in E.164.
 * @throws Problem `invalid_request`, naming the entry
 */
export async function readRules(
  db: Db,
  caller: Caller,
  input: { rules: Rule[]; map: MapEntry[]; default_country: string },
): Promise<{ rules: Rule[]; map: Record<string, string> }> {
  if (input.rules.length + input.map.length === 0) throw invalid('rules or map must have an entry');
  const organizations = await organizationsOf(db, caller, [...input.rules, ...input.map]);
  const own = (uniqueId: string, field: string) => {
    const id = organizations.get(uniqueId);
    if (id === undefined) throw invalid(`${field}.organization_id is not an organization`);
    return id;
  };
  const rules = input.rules.map((rule, index) => {
    if (!names.some(name => rule[name] !== undefined))
      throw invalid(`rules[${index}] must have a condition: one or more of ${names.join(', ')}`);
    return { ...rule, organization_id: own(rule.organization_id, `rules[${index}]`) };
  });
  const places = new Map<string, number>();
  const map: Record<string, string> = {};
  for (const [index, entry] of input.map.entries()) {
    const field = `map[${index}]`;
    const number = readPhoneNumber(entry.phone_number, input.default_country);
    if (typeof number === 'string') throw invalid(`${field}.phone_number ${number}`);
    const earlier = places.get(number.e164);
    if (earlier !== undefined) throw invalid(`${field}.phone_number is the same number as map[${earlier}]`);
    places.set(number.e164, index);
    map[number.e164] = own(entry.organization_id, field);
    // Some numbers take long to read, and a long map must not keep other requests waiting.
    if (index % 500 === 499) await nextTurn();
  }
  return { rules, map };
}

/** The organizations that the entries name and that are there, by the id that the API knows them by. */
async function organizationsOf(
  db: Db,
  caller: Caller,
  entries: { organization_id: string }[],
): Promise<Map<string, string>> {
  const wanted = [...new Set(entries.map(entry => entry.organization_id))];
  const rows = await db
    .selectFrom('organizations')
    .select(['id', 'unique_id'])
    .where('tenant_id', '=', caller.tenantId)
    .where('unique_id', '=', sql<string>`any(${wanted}::text[])`)
    .execute();
  return new Map(rows.map(row => [row.unique_id, row.id]));
}
