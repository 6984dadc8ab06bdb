import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Tx } from '../../db/database.ts';
import { risingId } from '../../db/rising-id.ts';
import type { Revision } from '../../revisions/revise.ts';
import { chargesAll } from '../../tenants/weekly-fee.ts';
import { itemsPerPiece } from '../life/batches.ts';
import { type EditableName, emptyState, field } from '../state.ts';
import { type Counts, closeGaps, columns, countRows } from './classify.ts';

/* Inserts the rows that classify.ts has found good. */

/**
 * Inserts the good rows. All imports insert in the order of the numbers, so that two with the same numbers wait for each
 * other instead of deadlocking.
 */
export async function insertRows(
  { tx, organization, number, at }: Revision,
  caller: Caller,
  classified: Counts,
  given: EditableName[],
): Promise<Counts> {
  // Without these the planner would sort the rows, which are already in order.
  await sql`create index classified_place on classified (place) where place is not null`.execute(tx);
  await sql`analyze classified (place)`.execute(tx);
  const feeFrom = (await chargesAll(tx, caller)) ? at : null;
  const inserted = await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, ${columns(given)} status, available_since, next_fee_at, since_revision, created_at, modified_at)
    select ${caller.tenantId}, ${organization.id}, id, phone_number, pretty, country, ${valuesOf(given)}
           case when user_id is null then 'available' else 'assigned' end, case when user_id is null then ${at}::timestamptz end,
           ${feeFrom}::timestamptz, ${number}, ${at}, ${at}
    from classified where place is not null order by place
    on conflict (tenant_id, phone_number) where released_at is null do nothing`.execute(tx);
  const someTaken = Number(inserted.numAffectedRows) < classified.imported;
  if (someTaken) await rejectTakenMeanwhile(tx, caller);
  await sql`
    insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
    select ${caller.tenantId}, ${organization.id}, ${risingId(sql.ref('place'))}, id, user_id, ${at}, ${number}
    from classified where place is not null and user_id is not null order by place`.execute(tx);
  return someTaken ? countRows(tx) : classified;
}

/** Rejects the numbers that other changes inserted after the rows were classified. */
async function rejectTakenMeanwhile(tx: Tx, caller: Caller): Promise<void> {
  // If the table was empty when both imports began, the planner would assume that it still is, and compare all rows with all.
  await sql`analyze phone_numbers`.execute(tx);
  await sql`
    update classified c set code = 'already_exists', place = null, taken_by = (
      select n.organization_id from phone_numbers n
      where n.tenant_id = ${caller.tenantId} and n.phone_number = c.phone_number and n.released_at is null)
    where place is not null and not exists (select from phone_numbers n where n.tenant_id = ${caller.tenantId} and n.id = c.id)`.execute(
    tx,
  );
  await closeGaps(tx);
}

/** Stores what the event of the import stands for, so that the log can be replayed without the tables. */
export async function storeItems(
  { tx, organization }: Revision,
  caller: Caller,
  batchId: string,
  count: number,
  given: EditableName[],
): Promise<void> {
  await sql`
    insert into batch_items (tenant_id, organization_id, batch_id, piece, items)
    select ${caller.tenantId}, ${organization.id}, ${batchId}, piece, items
    from generate_series(0, (${count}::int - 1) / ${itemsPerPiece}::int) as piece
    cross join lateral (
      select jsonb_agg(${itemOf(given)} order by place) as items
      from classified where place > piece * ${itemsPerPiece}::int and place <= (piece + 1) * ${itemsPerPiece}::int) taken`.execute(
    tx,
  );
}

/** The columns, with the empty value for fields that a row does not give. */
const valuesOf = (names: EditableName[]): RawBuilder<unknown> =>
  sql.raw(
    names
      .map(name => (emptyState[name] === null ? `${name}, ` : `coalesce(${name}, ${emptySql(name)}), `))
      .join(''),
  );

function emptySql(name: EditableName): string {
  const { column } = field(name);
  return column === 'boolean' ? String(emptyState[name]) : `'{}'::${column}`;
}

/** An item of the batch, like arrivalOf() in life/arrivals.ts. */
const itemOf = (names: EditableName[]): RawBuilder<unknown> =>
  sql.raw(
    names
      .filter(name => name !== 'nickname')
      .reduce(
        (item, name) =>
          `${item} || case when ${name} is null then '{}' else jsonb_build_object('${name}', ${name}) end`,
        `jsonb_build_object('id', id, 'phone_number', phone_number, 'nickname', ${names.includes('nickname') ? 'nickname' : 'null'}, 'user_id', user_unique_id)`,
      ),
  );
