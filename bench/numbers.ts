// Phone numbers by index: number 0, 1, 2 … Each has a shape that the North American plan allows (no N11). SQL and
// TypeScript give the same numbers. Each kind of data has a range of its own.
const perExchange = 10_000;
const exchanges = 80;
const perAreaCode = perExchange * exchanges;

/** The first index of each range. There are 72 million numbers in all. */
export const ranges = { organizations: 0, long: 12_000_000, changes: 20_000_000, imports: 24_000_000 };

export function numberAt(index: number): string {
  const areaCode = 220 + Math.floor(index / perAreaCode);
  const exchange = 220 + (Math.floor(index / perExchange) % exchanges);
  return `+1${areaCode}${exchange}${String(index % perExchange).padStart(4, '0')}`;
}

/** `numberAt` in SQL. @param index an integer or bigint expression */
export const numberInSql = (index: string): string =>
  `('+1' || (220 + (${index}) / ${perAreaCode}) || (220 + (${index}) / ${perExchange} % ${exchanges})
    || lpad(((${index}) % ${perExchange})::text, 4, '0'))`;

/** The server's `pretty_phone_number`, in SQL. */
export const prettyInSql = (number: string): string =>
  `('+1 ' || substr(${number}, 3, 3) || '-' || substr(${number}, 6, 3) || '-' || substr(${number}, 9))`;
