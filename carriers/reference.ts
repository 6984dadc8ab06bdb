/**
 * The reference that a purchase has at the carrier: at most 40 letters, digits and dashes, which every carrier stores.
 *
 * @param attempt which candidate of the order it is
 */
export const referenceOf = (orderId: string, attempt: number): string =>
  `lk${orderId.replaceAll('-', '')}-${attempt}`;

/** Whether a text is the reference of some purchase of ours. People give numbers other names. */
export const isReference = (text: string): boolean => /^lk[0-9a-f]{32}-\d{1,5}$/.test(text);
