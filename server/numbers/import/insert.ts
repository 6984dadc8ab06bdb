import { randomUUIDv7 } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Tx } from '../../db/database.ts';
import { risingId } from '../../db/rising-id.ts';
import type { Revision } from '../../revisions/revise.ts';
import { chargesAll } from '../../tenants/weekly-fee.ts';
import { itemsPerPiece } from '../life/batches.ts';
import { type EditableName, emptyState, field } from '../state.ts';
import { closeGaps, columns } from './classify.ts';
import type { StagedName } from './staging.ts';

/* Inserts the new numbers that classify.ts has found. */

/**
 * Inserts the new numbers. All imports into one organization insert in the order of the numbers, so that two with the
 * same numbers wait for each other instead of deadlocking. Those into several may deadlock; then one begins anew.
 * @param count how many they are
 */
export async function insertRows(tx: Tx, caller: Caller, count: number, given: StagedName[]): Promise<void> {
  // Without these the planner would sort the rows, which are already in order.
  await sql`create index if not exists classified_place on classified (place) where place is not null`.execute(
    tx,
  );
  await sql`analyze classified (place, target)`.execute(tx);
  const editable = given.filter((name): name is EditableName => !isState(name));
  const status = hasState(given) ? sql`coalesce(c.status, 'available')` : sql`'available'`;
  const state = hasState(given)
    ? {
        names: sql`until, reservation_id, reservation_note,`,
        values: sql`c.until, c.reservation_id, c.reservation_note,`,
      }
    : { names: sql``, values: sql`` };
  const feeForAll = await chargesAll(tx, caller);
  const inserted = await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, ${columns(editable)}
      ${state.names} status, available_since, next_fee_at, since_revision, created_at, modified_at)
    select ${caller.tenantId}, o.organization_id, c.id, c.phone_number, c.pretty, c.country, ${valuesOf(editable)} ${state.values}
           case when c.user_id is null then ${status} else 'assigned' end,
           case when c.user_id is null and ${status} = 'available' then o.at end,
           case when ${feeForAll} then o.at end, o.revision, o.at, o.at
    from classified c join named_organizations o on o.organization = c.target
    where c.place is not null order by c.place
    on conflict (tenant_id, phone_number) where released_at is null do nothing`.execute(tx);
  if (Number(inserted.numAffectedRows) < count) await rejectTakenMeanwhile(tx, caller);
  await sql`
    insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
    select ${caller.tenantId}, o.organization_id, ${risingId(sql.ref('c.place'))}, c.id, c.user_id, o.at, o.revision
    from classified c join named_organizations o on o.organization = c.target
    where c.place is not null and c.user_id is not null order by c.place`.execute(tx);
}

const isState = (name: StagedName) => name === 'status' || name === 'until' || name === 'reservation_note';
const hasState = (given: StagedName[]) => given.includes('status');

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

/** The places of an organization's new numbers: they follow each other. */
export type Places = { first: number; count: number };

/** The places of each organization that has new numbers, by its target. */
export async function findPlaces(tx: Tx): Promise<Map<number, Places>> {
  const { rows } = await sql<Places & { target: number }>`
    select target, min(place) as first, count(place) as count from classified where place is not null group by target`.execute(
    tx,
  );
  return new Map(rows.map(({ target, ...places }) => [target, places]));
}

/**
 * Stores what the event of the import stands for in one organization, so that the log can be replayed without the
 * tables. Records the event. @returns the id of the batch
 */
export async function storeItems(
  { tx, organization, record }: Revision,
  caller: Caller,
  { first, count }: Places,
  given: StagedName[],
): Promise<string> {
  const batch_id = randomUUIDv7();
  await sql`
    insert into batch_items (tenant_id, organization_id, batch_id, piece, items)
    select ${caller.tenantId}, ${organization.id}, ${batch_id}, piece, items
    from generate_series(0, (${count}::int - 1) / ${itemsPerPiece}::int) as piece
    cross join lateral (
      select jsonb_agg(${itemOf(given)} order by place) as items
      from classified
      where place >= ${first}::int + piece * ${itemsPerPiece}::int
        and place < least(${first}::int + (piece + 1) * ${itemsPerPiece}::int, ${first}::int + ${count}::int)) taken`.execute(
    tx,
  );
  record('numbers.imported', { batch_id, count });
  return batch_id;
}

/** The columns, with the empty value for fields that a row does not give. */
const valuesOf = (names: EditableName[]): RawBuilder<unknown> =>
  sql.raw(
    names
      .map(name => (emptyState[name] === null ? `c.${name}, ` : `coalesce(c.${name}, ${emptySql(name)}), `))
      .join(''),
  );

function emptySql(name: EditableName): string {
  const { column } = field(name);
  return column === 'boolean' ? String(emptyState[name]) : `'{}'::${column}`;
}

const stateItem = `case when status is null then '{}' else jsonb_build_object('status', status,
  'until', to_char(until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  'reservation_id', reservation_id, 'reservation_note', reservation_note) end`;

/** An item of the batch, like arrivalOf() in life/arrivals.ts. */
const itemOf = (names: StagedName[]): RawBuilder<unknown> =>
  sql.raw(
    names
      .filter(name => name !== 'nickname' && !isState(name))
      .reduce(
        (item, name) =>
          `${item} || case when ${name} is null then '{}' else jsonb_build_object('${name}', ${name}) end`,
        `jsonb_build_object('id', id, 'phone_number', phone_number, 'nickname', ${names.includes('nickname') ? 'nickname' : 'null'}, 'user_id', user_unique_id)${hasState(names) ? ` || ${stateItem}` : ''}`,
      ),
  );
