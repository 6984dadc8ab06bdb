/** The number at this place among those of the North American plan, without area codes and exchanges such as 211. */
export function numberAt(place: number): string {
  const exchange = plain[Math.floor(place / 10_000) % plain.length];
  const area = plain[Math.floor(place / 10_000 / plain.length)];
  return `+1${area}${exchange}${String(place % 10_000).padStart(4, '0')}`;
}

const plain = Array.from({ length: 800 }, (_, place) => 200 + place).filter(code => code % 100 !== 11);

const mobile = ['+49151', '+4477', '+8190', '+9198', '+55119', '+9050'];

/** A number of another country, another one for each place. */
export const foreignNumber = (place: number): string =>
  `${mobile[place % mobile.length]}${String(place % 100_000_000).padStart(8, '0')}`;

/** A file of numbers, in pieces. @param columns the rest of a row, and of the header */
export async function* csvOf(
  from: number,
  count: number,
  columns: { header: string; row: (place: number) => string } = { header: '', row: () => '' },
): AsyncGenerator<Buffer> {
  yield Buffer.from(`phone_number${columns.header}\n`);
  for (let place = from; place < from + count; place += 1000) {
    const rows = Array.from({ length: Math.min(1000, from + count - place) }, (_, i) => place + i);
    yield Buffer.from(rows.map(row => `${numberAt(row)}${columns.row(row)}\n`).join(''));
  }
}
