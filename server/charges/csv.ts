import { Readable } from 'node:stream';
import type { Caller } from '../access/caller.ts';
import { openCursor } from '../db/cursor.ts';
import type { Database } from '../db/database.ts';
import { csvLine } from '../http/csv.ts';
import { type Charge, chargeBody } from './schemas.ts';
import { type ChargeRow, chargesOf, readScope, type UsageQuery, type UsageScope } from './usage.ts';

const rowsPerRead = 2000;

const columns = [
  'id',
  'type',
  'organization_id',
  'phone_number',
  'phone_number_id',
  'order_id',
  'amount',
  'currency',
  'period_start',
  'period_end',
  'at',
] as const satisfies (keyof Charge)[];

/**
 * All charges of the period as CSV (RFC 4180), in one snapshot. A cursor reads them in pieces, so the file may have any
 * length. The stream holds a connection until it ends or is destroyed.
 */
export async function openUsageCsv(
  database: Database,
  caller: Caller,
  query: UsageQuery,
): Promise<{ scope: UsageScope; stream: Readable }> {
  const scope = await readScope(database.db, caller, query);
  const { sql: text, parameters } = chargesOf(database.db, caller, scope).compile();
  const client = await database.long.connect();
  const cursor = openCursor<ChargeRow>(client, text, [...parameters]);
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    await cursor.close();
    client.release();
  };
  try {
    // Read before anything is sent, so that an error still gets a reply.
    const first = await cursor.read(rowsPerRead);
    const stream = Readable.from(csvOf(first, () => cursor.read(rowsPerRead)));
    // The stream closes at its end, and also when the client has gone, even before the first row.
    stream.once('close', close);
    return { scope, stream };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* csvOf(first: ChargeRow[], read: () => Promise<ChargeRow[]>): AsyncGenerator<string> {
  yield csvLine(columns);
  for (let rows = first; rows.length > 0; rows = rows.length < rowsPerRead ? [] : await read())
    yield rows.map(row => csvLine(cellsOf(chargeBody(row)))).join('');
}

const cellsOf = (charge: Charge) =>
  columns.map(name => (name === 'amount' ? charge.amount.toFixed(4) : (charge[name] ?? '')));
