import { sql } from 'kysely';
import type { CarrierNumber } from '../../../carriers/carrier.ts';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { invalid, invalidFields, type WrongField } from '../../errors.ts';
import { giveWay, mustGiveWay } from '../../http/pieces/turns.ts';
import { readPhoneNumber } from '../../numbers/phone-number.ts';

/** Sends the numbers that meet all given conditions to an organization. */
export type Rule = { organization_id: string } & Conditions;

export type Conditions = {
  subaccount?: string;
  tag?: string;
  /** The full name of the number at the carrier. */
  name?: string;
  name_starts_with?: string;
  /** North American numbers only. */
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

/** @returns the organization of the first matching rule, undefined if none matches */
export const destinationOf = (rules: Rule[], number: CarrierNumber): string | undefined =>
  rules.find(rule => fits(rule, number))?.organization_id;

const fits = (rule: Rule, number: CarrierNumber): boolean =>
  names.every(name => rule[name] === undefined || conditions[name](rule[name] as never, number));

/**
 * Parses the caller's rules and map. Replaces each organization's unique_id by its internal id, and writes numbers in
 * E.164.
 * @throws Problem `invalid_request`, which names the entries
 */
export async function readRules(
  db: Db,
  caller: Caller,
  input: { rules: Rule[]; map: MapEntry[]; default_country: string },
): Promise<{ rules: Rule[]; map: Record<string, string> }> {
  if (input.rules.length + input.map.length === 0) throw invalid('rules or map must have at least one entry');
  const organizations = await organizationsOf(db, caller, [...input.rules, ...input.map]);
  const wrong: WrongField[] = [];
  const refuse = (field: string, rule: string) => wrong.push({ field, error: `${field} ${rule}` });
  const own = (uniqueId: string, field: string) => {
    const id = organizations.get(uniqueId);
    if (id === undefined) refuse(`${field}.organization_id`, 'does not exist');
    return id ?? '';
  };
  const rules = input.rules.map((rule, index) => {
    if (!names.some(name => rule[name] !== undefined))
      refuse(`rules[${index}]`, `must have at least one condition: ${names.join(', ')}`);
    return { ...rule, organization_id: own(rule.organization_id, `rules[${index}]`) };
  });
  const places = new Map<string, number>();
  const map: Record<string, string> = {};
  for (const [index, entry] of input.map.entries()) {
    if (mustGiveWay()) await giveWay();
    const field = `map[${index}]`;
    const number = readPhoneNumber(entry.phone_number, input.default_country);
    const organization = own(entry.organization_id, field);
    if (typeof number === 'string') refuse(`${field}.phone_number`, number);
    else {
      const earlier = places.get(number.e164);
      if (earlier !== undefined) refuse(`${field}.phone_number`, `repeats map[${earlier}]`);
      places.set(number.e164, index);
      map[number.e164] = organization;
    }
  }
  if (wrong.length > 0) throw invalidFields(wrong);
  return { rules, map };
}

/** Internal ids of the named organizations by unique_id. Omits those that do not exist. */
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
