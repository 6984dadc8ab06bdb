// The package's own entry is a look-up by phone number; the table is all that is needed. It has the United States:
// states from the administration of the numbering plan, places from the US Geological Survey.
import places from 'areacodes/lib/data.json' with { type: 'json' };

type Place = {
  type: string;
  stateCode: string | null;
  location: { latitude: number | null; longitude: number | null };
};

const geographic = new Map(
  Object.entries(places as Record<string, Place>).filter(
    ([, place]) => place.type === 'local' && place.stateCode,
  ),
);

/** The other area codes of the same state, the nearest first; none for an area code whose place is not known. */
export function nearbyAreaCodes(areaCode: string): string[] {
  const here = geographic.get(areaCode);
  if (!here) return [];
  return [...geographic]
    .filter(([code, place]) => code !== areaCode && place.stateCode === here.stateCode)
    .map(([code, place]) => ({ code, distance: distance(here, place) }))
    .sort((a, b) => a.distance - b.distance || a.code.localeCompare(b.code))
    .map(({ code }) => code);
}

/** Great-circle distance in radians (haversine): only its order matters. */
function distance(a: Place, b: Place): number {
  const [lat1, lat2] = [radians(a.location.latitude!), radians(b.location.latitude!)];
  const dLongitude = radians(b.location.longitude!) - radians(a.location.longitude!);
  const h =
    Math.sin((lat2 - lat1) / 2) ** 2 + Math.cos(lat1) * Math.cos(lat2) * Math.sin(dLongitude / 2) ** 2;
  return 2 * Math.asin(Math.sqrt(h));
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
