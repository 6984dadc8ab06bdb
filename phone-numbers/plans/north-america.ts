// The shape of North American numbers (+1). It never changes, so it is checked in full.

/**
 * Codes of services, which have no place: those that repeat their last digit (800, 833, 900), 521 to 529, 532, and two
 * for carriers and the government.
 */
const nonGeographic = /^(?:\d(\d)\1|52[1-9]|532|456|710)$/;

/**
 * +1 [2-9]XX [2-9]XX XXXX. 211 to 911 are services, so no area code; nor are they an exchange, but for codes that have
 * no exchanges: their numbers are given out one by one, 1-800-411-… among them.
 */
export function northAmericanProblem(number: string): string | undefined {
  const areaCode = number.slice(0, 3);
  const exchange = number.slice(3, 6);
  if (!/^[2-9]/.test(areaCode) || areaCode.endsWith('11'))
    return `has ${areaCode} for an area code, which cannot be one`;
  if (!/^[2-9]/.test(exchange) || (exchange.endsWith('11') && !nonGeographic.test(areaCode)))
    return `has ${exchange} for an exchange, which cannot be one`;
  return undefined;
}
