import { areaCodes } from './area-codes.ts';

const regionsByAreaCode = new Map(
  Object.entries(areaCodes).flatMap(([regions, codes]) =>
    codes.split(' ').map(code => [code, regions.split(' ')] as const),
  ),
);

/** Every geographic area code, in ascending order. */
export const geographicAreaCodes: readonly string[] = [...regionsByAreaCode.keys()].sort();

/**
 * Where an area code is, as area-codes.ts names regions: `US-CA`, `PR`. Several where provinces share it; none for an
 * area code that is not geographic or not known.
 */
export const regionsOf = (areaCode: string): readonly string[] => regionsByAreaCode.get(areaCode) ?? [];

/**
 * The other area codes of the same state, province or country, in ascending order. The numbering plan says which region
 * an area code is in, and nothing of distances or of which area codes overlay each other, so none is called nearest.
 */
export function nearbyAreaCodes(areaCode: string): string[] {
  const here = regionsOf(areaCode);
  return geographicAreaCodes.filter(
    code => code !== areaCode && regionsOf(code).some(region => here.includes(region)),
  );
}
