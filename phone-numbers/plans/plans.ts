import { Plan } from './plan.ts';
import { tables } from './tables.ts';

const plans = new Map<string, Plan>();

/** The plan of a country; undefined if there is no such country. Made when it is first needed, as zones are. */
export function planOf(country: string): Plan | undefined {
  let plan = plans.get(country);
  if (plan || !Object.hasOwn(tables.countries, country)) return plan;
  plan = new Plan(country, tables.countries[country]!);
  plans.set(country, plan);
  return plan;
}

/** The countries that share a country code. Lengths and formats are those of the first. */
export type Zone = readonly [main: Plan, ...others: Plan[]];

/** By country code, as a number. */
const zones: Zone[] = [];

/** The zone whose country code `digits` begin with. No code is the beginning of another, and none begins with 0. */
export function zoneOf(digits: string): Zone | undefined {
  let code = 0;
  for (let at = 0; at < 3 && at < digits.length; at++) {
    code = code * 10 + digits.charCodeAt(at) - 48;
    const zone = zones[code];
    if (zone) return zone;
    if (code === 0) return undefined;
  }
  return makeZone(digits);
}

function makeZone(digits: string): Zone | undefined {
  for (const code of [digits.slice(0, 1), digits.slice(0, 2), digits.slice(0, 3)]) {
    const ofNoCountry = tables.nonGeographic[code];
    const made = ofNoCountry
      ? [new Plan(null, ofNoCountry)]
      : tables.country_calling_codes[code]?.map(country => planOf(country)!);
    if (!made) continue;
    const zone = made as unknown as Zone;
    zones[Number(code)] = zone;
    return zone;
  }
  return undefined;
}

/** Whose number it is; undefined where the tables do not tell. */
export function homeOf(zone: Zone, number: string): Plan | undefined {
  if (zone.length === 1) return zone[0];
  for (const plan of zone) if (plan.begins(number) ?? plan.hasRange(number)) return plan;
  return undefined;
}

/** Whether the tables know it as a line that somebody can have. */
export function isInUse(zone: Zone, number: string): boolean {
  return homeOf(zone, number)?.hasLine(number) ?? false;
}
