/** The area codes of toll-free numbers, which the countries of the North American plan share. */
export const tollFreeCodes: readonly string[] = ['800', '833', '844', '855', '866', '877', '888'];

/** @param e164 a number, or its beginning: `+1800` */
export const isTollFree = (e164: string): boolean =>
  e164.startsWith('+1') && tollFreeCodes.includes(e164.slice(2, 5));
