import { createReadStream, createWriteStream } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { numberAt } from './numbers.ts';
import type { Ours } from './ours.ts';

const rowsPerPiece = 2_000;

/** Writes `count` rows in pieces, one row for each number from `start` on. */
export async function writeRows(
  file: string,
  start: number,
  count: number,
  row: (number: string, nth: number) => string,
  head = '',
): Promise<void> {
  function* pieces() {
    yield head;
    for (let from = 0; from < count; from += rowsPerPiece) {
      let text = '';
      for (let nth = from; nth < Math.min(from + rowsPerPiece, count); nth++)
        text += row(numberAt(start + nth), nth);
      yield text;
    }
  }
  await pipeline(Readable.from(pieces(), { objectMode: false }), createWriteStream(file));
}

export const nicknameAt = (nth: number): string => (nth % 3 === 0 ? `Lead follow-up ${nth}` : '');

export const writeCsv = (file: string, start: number, count: number): Promise<void> =>
  writeRows(file, start, count, (number, nth) => `${number},${nicknameAt(nth)}\n`, 'phone_number,nickname\n');

/** Imports a file over HTTP. @throws Error unless every row was imported */
export async function importFile(
  ours: Ours,
  organization: string,
  file: string,
  count: number,
): Promise<void> {
  const call = request({
    host: '127.0.0.1',
    port: ours.port,
    path: `/v1/sms/phone-numbers/import?organization_id=${organization}`,
    method: 'POST',
    headers: { 'x-api-key': ours.key, 'content-type': 'text/csv' },
  });
  const answered = new Promise<Readable>((resolve, reject) =>
    call.once('response', resolve).once('error', reject),
  );
  const [response] = await Promise.all([answered, pipeline(createReadStream(file), call)]);
  const report = (await json(response)) as { imported?: number };
  if (report.imported !== count)
    throw new Error(`an import of ${count} rows answered ${JSON.stringify(report).slice(0, 300)}`);
}

export async function createOrganization({ pool, tenant }: Ours, unique_id: string): Promise<string> {
  const { rows } = await pool.query(
    `insert into organizations (tenant_id, id, unique_id, name, revision, revised_at)
     values ($1, gen_random_uuid(), $2, $2, 1, now()) returning id`,
    [tenant, unique_id],
  );
  return rows[0].id;
}
