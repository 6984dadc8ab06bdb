// Phone numbers by the count: number 0, 1, 2 … each of a shape that North America's plan allows (no N11), the same in
// SQL and here. Each user of them has a range of its own.
const perExchange = 10_000;
const exchanges = 80;
const perAreaCode = perExchange * exchanges;

/** Where each kind of number begins; there are 72 million in all. */
export const ranges = { organizations: 0, long: 12_000_000, changes: 20_000_000, imports: 24_000_000 };

export function numberAt(index: number): string {
  const areaCode = 220 + Math.floor(index / perAreaCode);
  const exchange = 220 + (Math.floor(index / perExchange) % exchanges);
  return `+1${areaCode}${exchange}${String(index % perExchange).padStart(4, '0')}`;
}

/** `numberAt` of a bigint or integer expression. */
export const numberInSql = (index: string): string =>
  `('+1' || (220 + (${index}) / ${perAreaCode}) || (220 + (${index}) / ${perExchange} % ${exchanges})
    || lpad(((${index}) % ${perExchange})::text, 4, '0'))`;

/** How the server shows it. */
export const prettyInSql = (number: string): string =>
  `('+1 ' || substr(${number}, 3, 3) || '-' || substr(${number}, 6, 3) || '-' || substr(${number}, 9))`;
